"""What the gateway counts, in an injected registry."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class SlackMetrics:
    """The Slack door's series."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register the series."""
        self.commands = Counter(
            "backout_slack_commands",
            "Slack commands by verb: done, refused, unanswered or forged",
            ["verb", "result"],
            registry=registry,
        )
        self.interactions = Counter(
            "backout_slack_interactions",
            "Taps and forms in Slack by action: done, asked (a form is open), refused, unanswered or forged",
            ["kind", "action", "result"],
            registry=registry,
        )
        self.whispers = Counter(
            "backout_slack_whispers",
            "Receipts and refusals of taps: told, or lost because Slack did not take them",
            ["result"],
            registry=registry,
        )
        self.connected = Gauge(
            "backout_slack_connected", "Whether Slack's socket is open (1); 0 over HTTP", registry=registry
        )
        self.connections = Counter(
            "backout_slack_connections",
            "Attempts to open Slack's socket: opened or failed",
            ["result"],
            registry=registry,
        )


class Metrics:
    """The gateway's series; every label has few values, none of them from outside."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register the series."""
        self.registry = registry
        self.alerts = Counter(
            "backout_alerts",
            "Alerts by door: accepted, repeated (known already), refused, ignored (none), forged, limited",
            ["door", "result"],
            registry=registry,
        )
        self.alert_seconds = Histogram(
            "backout_alert_request_seconds",
            "Time from an alert request's arrival to its answer",
            ["door"],
            registry=registry,
        )
        self.deliveries = Counter(
            "backout_deliveries",
            "Deliveries from the outbox: delivered, ignored (resolved, nothing open), failed, refused",
            ["result"],
            registry=registry,
        )
        self.outbox_depth = Gauge(
            "backout_outbox_depth", "Alerts that were accepted and wait for the engine", registry=registry
        )
        self.pushes = Counter(
            "backout_pushes",
            "Pushes by source: accepted, repeated (known already), refused, failed (could not be kept)",
            ["source", "result"],
            registry=registry,
        )
        self.slack = SlackMetrics(registry)
