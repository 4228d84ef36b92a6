"""What the outbox keeps."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from backout.alerts import Alert
from backout.model import Frozen


class OutboxEntry(Frozen):
    """An alert on its way to an incident, or one that was refused."""

    key: str
    """Identity of this delivery: the alert's episode with its status, or the body's digest if refused."""
    received_at: datetime
    source: str
    state: Literal["pending", "delivered", "dead"] = "pending"
    alert: Alert | None = None
    """The parsed alert; None where the body could not be read."""
    playbook: str = ""
    service: str = ""
    release: str = ""
    body: str = ""
    """A refused body, as it came (cut at 64 KiB)."""
    why: str = ""
    """Why it was refused, or why the last delivery did not work."""
    attempts: int = 0
    traceparent: str = ""
    """The W3C trace context in which it came in, so that its incident belongs to the same trace."""
