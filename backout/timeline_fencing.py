"""Events about who may change a target."""

from __future__ import annotations

from typing import Literal

from backout.event import BaseEvent


class TargetsTakenOver(BaseEvent):
    """Targets that another incident had leased were taken over from it."""

    event: Literal["TargetsTakenOver"] = "TargetsTakenOver"
    targets: tuple[str, ...]
    holder: str
    """The incident that had them; empty where nobody could say."""
    why: str

    @property
    def line(self) -> str:
        """The event as one sentence for people."""
        other = f" from incident {self.holder.removeprefix('incident/')}" if self.holder else ""
        return f"{' and '.join(self.targets)} taken over{other}: {self.why}"
