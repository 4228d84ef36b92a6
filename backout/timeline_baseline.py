"""Events about the release that traffic goes back to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from backout.event import BaseEvent


class BaselineProven(BaseEvent):
    """The release that traffic goes back to was seen to be good."""

    event: Literal["BaselineProven"] = "BaselineProven"
    baseline: str
    shown: tuple[str, ...]
    """What shows it, each with its numbers."""

    @property
    def line(self) -> str:
        """The event as one sentence for people."""
        return f"Baseline {self.baseline} is proven: {'; '.join(self.shown)}"


class BaselineUnproven(BaseEvent):
    """The release that traffic goes back to was not seen to be good, or there is none."""

    event: Literal["BaselineUnproven"] = "BaselineUnproven"
    baseline: str
    """Empty where none is known."""
    doubts: tuple[str, ...]
    """Why, each with its numbers."""
    choices: tuple[str, ...] = ()
    """The releases that could be named instead, each with what is proven of it and what is not."""
    went_on: str = ""
    """Why it was reverted to all the same; empty where people were asked."""

    @property
    def line(self) -> str:
        """The event as one sentence for people."""
        which = f"Baseline {self.baseline} is" if self.baseline else "The baseline is"
        on = f". The revert went on: {self.went_on}" if self.went_on else ""
        instead = f". Choices: {'. '.join(self.choices)}" if self.choices else ""
        return f"{which} not proven: {'; '.join(self.doubts)}{on}{instead}"


def gone_back_to(timeline: Sequence[BaseEvent], known: str) -> str:
    """Return the baseline that was proven last, or reverted to all the same; else the one that was known."""
    for event in reversed(timeline):
        if isinstance(event, BaselineProven) or (isinstance(event, BaselineUnproven) and event.went_on):
            return event.baseline or known
    return known
