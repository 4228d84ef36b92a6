"""What happens on the way up an escalation policy, beside the pages themselves."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from backout.event import BaseEvent


class LevelPassedOver(BaseEvent):
    """A level of an escalation policy was for nobody at this hour, so the next one came at once."""

    event: Literal["LevelPassedOver"] = "LevelPassedOver"
    policy: str
    level: int
    round: int = 1
    why: str

    @property
    def line(self) -> str:
        """The event as one sentence for people."""
        return f"Level {self.level} of escalation policy {self.policy} passed over: {self.why}"


class AcknowledgementLapsed(BaseEvent):
    """Somebody owned the incident, but it still fires: whoever is on call now is called anew."""

    event: Literal["AcknowledgementLapsed"] = "AcknowledgementLapsed"
    policy: str
    by: str
    """Who had acknowledged."""
    since: datetime
    """When they had."""

    @property
    def line(self) -> str:
        """The event as one sentence for people."""
        since = f"{self.since:%H:%M:%S} UTC"
        return f"{self.by} acknowledged at {since}, and it still fires: paging by {self.policy} begins anew"


class LadderEnded(BaseEvent):
    """The escalation policy came to its end and nobody answered."""

    event: Literal["LadderEnded"] = "LadderEnded"
    policy: str
    why: str = ""
    """Why it ended, where it is not that every level was paged."""
    move: str = ""
    """What that means, where the policy says it."""

    @property
    def line(self) -> str:
        """The event as one sentence for people."""
        why = f" ({self.why})" if self.why else ""
        then = f"; next: {self.move}" if self.move else ""
        return f"Escalation policy {self.policy} ended without an answer{why}{then}"
