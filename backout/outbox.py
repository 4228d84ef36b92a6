"""What the outbox keeps."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from backout.alerts import Alert
from backout.model import Frozen
from backout.routing import Routed
from backout.senders.message import Starts


class OutboxEntry(Frozen):
    """An alert on its way to an incident, or a dead letter: one that was refused or cannot be delivered."""

    key: str
    """Identity of this delivery: the alert's episode with its status, or a digest if refused at the door."""
    received_at: datetime
    source: str
    state: Literal["pending", "delivered", "dead"] = "pending"
    alert: Alert | None = None
    """The parsed alert; None where the body could not be read."""
    starts: Starts = "said"
    """Where the alert's start comes from, for one that is still to be placed in its episode."""
    playbook: str = ""
    service: str = ""
    release: str = ""
    body: str = ""
    """What could not be read, as it came (cut at 64 KiB)."""
    headers: dict[str, str] = {}
    """The headers that it came with and that say something of it."""
    why: str = ""
    """Why it was refused, or why the last delivery did not work."""
    attempts: int = 0
    traceparent: str = ""
    """The W3C trace context in which it came in, so that its incident belongs to the same trace."""


def addressed(alert: Alert, to: Routed, *, received_at: datetime, traceparent: str) -> OutboxEntry:
    """Return the entry that carries an alert where its route sends it."""
    return OutboxEntry(
        key=f"{alert.episode}/{alert.status}",
        received_at=received_at,
        source=alert.source,
        alert=alert,
        playbook=to.playbook,
        service=to.service,
        release=to.release,
        traceparent=traceparent,
    )
