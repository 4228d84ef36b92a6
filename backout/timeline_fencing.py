"""Events about who may change a target."""

from __future__ import annotations

from typing import Literal

from backout.event import BaseEvent
from backout.naming import called


class TargetsTakenOver(BaseEvent):
    """Targets that another incident had leased were taken over from it."""

    event: Literal["TargetsTakenOver"] = "TargetsTakenOver"
    targets: tuple[str, ...]
    holder: str
    """The incident or rollout that had them; empty where nobody could say."""
    why: str

    @property
    def line(self) -> str:
        """The event as one sentence for people."""
        other = f" from {called(self.holder)}" if self.holder else ""
        return f"{' and '.join(self.targets)} taken over{other}: {self.why}"
