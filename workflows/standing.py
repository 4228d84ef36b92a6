"""Where the targets of a set stand, and whether they are of one mind."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from backout.exposure import Exposure, StagedPlan


class Stage(NamedTuple):
    """A stage that is under way."""

    since: datetime
    before: dict[str, Exposure]
    """Where its targets stood."""
    goals: dict[str, int]
    """Where they are to go, in percent."""
    is_down: bool
    """Whether lower than that will do; else higher will."""


class Standing:
    """What was last read of each target, and what the stage that is under way wants of them."""

    def __init__(self, plan: StagedPlan, at: dict[str, Exposure]) -> None:
        """Begin with what is known."""
        self._plan = plan
        self.at = dict(at)
        """Where each target stands, as far as it was read back."""
        self._doubtful: set[str] = set()
        self._stage: Stage | None = None

    @property
    def exposures(self) -> dict[str, int]:
        """Where each target stands, in percent; in the plan's order, whichever answered first."""
        planned = (part.target for part in self._plan.parts)
        return {
            target: self.at[target].percent
            for target in dict.fromkeys((*planned, *self.at))
            if target in self.at
        }

    @property
    def exposure(self) -> int | None:
        """The most of any target; None where none is known."""
        return max(self.exposures.values(), default=None)

    def found(self, target: str, stands: Exposure) -> None:
        """Keep what was read back."""
        self.at[target] = stands
        self._doubtful.discard(target)

    def doubt(self, target: str) -> None:
        """Note that a target may stand elsewhere by now: a change or a look had no answer yet."""
        self._doubtful.add(target)

    def begin(self, stage: Stage) -> None:
        """Note what a stage is to reach."""
        self._stage = stage

    def settled(self) -> None:
        """Note that the stage is over, and the targets are of one mind."""
        self._stage = None

    def told(self) -> str:
        """Say where every target stands."""
        return ", ".join(self._told(part.target) for part in self._plan.parts)

    def mixed(self) -> str:
        """Say that the set is mixed, since when, and who stands where; nothing where it is not."""
        if self._stage is None or self._is_of_one_mind(self._stage):
            return ""
        return f"MIXED since {self._stage.since:%H:%M:%S} UTC: {self.told()}"

    def _is_of_one_mind(self, stage: Stage) -> bool:
        if self._doubtful & set(stage.goals):
            return False
        stands = {target: self.at[target].percent for target in stage.goals}
        way = 1 if stage.is_down else -1
        reached = all(way * stands[target] <= way * goal for target, goal in stage.goals.items())
        back = {target: before.percent for target, before in stage.before.items() if target in stands}
        return reached or stands == back

    def _told(self, target: str) -> str:
        if target not in self.at:
            return f"{target} not known"
        doubt = ", when last read" if target in self._doubtful else ""
        return f"{target} at {self.at[target].percent} %{doubt}"
