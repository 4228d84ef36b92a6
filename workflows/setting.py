"""Set one target and read it back: the one place where a workflow changes exposure."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple

from activities.exposure import ExposureActivities
from backout.exposure import Direction, Exposure, ExposureChange, ReadExposure, SetExposure, StagedPlan
from backout.release_sets import SetTarget
from workflows import options
from workflows.doing import do
from workflows.options import Options


class Change(NamedTuple):
    """What is to become of one target."""

    percent: int
    place: str
    """What it is called by below its walk; see `place`."""
    direction: Direction


def place(plan: StagedPlan, stage: int, target: str, *, back: bool = False) -> str:
    """Return what a change is called by below its walk: `50`, in a set of several `50/index`."""
    named = (target,) if len(plan.parts) > 1 else ()
    return "/".join((str(stage), *named, *(("back",) if back else ())))


async def set_part(
    plan: StagedPlan,
    part: SetTarget,
    change: Change,
    *,
    walk: str,
    expected: Exposure | None,
    limits: Options = options.SET_EXPOSURE,
) -> ExposureChange:
    """Bring a target where it should be, while it is what was expected, and read it back.

    `walk` is the walk's key: the same walk and place twice are one effect.
    """
    request = SetExposure(
        target=part.target,
        service=plan.service,
        release=plan.release,
        percent=change.percent,
        key=f"{walk}/{change.place}",
        expected=expected if expected and expected.generation else None,
        direction=change.direction,
        # Nobody is taken off the release on the way up.
        conversations=plan.conversations if change.direction == "down" else None,
        flips=_flips(plan, part),
    )
    verb = "stays" if change.direction == "down" else "comes"
    return await do(
        ExposureActivities.set_exposure,
        request,
        limits,
        activity_id=f"set-exposure-{walk.rsplit('/', 1)[-1]}-{change.place.replace('/', '-')}",
        summary=f"{part.target}: {change.percent} % {verb} on {plan.release}",
    )


async def read_part(
    plan: StagedPlan, part: SetTarget, *, summary: str, within: timedelta | None = None
) -> Exposure:
    """Read where a target stands."""
    request = ReadExposure(
        target=part.target, service=plan.service, release=plan.release, flips=_flips(plan, part)
    )
    limits = replace(options.READ_EXPOSURE, schedule_to_close=within)
    return await do(ExposureActivities.read_exposure, request, limits, summary=f"{part.target}: {summary}")


def _flips(plan: StagedPlan, part: SetTarget) -> bool | None:
    """Say whether the playbook flips it; where it names the target alone, nobody asks."""
    return part.flips_at is not None if plan.targets else None
