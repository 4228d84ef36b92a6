"""Bring a release set to a stage as one: every target, in order, or what was changed is put back.

An emergency knows no order: every target is taken off at once, and none waits for another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from temporalio import workflow
from temporalio.exceptions import ActivityError

from backout.exposure import ExposureChange
from backout.release_sets import SetTarget
from backout.timeline_exposure import ExposureSet
from workflows import options
from workflows.failures import reason, was_moved
from workflows.options import Options
from workflows.putting_back import put_back
from workflows.release_set import ReleaseSet
from workflows.setting import Change, place
from workflows.waiting import ended, stop


@dataclass(frozen=True)
class Trouble:
    """Why a stage was not reached, and where every target stands."""

    state: Literal["failed", "stopped"]
    why: str


@dataclass(frozen=True)
class _Way:
    """What one stage is to do."""

    stage: int
    parts: tuple[SetTarget, ...]
    until: datetime
    """So long it is tried."""
    off: bool = False
    """Everything goes off, whatever the plan's direction."""
    for_good: bool = False
    """Nothing of it is put back: what fails is tried again, and the others go on."""

    @property
    def is_emergency(self) -> bool:
        """Whether it is the decision to take off whatever is there."""
        return self.for_good and not self.off

    def percent(self, part: SetTarget) -> int:
        """Return where the target is to go."""
        return 0 if self.off else part.wanted(self.stage)


async def bring(
    targets: ReleaseSet, stage: int, *, after: int | None = None, for_good: bool = False
) -> Trouble | None:
    """Bring the set to a stage; `after` is the stage before in this walk.

    `for_good`: what goes down stays down, whatever becomes of the others.

    Raises:
        ActivityError: a set of one was not set. There is nothing to put back.
    """
    parts, now = targets.plan.moved(stage, after=after), workflow.now()
    if targets.is_one:
        for part in parts:
            await _set(targets, part, _Way(stage, parts, now, for_good=for_good), options.SET_EXPOSURE)
        return None
    begun = targets.begin(
        stage,
        {part.target: part.wanted(stage) for part in parts},
        is_down=targets.plan.direction == "down",
        can_be_put_back=not for_good,
    )
    share = 1 if for_good else options.PUSH_ON
    return await _together(
        targets, _Way(stage, parts, begun.since + targets.bound * share, for_good=for_good)
    )


async def turn_back(targets: ReleaseSet, stage: int) -> Trouble | None:
    """Take everything off at once, at a stage of the way up. Nothing of that is put back.

    Raises:
        ActivityError: a set of one could not be taken off.
    """
    parts = targets.plan.parts
    way = _Way(stage, parts, workflow.now() + targets.bound, off=True, for_good=True)
    if targets.is_one:
        await _set(targets, parts[0], way, options.SET_EXPOSURE)
        return None
    targets.begin(stage, {part.target: 0 for part in parts}, is_down=True, can_be_put_back=False)
    return await _together(targets, way)


async def _together(targets: ReleaseSet, way: _Way) -> Trouble | None:
    failed = await _reach(targets, way)
    if failed:
        return await _undone(targets, way, failed)
    targets.settled()
    return None


async def _reach(targets: ReleaseSet, way: _Way) -> dict[str, ActivityError]:
    """Bring the targets there, those that fail again and again; return those that did not get there."""
    if way.is_emergency:
        return await _all_at_once(targets, way)
    failed = await _each(targets, way.parts, way)
    rounds = 0
    while _is_tried_again(targets, failed, way):
        await workflow.sleep(_pause(rounds, way), summary=f"before {' and '.join(failed)} again")
        moved = {target: failure for target, failure in failed.items() if was_moved(failure)}
        again = [part for part in way.parts if part.target in failed and part.target not in moved]
        failed = moved | await _each(targets, again, way)
        rounds += 1
    return failed


async def _all_at_once(targets: ReleaseSet, way: _Way) -> dict[str, ActivityError]:
    """Bring the targets there side by side; return those that did not get there, in the set's order."""
    alone = {part.target: asyncio.create_task(_alone(targets, part, way)) for part in way.parts}
    try:
        found = {target: await asyncio.shield(task) for target, task in alone.items()}
    except asyncio.CancelledError:
        for task in alone.values():
            stop(task)
        for task in alone.values():
            await ended(task)
        raise
    return {target: failure for target, failure in found.items() if failure}


