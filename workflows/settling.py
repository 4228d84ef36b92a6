"""A stop in the middle of a stage leaves a set mixed: unless somebody goes on in time, it is put back."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

from temporalio import workflow

from backout.exposure import StagedPlan, Unfinished
from backout.timeline_exposure import RevertStopped
from workflows import options
from workflows.desk import Desk
from workflows.putting_back import put_back
from workflows.release_set import ReleaseSet
from workflows.waiting import ended, stop


def look(desk: Desk, targets: ReleaseSet) -> None:
    """See where a stop in the first stage left the targets, and put back in time what it changed."""
    if targets.is_one:
        desk.in_background(_look(desk, targets))
    else:
        _begin(desk, targets, _look(desk, targets, then=True))


def begin(desk: Desk, targets: ReleaseSet) -> None:
    """Put back in time what was changed by a stage that was stopped in its middle."""
    _begin(desk, targets, _in_time(desk, targets))


async def take_over(desk: Desk, plan: StagedPlan) -> ReleaseSet | None:
    """Put back no more, because a walk over some of these targets goes on; return the set that is open."""
    taken = desk.open_set
    if desk.settling is None or taken is None or not _names(taken.plan) & _names(plan):
        return None
    stop(desk.settling)
    await ended(desk.settling)
    desk.settling = desk.open_set = None
    return taken


def begin_again(desk: Desk, taken: ReleaseSet | None) -> None:
    """Put back in time after all: the walk that took the set over did not go on."""
    if taken is not None:
        begin(desk, taken)


def unfinished(taken: ReleaseSet | None, plan: StagedPlan) -> Unfinished | None:
    """Return the stage that is open, where the plan goes on with it."""
    if taken is None or taken.plan.direction != plan.direction or _names(taken.plan) != _names(plan):
        return None
    return taken.unfinished


def _names(plan: StagedPlan) -> set[str]:
    return {part.target for part in plan.parts}


async def over(desk: Desk) -> None:
    """Wait until nothing is open any more; until then the targets are this incident's."""
    if desk.settling is not None:
        await ended(desk.settling)


def _begin(desk: Desk, targets: ReleaseSet, work: Coroutine[Any, Any, None]) -> None:
    desk.open_set = targets
    desk.settling = asyncio.create_task(work)


async def _look(desk: Desk, targets: ReleaseSet, *, then: bool = False) -> None:
    walks = desk.case.reverts
    why = await targets.stopped("stopped on request")
    if targets.is_one and desk.case.reverts > walks:
        return  # Somebody went on at once: what was seen before that walk is old.
    desk.keep(targets.standing.exposures)
    _write(desk, targets, exposure=targets.standing.exposure, why=why)
    if then:
        await _in_time(desk, targets)


async def _in_time(desk: Desk, targets: ReleaseSet) -> None:
    begun = targets.unfinished
    if begun is None:
        return
    left = begun.since + targets.bound * options.PUSH_ON - workflow.now()
    if left > timedelta(0):
        await workflow.sleep(left, summary=f"before stage {begun.stage} % is put back")
    stuck = await put_back(targets, f"stage {begun.stage} % was stopped in its middle, and nobody went on")
    if stuck:
        back = "".join(f"; {target} could not be put back: {error}" for target, error in stuck.items())
        why = f"{targets.standing.mixed() or targets.standing.told()}{back}"
        _write(desk, targets, exposure=desk.case.exposure, why=why)


def _write(desk: Desk, targets: ReleaseSet, *, exposure: int | None, why: str) -> None:
    stopped = RevertStopped(
        at=workflow.now(),
        exposure=exposure,
        exposures={} if targets.is_one else targets.standing.exposures,
        why=why,
        direction=targets.plan.direction,
    )
    desk.write(stopped)
