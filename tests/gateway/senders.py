"""The senders of alerts: what each of them posts about one alert, and how it shows that it is the one."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from tests.gateway.world import ENVIRON, FIRING, RESOLVED, TOKEN

JSON = "application/json"
NINE = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
LABELS = {"playbook": "llm-chat", "env": "staging"}

Said = dict[str, object]


@dataclass(frozen=True)
class Event:
    """What happens to an alert at the sender."""

    status: str = "firing"
    alert: str = "a1"
    release: str = "r2"
    began: int = 0
    """When the episode began, in minutes after nine."""
    at: int = 0
    """When this is said, in minutes after nine."""
    again: bool = False
    """The alert has been resolved before, in the same conversation."""


@dataclass(frozen=True)
class Sender:
    """One sender."""

    name: str
    says: Callable[[Event], Said]
    shows: Callable[[bytes, str], dict[str, str]]
    """The headers with which it shows that it is the one, for a body and a secret."""
    secrets: tuple[str, ...] = (ENVIRON["OLD"], ENVIRON["NEW"])
    needs: str = ""
    """A field that must be there, as its place is told."""
    moment: str = ""
    """The field that holds the start, as its place is told."""
    media_type: str = JSON
    ignores: tuple[Said, ...] = ()
    """What it sends too, and what is no alert."""

    def body(self, event: Event) -> bytes:
        """Return what it posts."""
        return json.dumps(self.says(event)).encode()

    def headers(self, body: bytes, secret: str | None = None) -> dict[str, str]:
        """Return the headers of its message."""
        return {"Content-Type": self.media_type, **self.shows(body, secret or self.secrets[-1])}

    def __str__(self) -> str:
        return self.name


def _minute(minutes: int) -> str:
    return NINE.replace(minute=minutes).isoformat()


def _milliseconds(minutes: int) -> int:
    return int(NINE.replace(minute=minutes).timestamp()) * 1000


def bearer(_: bytes, secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def basic(_: bytes, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"datadog:{secret}".encode()).decode()}


def digest(content: bytes, secret: str) -> str:
    return hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()


def pagerduty_signature(body: bytes, secret: str) -> dict[str, str]:
    return {"X-PagerDuty-Signature": f"v1={'0' * 64},v1={digest(body, secret)}"}


def grafana_signature(body: bytes, secret: str, *, at: float | None = None) -> dict[str, str]:
    told = str(int(time.time() if at is None else at))
    return {
        "X-Grafana-Alerting-Timestamp": told,
        "X-Grafana-Alerting-Signature": digest(f"{told}:".encode() + body, secret),
    }


def generic_signature(body: bytes, secret: str) -> dict[str, str]:
    return {"X-Backout-Signature": digest(body, secret)}


def _group(event: Event) -> Said:
    member = {
        "status": event.status,
        "labels": {"alertname": "Bad", **LABELS, "release": event.release},
        "startsAt": _minute(event.began),
        "fingerprint": event.alert,
    }
    return {"receiver": "backout", "status": event.status, "groupKey": "{}:{}", "alerts": [member]}


def _grafana(event: Event) -> Said:
    return {**_group(event), "orgId": 1, "title": "[FIRING:1]", "state": "alerting", "message": "**Firing**"}


def pagerduty(kind: str, event: Event) -> Said:
    title = f"Bad playbook=llm-chat env=staging release={event.release}"
    incident = {
        "id": event.alert,
        "type": "incident",
        "title": title,
        # PagerDuty keeps the moment of the creation when an incident is opened again.
        "created_at": _minute(0 if event.again else event.began),
        "service": {"summary": "Chat"},
        "priority": None,
        "html_url": "https://acme.pagerduty.com/incidents/PGR0VU2",
    }
    return {"event": {"id": "e1", "event_type": kind, "occurred_at": _minute(event.at), "data": incident}}


def _pagerduty(event: Event) -> Said:
    firing = "incident.reopened" if event.again else "incident.triggered"
    return pagerduty(firing if event.status == "firing" else "incident.resolved", event)


def datadog(transition: str, event: Event) -> Said:
    return {
        "alert_transition": transition,
        # A new cycle for each episode.
        "alert_cycle_key": f"{event.alert}{event.began}",
        "alert_id": "1234",
        "alert_title": "Bad",
        "alert_type": "error",
        "date": str(_milliseconds(event.at)),
        "tags": f"monitor,playbook:llm-chat,env:staging,release:{event.release}",
        "link": "https://app.datadoghq.com/event/1",
    }


def _datadog(event: Event) -> Said:
    return datadog("Triggered" if event.status == "firing" else "Recovered", event)


def opsgenie(action: str, event: Event) -> Said:
    # The end of an alert comes without its details.
    details = {**LABELS, "release": event.release} if action == "Create" else {}
    alert = {
        # A new alert for each episode.
        "alertId": f"{event.alert}-{event.began}",
        "message": "Bad",
        "createdAt": _milliseconds(event.began),
        "updatedAt": _milliseconds(event.at) * 1_000_000,
        "tags": ["chat"],
        "details": details,
    }
    return {"action": action, "alert": alert, "integrationName": "Backout"}


def _opsgenie(event: Event) -> Said:
    return opsgenie("Create" if event.status == "firing" else "Close", event)


def cloudevent(kind: str, event: Event) -> Said:
    return {
        "specversion": "1.0",
        "id": f"{event.alert}-{event.at}",
        "source": "/evals/llm-chat",
        "type": kind,
        "subject": event.alert,
        "time": _minute(event.at),
        "release": event.release,
        "data": {"signal": "Bad", "labels": LABELS, "value": 80},
    }


def _cloudevent(event: Event) -> Said:
    return cloudevent(FIRING if event.status == "firing" else RESOLVED, event)


def _generic(event: Event) -> Said:
    alert = {
        "name": "Bad",
        "status": event.status,
        "fingerprint": event.alert,
        "starts_at": _minute(event.began),
        "labels": {**LABELS, "release": event.release},
    }
    return {"alerts": [alert]}


_PING: Said = {
    "event": {"id": "e0", "event_type": "pagey.ping", "data": {"message": "Hello", "type": "ping"}}
}
_NOTE: Said = {
    "event": {"id": "e2", "event_type": "incident.annotated", "data": {"content": "Look", "id": "N1"}}
}

SENDERS = (
    Sender("alertmanager", _group, bearer, (TOKEN,), "alerts[0].fingerprint", "alerts[0].startsAt"),
    Sender("grafana", _grafana, grafana_signature, needs="alerts[0].labels", moment="alerts[0].startsAt"),
    Sender(
        "pagerduty",
        _pagerduty,
        pagerduty_signature,
        needs="event.data.id",
        moment="event.data.created_at",
        ignores=(_PING, _NOTE, pagerduty("incident.acknowledged", Event()), pagerduty("new.kind", Event())),
    ),
    Sender(
        "datadog",
        _datadog,
        basic,
        needs="alert_transition",
        moment="date",
        ignores=(
            datadog("Warn", Event()),
            datadog("No Data", Event()),
            datadog("Re-No Data", Event()),
            datadog("", Event()),
            {**datadog("Renotify", Event()), "alert_type": "warning"},
        ),
    ),
    Sender(
        "opsgenie",
        _opsgenie,
        bearer,
        needs="alert.alertId",
        moment="alert.createdAt",
        ignores=(opsgenie("Acknowledge", Event()), opsgenie("AddNote", Event())),
    ),
    Sender(
        "cloudevents",
        _cloudevent,
        bearer,
        needs="source",
        moment="time",
        media_type="application/cloudevents+json",
        ignores=(cloudevent("com.example.release.made", Event()),),
    ),
    Sender(
        "generic", _generic, generic_signature, needs="alerts[0].fingerprint", moment="alerts[0].starts_at"
    ),
)
