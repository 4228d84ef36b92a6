"""What PagerDuty's v3 webhooks say: one event of one of its incidents.

An incident of PagerDuty says little of the alert behind it. So words `name=value` in its title are read as
labels, such as `release=chat-2026.11`: whoever sends the event to PagerDuty writes them into its summary.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from backout.alerts import Alert
from backout.senders.message import Fingerprint, Heard, Message, Moment, Received, Starts, Told, bounded, read

SOURCE = "pagerduty"
_FIRING = {"incident.triggered", "incident.reopened"}
_RESOLVED = "incident.resolved"
_WORD = re.compile(r"([A-Za-z_][A-Za-z0-9_.-]*)=([^\s,;()\[\]]+)")
_AROUND = re.compile(rf"[\s,;(\[]*{_WORD.pattern}[)\]]*")


class _Kind(Received):
    event_type: str


class _AnyEvent(Received):
    """Every event: PagerDuty adds kinds, and their data differ."""

    event: _Kind


class _Thing(Received):
    """What an incident refers to."""

    summary: str = ""


class _Incident(Received):
    id: Fingerprint
    title: str
    created_at: Moment
    html_url: str = ""
    service: _Thing = _Thing()
    priority: _Thing = _Thing()
    escalation_policy: _Thing = _Thing()
    urgency: str = ""


class _Happened(Received):
    occurred_at: Moment
    data: _Incident


class _IncidentEvent(Received):
    event: _Happened


def hear(message: Message, routed_by: Collection[str] = ()) -> Heard:
    """Read a webhook: what opens an incident fires, what resolves it resolves, the rest is ignored."""
    kind = read(message.body, _AnyEvent).event.event_type
    if kind not in {*_FIRING, _RESOLVED}:
        known = ", ".join(sorted({*_FIRING, _RESOLVED}))
        return Heard(
            ignored=f"event '{kind[:100]}' neither opens nor resolves an incident; those that do: {known}"
        )
    event = read(message.body, _IncidentEvent).event
    incident = event.data
    # An incident that is opened again keeps the moment of its creation, but begins anew.
    starts: Starts = "open" if kind == _RESOLVED else "said"
    alert = Alert(
        source=SOURCE,
        fingerprint=incident.id,
        starts_at=incident.created_at if kind == "incident.triggered" else event.occurred_at,
        status="resolved" if kind == _RESOLVED else "firing",
        name=_name(incident),
        labels=_labels(incident),
        link=incident.html_url,
    )
    return Heard(told=(Told(alert=bounded(alert, routed_by), starts=starts),))


def _name(incident: _Incident) -> str:
    """Return the title without the words that are labels: rules listen to an alert by its name."""
    return _AROUND.sub("", incident.title).strip() or incident.title or incident.id


def _labels(incident: _Incident) -> dict[str, str]:
    """Return what an incident can be routed by; its own fields are never those of its title."""
    own = {
        "alertname": _name(incident),
        "pagerduty_service": incident.service.summary,
        "escalation_policy": incident.escalation_policy.summary,
        "priority": incident.priority.summary,
        "urgency": incident.urgency,
    }
    return dict(_WORD.findall(incident.title)) | {name: value for name, value in own.items() if value}
