"""The staged revert: exposure goes down stage by stage; each is set, read back, soaked and judged."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal, NamedTuple

from pydantic import Field
from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities.exposure import ExposureActivities
from activities.signals import SignalActivities
from backout.evaluation import Outcome
from backout.exposure import Exposure, ReadExposure, SetExposure, StagedPlan
from backout.model import Frozen
from backout.requests import Observation, Observe
from backout.timeline import SignalsJudged
from backout.timeline_exposure import ExposureSet
from workflows import options
from workflows.doing import do
from workflows.failures import reason, was_moved
from workflows.waiting import ended, stop


class WalkDown(Frozen):
    """Request: walk these stages of a plan."""

    plan: StagedPlan
    stages: Annotated[tuple[int, ...], Field(min_length=1)]
    """The stages that are still to come."""
    set_already: int | None = None
    """The first stage, where it is set and read back: the incident need not wait for the walk to begin."""
    left: Exposure | None = None
    """What that first stage left; none where the target knows no generations."""
    soak: Observe
    """How a stage is watched, in the recovery sense."""
    on_recovery: Literal["hold", "proceed"]
    key: str
    """`incident/step` with the incident's first run; a stage's effect has `key/stage`."""
    step: str


class WalkedDown(Frozen):
    """Where the walk ended."""

    state: Literal["complete", "recovered", "stopped", "failed", "turned_back", "undecided"]
    """recovered: on the way down, users did before the last stage. turned_back: on the way up a rule fired,
    and every target is at 0. undecided: on the way up, a soak showed neither health nor a breach."""
    exposure: int | None
    """The most of any target of the set, in percent; None where none could be read."""
    remaining: tuple[int, ...]
    """Stages that were not set, read back and soaked to the end."""
    why: str = ""
    exposures: dict[str, int] = {}
    """Where each target of the set stands, as far as it was read back."""


class Stage(NamedTuple):
    """A stage that was set and read back."""

    event: ExposureSet
    left: Exposure | None
    """What the next stage expects; none where the target knows no generations."""


async def set_stage(
    plan: StagedPlan, stage: int, *, key: str, step: str, expected: Exposure | None = None
) -> Stage:
    """Set one stage, where the exposure is what the stage before left, and read it back."""
    key = f"{key}/{stage}"
    change = await do(
        ExposureActivities.set_exposure,
        SetExposure(
            target=plan.target,
            service=plan.service,
            release=plan.release,
            percent=stage,
            key=key,
            expected=expected,
        ),
        options.SET_EXPOSURE,
        activity_id=f"set-exposure-{key.rsplit('/', 2)[-2]}-{stage}",
        summary=f"{plan.target}: {stage} % stays on {plan.release}",
    )
    event = ExposureSet(
        at=workflow.now(),
        step=step,
        target=plan.target,
        stage=stage,
        before=change.before,
        after=change.after,
        key=key,
        changed=change.changed,
    )
    left = Exposure(percent=change.after, generation=change.generation)
    return Stage(event, left if change.generation else None)


async def stopped(
    plan: StagedPlan, *, remaining: tuple[int, ...], exposure: int | None, why: str
) -> WalkedDown:
    """Say where a walk stopped, after a look where the exposure is: a write may have been under way."""
    try:
        found = await do(
            ExposureActivities.read_exposure,
            ReadExposure(target=plan.target, service=plan.service, release=plan.release),
            options.READ_EXPOSURE,
            summary=f"{plan.target}: where did it stop?",
        )
    except ActivityError as failure:
        why = f"{why.removesuffix('.')}; the exposure could not be read: {reason(failure)}"
        return WalkedDown(state="stopped", exposure=exposure, remaining=remaining, why=why)
    return WalkedDown(state="stopped", exposure=found.percent, remaining=remaining, why=why)


@workflow.defn(name="StagedRevert")
class StagedRevert:
    """One walk down the stages. It never waits for people: it ends and says where, and is started again."""

    @workflow.init
    def __init__(self, walk: WalkDown) -> None:
        """Keep the walk and where it stands."""
        self._walk = walk
        self._remaining = walk.stages
        self._exposure = walk.set_already
        self._left = walk.left

    @workflow.run
    async def run(self, walk: WalkDown) -> WalkedDown:
        """Walk down; being cancelled means: stop now, and say where."""
        walking = asyncio.create_task(self._down(walk))
        try:
            return await asyncio.shield(walking)
        except asyncio.CancelledError:
            stop(walking)
            await ended(walking)
            return await self._stopped("stopped on request")

    async def _down(self, walk: WalkDown) -> WalkedDown:
        try:
            for stage in walk.stages:
                if stage != walk.set_already:
                    await self._set(stage)
                recovered = await self._soak(stage)
                # Only now: a walk that stops in a soak sets and soaks the stage again when it goes on.
                self._remaining = self._remaining[1:]
                if recovered and self._remaining and walk.on_recovery == "hold":
                    return self._ended("recovered", f"users recovered at {self._exposure} %")
        except ActivityError as failure:
            if was_moved(failure):
                return await self._stopped(reason(failure))
            return self._ended("failed", reason(failure))
        return self._ended("complete")

    async def _set(self, stage: int) -> None:
        event, self._left = await set_stage(
            self._walk.plan, stage, key=self._walk.key, step=self._walk.step, expected=self._left
        )
        self._exposure = event.after
        await self._report(event)

    async def _soak(self, stage: int) -> bool:
        """Watch the stage for its soak; say whether the users are shown to have recovered."""
        seen: Observation = await do(
            SignalActivities.observe,
            self._walk.soak.model_copy(update={"withdrawn": self._exposure == 0}),
            options.observe(self._walk.soak.lasting),
            activity_id=f"soak-{stage}",
            summary=f"soak at {stage} % for {self._walk.plan.soak}",
        )
        judged = SignalsJudged(
            at=workflow.now(), step=self._walk.step, sense="recovery", evaluation=seen.evaluation
        )
        await self._report(judged)
        return seen.evaluation.outcome is Outcome.CLEAR

    async def _report(self, event: ExposureSet | SignalsJudged) -> None:
        """Tell the incident at once; it writes the timeline."""
        parent = workflow.get_external_workflow_handle(self._walk.plan.incident)
        await parent.signal("report", event)

    async def _stopped(self, why: str) -> WalkedDown:
        return await stopped(self._walk.plan, remaining=self._remaining, exposure=self._exposure, why=why)

    def _ended(
        self, state: Literal["complete", "recovered", "stopped", "failed"], why: str = ""
    ) -> WalkedDown:
        return WalkedDown(state=state, exposure=self._exposure, remaining=self._remaining, why=why)
