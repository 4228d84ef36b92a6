"""What the webhooks of Opsgenie and of Jira Service Management say: one action on one of their alerts."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field

from backout.alerts import Alert
from backout.senders.message import Fingerprint, Heard, Message, Received, Told, bounded, read
from backout.senders.tags import labels_of_tags

SOURCE = "opsgenie"
_FIRING = "Create"
_RESOLVED = {"Close", "Delete"}


_Milliseconds = Annotated[int, Field(ge=10**11, lt=10**14)]
"""Since 1970. Other times of theirs are in nanoseconds."""


class _Action(Received):
    action: str


class _Raised(Received):
    alertId: Fingerprint  # noqa: N815  # the sender's spelling
    message: str
    createdAt: _Milliseconds  # noqa: N815  # the sender's spelling
    alias: str = ""
    entity: str = ""
    priority: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    details: dict[str, str] = {}


class _Posted(Received):
    alert: _Raised


def hear(message: Message, routed_by: Collection[str] = ()) -> Heard:
    """Read an action: an alert that is created fires, one that is closed or deleted resolves."""
    action = read(message.body, _Action).action
    if action not in {_FIRING, *_RESOLVED}:
        known = ", ".join(sorted({_FIRING, *_RESOLVED}))
        return Heard(ignored=f"action '{action[:100]}' neither fires nor resolves; those that do: {known}")
    raised = read(message.body, _Posted).alert
    alert = Alert(
        source=SOURCE,
        fingerprint=raised.alertId,
        starts_at=datetime.fromtimestamp(raised.createdAt / 1000, UTC),
        status="firing" if action == _FIRING else "resolved",
        name=raised.message.strip() or raised.alias or raised.alertId,
        summary=raised.description,
        labels=_labels(raised),
    )
    # Its end comes without the details that it was routed by: it belongs to what was first heard of it.
    return Heard(told=(Told(alert=bounded(alert, routed_by), starts="first heard"),))


def _labels(raised: _Raised) -> dict[str, str]:
    """Return what an alert can be routed by; its own fields win over its details, and these over its tags."""
    own = {
        "alertname": raised.message.strip(),
        "alias": raised.alias,
        "entity": raised.entity,
        "priority": raised.priority,
    }
    return (
        labels_of_tags(raised.tags) | raised.details | {name: value for name, value in own.items() if value}
    )