async def _alone(targets: ReleaseSet, part: SetTarget, way: _Way) -> ActivityError | None:
    """Bring one target there, again and again until it is late; return why it did not get there."""
    await targets.look_at(part, summary="where does it stand?", within=options.LOOK_AT_ONCE)
    rounds = 0
    while True:
        try:
            await _set(targets, part, way, options.shared(options.SET_IN_A_SET, _left(way), among=1))
        except ActivityError as failure:
            if was_moved(failure) or _left(way) <= timedelta(0):
                return failure
        else:
            return None
        await workflow.sleep(_pause(rounds, way), summary=f"before {part.target} again")
        rounds += 1


def _left(way: _Way) -> timedelta:
    return way.until - workflow.now()


def _pause(rounds: int, way: _Way) -> timedelta:
    return min(options.pause_in_a_stage(rounds), _left(way))


def _is_tried_again(targets: ReleaseSet, failed: dict[str, ActivityError], way: _Way) -> bool:
    moved = [was_moved(failure) for failure in failed.values()]
    if all(moved) or _left(way) <= timedelta(0):
        return False
    return way.for_good or (targets.plan.on_target_failure == "push_on" and not any(moved))


async def _each(targets: ReleaseSet, parts: Sequence[SetTarget], way: _Way) -> dict[str, ActivityError]:
    """Bring each of these there, in order, each within its share of the time."""
    failed: dict[str, ActivityError] = {}
    for number, part in enumerate(parts):
        limits = options.shared(options.SET_IN_A_SET, _left(way), among=len(parts) - number)
        try:
            await _set(targets, part, way, limits)
        except ActivityError as failure:
            failed[part.target] = failure
            ends = was_moved(failure) or targets.plan.on_target_failure == "put_back"
            if ends and not way.for_good:
                break
    return failed


async def _set(targets: ReleaseSet, part: SetTarget, way: _Way, limits: Options) -> None:
    plan, target = targets.plan, part.target
    change = Change(
        percent=way.percent(part),
        place=place(plan, way.stage, target, back=way.off),
        direction="down" if way.off else plan.direction,
    )
    done = await _changed(targets, part, change, limits, way)
    await targets.tell(
        ExposureSet(
            at=workflow.now(),
            step=targets.step,
            target=target,
            stage=0 if way.off else way.stage,
            before=done.before,
            after=done.after,
            key=f"{targets.walk}/{change.place}",
            changed=done.changed,
        )
    )


async def _changed(
    targets: ReleaseSet, part: SetTarget, change: Change, limits: Options, way: _Way
) -> ExposureChange:
    """Change a target while it stands where it is known to; an emergency takes off whatever is there."""
    if not way.is_emergency:
        return await targets.change(part, change, limits, expected=targets.standing.at.get(part.target))
    for _ in range(options.MOST_RACES):
        try:
            return await targets.change(part, change, limits, expected=None)
        except ActivityError as failure:
            if not was_moved(failure):
                raise
    return await targets.change(part, change, limits, expected=None)


async def _undone(targets: ReleaseSet, way: _Way, failed: dict[str, ActivityError]) -> Trouble:
    """Put back what a stage changed that not every target reached, and say where that leaves them."""
    moved = [target for target, failure in failed.items() if was_moved(failure)]
    goal = "taken off" if way.off else f"brought to stage {way.stage} %"
    why = f"{' and '.join(failed)} could not be {goal}"
    stuck = await put_back(targets, why, leave=moved)
    if moved:
        await targets.look(summary="where is it now?")
    told = _told(failed, why)
    standing = targets.standing
    if way.for_good or stuck:
        back = "".join(f"; {target} could not be put back: {error}" for target, error in stuck.items())
        return Trouble("failed", f"{told} {standing.mixed() or standing.told()}{back}")
    targets.settled()
    if moved:
        # Of these nothing was changed, and nothing is put back: only of the others.
        back = f"What the stage changed on the others is put back. Now: {standing.told()}"
        return Trouble("stopped", f"{told} {back}")
    return Trouble("failed", f"{told} What the stage changed is put back: {standing.told()}")


def _told(failed: dict[str, ActivityError], why: str) -> str:
    moved = [reason(failure) for failure in failed.values() if was_moved(failure)]
    others = "; ".join(
        f"{target}: {reason(failure)}".removesuffix(".")
        for target, failure in failed.items()
        if not was_moved(failure)
    )
    return " ".join((*moved, *((f"{why}: {others}.",) if others else ())))
