"""A release set on its way over the stages: what is known of its targets, and what is open."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeAlias

from temporalio import workflow
from temporalio.exceptions import ActivityError

from backout.exposure import Exposure, ExposureChange, StagedPlan, Unfinished
from backout.release_sets import SetTarget
from backout.timeline_exposure import ExposureSet, StagePutBack
from workflows import options
from workflows.failures import reason
from workflows.options import Options
from workflows.setting import Change, read_part, set_part
from workflows.standing import Stage, Standing

Tell: TypeAlias = Callable[[ExposureSet | StagePutBack], Awaitable[None]]


class ReleaseSet:
    """The targets of a plan, from one walk's point of view."""

    def __init__(
        self,
        plan: StagedPlan,
        *,
        walk: str,
        step: str,
        tell: Tell,
        stood: dict[str, Exposure] | None = None,
        unfinished: Unfinished | None = None,
    ) -> None:
        """Go on from where the targets stood; `walk` is the walk's key, `tell` takes what is done.

        `unfinished` is a stage that an earlier walk was stopped in.
        """
        self.plan = plan
        self.walk = walk
        self.step = step
        self.tell = tell
        self.standing = Standing(plan, stood or {})
        self.unfinished = unfinished
        """The stage that was begun and is not reached, where it can be put back."""

    @property
    def is_one(self) -> bool:
        """Whether it has one target, which is always of one mind."""
        return len(self.plan.parts) == 1

    @property
    def bound(self) -> timedelta:
        """How long its targets may be at different stages."""
        return self.plan.mixed_for or self.plan.soak

    def begin(self, stage: int, goals: dict[str, int], *, is_down: bool, can_be_put_back: bool) -> Unfinished:
        """Note where the targets stand as a stage begins, unless it goes on from an earlier walk."""
        begun = self.unfinished if can_be_put_back else None
        before = {target: self.standing.at[target] for target in goals if target in self.standing.at}
        if begun is None or begun.stage != stage:
            begun = Unfinished(stage=stage, since=workflow.now(), before=before, left={})
        # A walk's first stage also looks to pointers that flipped before it: they stand where they are to.
        begun = begun.model_copy(update={"before": before | begun.before})
        self.unfinished = begun if can_be_put_back else None
        self.standing.begin(Stage(begun.since, begun.before, goals, is_down))
        return begun

    def go_on_from(self, stood: dict[str, Exposure], unfinished: Unfinished) -> None:
        """Take over where another history of the same walk has left the targets, in the middle of a stage."""
        for target, stands in stood.items():
            self.standing.found(target, stands)
        self.unfinished = unfinished
        goals = {part.target: part.wanted(unfinished.stage) for part in self.plan.parts}
        goals = {target: goal for target, goal in goals.items() if target in unfinished.before}
        self.begin(unfinished.stage, goals, is_down=self.plan.direction == "down", can_be_put_back=True)

    def settled(self) -> None:
        """Note that the stage is over: it is reached, or put back."""
        self.unfinished = None
        self.standing.settled()

    async def change(
        self, part: SetTarget, change: Change, limits: Options, *, expected: Exposure | None
    ) -> ExposureChange:
        """Change a target and read it back.

        Raises:
            ActivityError: it is not known to be done; it may have been.
        """
        self._tried(part.target, None)
        done = await set_part(self.plan, part, change, walk=self.walk, expected=expected, limits=limits)
        left = Exposure(percent=done.after, generation=done.generation)
        self.standing.found(part.target, left)
        self._tried(part.target, left)
        return done

    def _tried(self, target: str, left: Exposure | None) -> None:
        """Note what was left on a target; None while no answer came."""
        if left is None:
            self.standing.doubt(target)
        if self.unfinished is not None:
            tried = self.unfinished.left | {target: left}
            self.unfinished = self.unfinished.model_copy(update={"left": tried})

    async def look(self, *, summary: str, within: timedelta | None = None) -> dict[str, str]:
        """Read where every target stands, in this time; return why, for each that could not be read."""
        looks = (self.look_at(part, summary=summary, within=within) for part in self.plan.parts)
        found = await asyncio.gather(*looks)
        return {part.target: why for part, why in zip(self.plan.parts, found, strict=True) if why is not None}

    async def look_at(self, part: SetTarget, *, summary: str, within: timedelta | None = None) -> str | None:
        """Read where one target stands, in this time; return why, where it could not be read."""
        try:
            found = await read_part(self.plan, part, summary=summary, within=within)
        except ActivityError as failure:
            self.standing.doubt(part.target)
            return reason(failure)
        self.standing.found(part.target, found)
        return None

    async def stopped(self, why: str) -> str:
        """Look where everything stands after a stop, as a write may have been under way; say it."""
        unread = await self.look(summary="where did it stop?", within=options.LOOK_AFTER_A_STOP)
        if unread and self.is_one:
            return f"{why.removesuffix('.')}; the exposure could not be read: {unread[self.plan.target]}"
        told = [f"{target} could not be read: {trouble}" for target, trouble in unread.items()]
        if mixed := self.standing.mixed():
            told.append(mixed)
        else:
            self.settled()
        return "; ".join((why.removesuffix("."), *told)) if told else why
