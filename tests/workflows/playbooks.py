"""The playbook of the workflow tests: every kind of step, in the fake world's names."""

from __future__ import annotations

from typing import Any

from backout.playbook import Playbook

RIGHTS = ["acknowledge", "hold", "resume", "retry", "skip", "abort", "note", "tick", "close"]

DETECT = {"step": "detect", "owner": "on_call", "within": "5m", "on_timeout": "escalate"}
ESCALATE = {
    "step": "escalate",
    "owner": "on_call",
    "policy": "model",
    "within": "15m",
    "on_timeout": "proceed",
}
REVERT = {
    "step": "revert",
    "owner": "commander",
    "target": "exposure",
    "stages": [50, 10, 0],
    "soak": "2m",
    "within": "30m",
    "on_timeout": "hold",
    "on_recovery": "proceed",
}
CHECK = {
    "step": "check",
    "owner": "platform",
    "checks": ["consistent"],
    "within": "10m",
    "on_timeout": "escalate",
}
VERIFY = {"step": "verify", "owner": "on_call", "window": "10m", "within": "1h", "on_timeout": "escalate"}
NOTIFY = {
    "step": "notify",
    "owner": "product",
    "audience": "customers",
    "channel": "room",
    "template": "resolved",
    "within": "30m",
    "on_timeout": "escalate",
}
MANUAL = {
    "step": "manual",
    "owner": "on_call",
    "items": ["look at the queue", "call the partner"],
    "within": "1h",
    "on_timeout": "hold",
}
POSTMORTEM = {
    "step": "postmortem",
    "owner": "commander",
    "template": "standard",
    "due": "5d",
    "within": "5m",
    "on_timeout": "retry",
}
ALL = (DETECT, ESCALATE, REVERT, CHECK, VERIFY, NOTIFY, POSTMORTEM)


def playbook(*steps: dict[str, Any], **changes: Any) -> Playbook:  # noqa: ANN401  # any field of a playbook
    """Return a playbook with these steps (all kinds without), and these fields changed."""
    return Playbook.model_validate(
        {
            "playbook": "chat-tests",
            "version": 3,
            "scenario": "A chat release answers badly.",
            "at_risk": {"users": "wrong advice", "safety": "unmoderated content", "business": "refunds"},
            "severity": "critical",
            "release": {
                "service": "chat",
                "artifacts": ["model", "prompt"],
                "requests": {"source": "metrics", "query": "served"},
            },
            "channel": "room",
            "tick": "15s",
            "signals": {
                "errors": {
                    "kind": "ratio",
                    "family": "operational",
                    "source": "metrics",
                    "bad": "bad",
                    "of": "requests",
                }
            },
            "criteria": [
                {"id": "error_rate", "signal": "errors", "test": {"compare": "limit", "max": "1%"}},
                {"id": "provider", "test": {"compare": "alert", "named": "ProviderDown"}},
            ],
            "rules": [
                {
                    "id": "critical",
                    "when": {"any_of": ["error_rate", "provider"]},
                    "authority": "auto",
                    "quorum": 1,
                }
            ],
            "roles": {
                "on_call": {"may": RIGHTS},
                "commander": {"may": [*RIGHTS, "approve", "reject"]},
                "product": {"may": ["approve", "reject", "note"]},
                "platform": {"may": ["note"]},
            },
            "escalation": {
                "model": [{"page": ["on_call"], "wait": "5m"}, {"page": ["commander"], "wait": "5m"}]
            },
            "remind": "30m",
            "steps": list(steps or ALL),
        }
        | changes
    )


def rules(authority: str, **changes: Any) -> list[dict[str, Any]]:  # noqa: ANN401  # any field of a rule
    """Return the one rule with another authority."""
    rule = {"id": "critical", "when": {"any_of": ["error_rate", "provider"]}, "authority": authority}
    return [rule | changes]


def criteria(**changes: Any) -> list[dict[str, Any]]:  # noqa: ANN401  # any field
    """Return the criteria, the one of the errors with these fields changed."""
    first, *others = playbook().model_dump(mode="json")["criteria"]
    return [{**first, **changes}, *others]


GAP: dict[str, Any] = {
    "criteria": [
        *criteria(mode="observe"),
        {
            "id": "language_gap",
            "signal": "errors",
            "test": {"compare": "gap", "by": "language", "max_ratio": 1.5},
        },
    ],
    "rules": [
        {
            "id": "bias",
            "do": "pause_and_investigate",
            "approve_by": ["commander", "product"],
            "when": {"any_of": ["language_gap"]},
        },
        {"id": "down", "authority": "auto", "when": {"any_of": ["provider"]}},
    ],
}
"""A rule that pauses for an investigation where one language fares worse than the others."""
JUDGED: dict[str, Any] = {
    "rules": [{"id": "critical", "authority": "auto", "when": {"any_of": ["error_rate"]}}],
    "criteria": criteria()[:1],
    "judgments": [
        {
            "id": "safety_view",
            "by": ["product"],
            "ask": "New failure of this release?",
            "expires": "30m",
            "answers": {
                "fine": "carry on",
                "concerned": "weaker evidence suffices",
                "stop": "revert now",
                "known": "hold off",
            },
        }
    ],
    "roles": {
        "on_call": {"may": [*RIGHTS, "judge"]},
        "commander": {"may": [*RIGHTS, "approve", "reject"]},
        "product": {"may": ["approve", "reject", "note", "judge"]},
        "platform": {"may": ["note"]},
    },
}
"""A question to people whose answer weighs into the one rule."""
