"""Events about plans: which of several was chosen, and which were not."""

from __future__ import annotations

from typing import Literal

from backout.event import BaseEvent

REVERT = "revert"
"""What the revert itself is called among its alternatives."""


class PlanChosen(BaseEvent):
    """Of the revert and its alternatives, one was chosen."""

    event: Literal["PlanChosen"] = "PlanChosen"
    chosen: str
    not_chosen: tuple[str, ...]
    by: tuple[str, ...] = ()
    """Who authorised it, by name; nobody where its rule needs no approval."""

    @property
    def choice(self) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
        """What was chosen, instead of what, and by whom."""
        return self.chosen, self.not_chosen, self.by

    @property
    def line(self) -> str:
        """The event as one sentence for people."""
        by = " and ".join(self.by) or "the rule itself, which asks nobody"
        return f"Chosen: {self.chosen}, by {by}; not chosen: {', '.join(self.not_chosen)}"
