"""The staged walk: exposure goes over the stages; each is set, read back, soaked and judged."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal, TypeAlias

from pydantic import Field
from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities.signals import SignalActivities
from backout.evaluation import Evaluation, Outcome
from backout.exposure import Direction, Exposure, StagedPlan, Unfinished
from backout.model import Frozen, format_duration
from backout.requests import Observation, Observe
from backout.timeline import SignalsJudged
from backout.timeline_exposure import ExposureSet, RevertStopped, StagePutBack
from workflows import options
from workflows.bringing import bring, turn_back
from workflows.doing import do
from workflows.failures import reason, was_moved
from workflows.release_set import ReleaseSet
from workflows.waiting import ended, stop

Ended: TypeAlias = Literal["complete", "recovered", "stopped", "failed", "turned_back", "undecided"]
"""How a walk ends. recovered: on the way down, users did before the last stage. turned_back: on the way up a
rule fired, and every target is at 0. undecided: on the way up, a soak showed neither health nor a breach."""


class WalkDown(Frozen):
    """Request: walk these stages of a plan."""

    plan: StagedPlan
    stages: Annotated[tuple[int, ...], Field(min_length=1)]
    """The stages that are still to come."""
    set_already: int | None = None
    """The first stage, where it is set and read back: the incident need not wait for the walk to begin."""
    left: Exposure | None = None
    """What that first stage left on a set of one; none where the target knows no generations."""
    stood: dict[str, Exposure] = {}
    """Where each target of a set of several stands after it."""
    soak: Observe
    """How a stage is watched: downwards in the recovery sense, upwards in the breach sense."""
    on_recovery: Literal["hold", "proceed"]
    key: str
    """`incident/step` with the incident's first run; a stage's effect has `key/stage`."""
    step: str

    @property
    def standing(self) -> dict[str, Exposure]:
        """Where the targets stand, as far as that is known."""
        if self.stood or self.set_already is None:
            return self.stood
        return {self.plan.target: self.left or Exposure(percent=self.set_already, generation="")}


class WalkedDown(Frozen):
    """Where the walk ended."""

    state: Ended
    exposure: int | None
    """The most of any target of the set, in percent; None where none could be read."""
    remaining: tuple[int, ...]
    """Stages that were not set, read back and soaked to the end."""
    why: str = ""
    exposures: dict[str, int] = {}
    """Where each target of the set stands, as far as it was read back."""
    stood: dict[str, Exposure] = {}
    """The same with their generations, where a stage was stopped in its middle."""
    unfinished: Unfinished | None = None
    """That stage: unless somebody goes on in time, it is put back."""
    fired: bool = False
    """On the way up a rule fired, whether or not everything could be taken off then."""

    def stop(self, direction: Direction) -> RevertStopped:
        """Return the event that it stopped where it is."""
        return RevertStopped(
            at=workflow.now(),
            exposure=self.exposure,
            exposures=self.exposures if len(self.exposures) > 1 else {},
            why=self.why,
            direction=direction,
        )


def walked(
    targets: ReleaseSet,
    state: Ended,
    *,
    remaining: tuple[int, ...],
    why: str = "",
) -> WalkedDown:
    """Return where a walk ended, with where its targets stand."""
    standing = targets.standing
    return WalkedDown(
        state=state,
        exposure=standing.exposure,
        remaining=remaining,
        why=why,
        exposures=standing.exposures,
        stood=standing.at if targets.unfinished else {},
        unfinished=targets.unfinished,
    )


@workflow.defn(name="StagedRevert")
class StagedRevert:
    """One walk over the stages. It never waits for people: it ends and says where, and is started again."""

    @workflow.init
    def __init__(self, walk: WalkDown) -> None:
        """Keep the walk and where it stands."""
        self._walk = walk
        self._remaining = walk.stages
        self._fired = ""
        self._targets = ReleaseSet(
            walk.plan, walk=walk.key, step=walk.step, tell=self._report, stood=walk.standing
        )

    @workflow.run
    async def run(self, walk: WalkDown) -> WalkedDown:
        """Walk over the stages; being cancelled means: stop now, and say where."""
        walking = asyncio.create_task(self._over(walk))
        try:
            return await asyncio.shield(walking)
        except asyncio.CancelledError:
            stop(walking)
            await ended(walking)
            return await self._stopped("stopped on request")

    async def _over(self, walk: WalkDown) -> WalkedDown:
        try:
            before = None
            for stage in walk.stages:
                if stage != walk.set_already and (end := await self._set(stage, after=before)):
                    return end
                before = stage
                if end := await self._judged(stage, await self._soak(stage)):
                    return end
        except ActivityError as failure:
            if was_moved(failure):
                return await self._stopped(reason(failure))
            return self._ended("failed", reason(failure))
        return self._ended("complete")

    async def _set(self, stage: int, *, after: int | None) -> WalkedDown | None:
        """Bring the set to a stage; return where the walk ends if it was not reached."""
        trouble = await bring(self._targets, stage, after=after)
        return self._ended(trouble.state, trouble.why) if trouble else None

    async def _soak(self, stage: int) -> Evaluation:
        """Watch the stage for its soak; return what the signals said."""
        is_off = self._targets.standing.exposure == 0 and not self._walk.plan.alternative
        seen: Observation = await do(
            SignalActivities.observe,
            self._walk.soak.model_copy(update={"withdrawn": is_off}),
            options.observe(self._walk.soak.lasting),
            activity_id=f"soak-{stage}",
            summary=f"soak at {stage} % for {format_duration(self._walk.plan.soak)}",
        )
        sense: Literal["breach", "recovery"] = "recovery" if self._is_down else "breach"
        judged = SignalsJudged(
            at=workflow.now(), step=self._walk.step, sense=sense, evaluation=seen.evaluation
        )
        await self._report(judged)
        return seen.evaluation

    @property
    def _is_down(self) -> bool:
        return self._walk.plan.direction == "down"

    async def _judged(self, stage: int, said: Evaluation) -> WalkedDown | None:
        """Return where the walk ends, by what the soak has shown; None where it goes on."""
        if not self._is_down and said.outcome is Outcome.FIRED:
            return await self._turned_back(stage, said)
        if not self._is_down and said.outcome is Outcome.INCONCLUSIVE:
            why = f"nothing shows that {self._walk.plan.release} is healthy at {stage} %"
            return self._ended("undecided", "; ".join((why, *said.reasons)))
        # Only now: a walk that stops in a soak sets and soaks the stage again when it goes on.
        self._remaining = self._remaining[1:]
        holds = self._is_down and self._walk.on_recovery == "hold"
        if holds and self._remaining and said.outcome is Outcome.CLEAR:
            at = self._targets.standing.exposure if self._targets.is_one else stage
            return self._ended("recovered", f"users recovered at {at} %")
        return None

    async def _turned_back(self, stage: int, said: Evaluation) -> WalkedDown:
        rule = f"rule {said.rule} fired" if said.rule else "people judged so"
        # Kept before anything is changed: whatever fails or stops it, the walk does not go up again.
        self._fired = f"turned back from {stage} %, because {rule}: {'; '.join(said.reasons)}"
        trouble = await turn_back(self._targets, stage)
        return self._ended(trouble.state, trouble.why) if trouble else self._ended("turned_back")

    async def _report(self, event: ExposureSet | StagePutBack | SignalsJudged) -> None:
        """Tell the incident at once; it writes the timeline."""
        parent = workflow.get_external_workflow_handle(self._walk.plan.incident)
        await parent.signal("report", event)

    async def _stopped(self, why: str) -> WalkedDown:
        return self._ended("stopped", await self._targets.stopped(why))

    def _ended(
        self,
        state: Ended,
        why: str = "",
    ) -> WalkedDown:
        why = ". ".join(filter(None, (self._fired, why)))
        end = walked(self._targets, state, remaining=self._remaining, why=why)
        return end.model_copy(update={"fired": bool(self._fired)})
