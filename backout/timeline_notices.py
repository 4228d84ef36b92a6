"""Notices that were not sent in time, or not at all; those that were are `MessageSent`."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from backout.event import BaseEvent


class NoticeOverdue(BaseEvent):
    """An audience was to be told something by now, and was not."""

    event: Literal["NoticeOverdue"] = "NoticeOverdue"
    communication: str
    audience: str
    due: datetime
    owner: str
    """The role that was called about it."""
    why: str

    @property
    def line(self) -> str:
        """The event as one sentence for people."""
        due = f"{self.due:%H:%M:%S} UTC"
        return f"OVERDUE: the notice {self.communication} to {self.audience} was due at {due} ({self.why})"


class NoticeDropped(BaseEvent):
    """A notice is not sent any more."""

    event: Literal["NoticeDropped"] = "NoticeDropped"
    communication: str
    audience: str
    due: datetime
    why: str

    @property
    def line(self) -> str:
        """The event as one sentence for people."""
        due = f"{self.due:%H:%M:%S} UTC"
        return f"The notice {self.communication} to {self.audience}, due at {due}, was not sent: {self.why}"
