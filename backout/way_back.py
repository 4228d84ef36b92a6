"""The way back: which stages lead up again from where exposure stands, and which are left to go down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from backout.event import BaseEvent
from backout.exposure import StagedPlan
from backout.release_sets import SetTarget
from backout.timeline import IncidentReopened
from backout.timeline_exposure import ExposureSet


def left_below(stages: Sequence[int], exposure: int | None) -> tuple[int, ...]:
    """Return the stages that are left below an exposure; all of them where nobody knows it."""
    return tuple(stage for stage in stages if exposure is None or stage < exposure)


def most(parts: Sequence[SetTarget], exposures: Mapping[str, int]) -> int | None:
    """Return the most of any target that follows the stages; a pointer counts where none does."""
    return max(_of_those_that_follow(parts, exposures), default=None)


def _of_those_that_follow(parts: Sequence[SetTarget], exposures: Mapping[str, int]) -> list[int]:
    following = [part for part in parts if part.flips_at is None] or list(parts)
    return [exposures[part.target] for part in following if part.target in exposures]


def way_up(
    plan: StagedPlan, *, now: Mapping[str, int], found: Mapping[str, int], because: str = ""
) -> StagedPlan | None:
    """Return the plan that goes back up the stages of another, to what was found before the first of them.

    None where exposure is no lower than it was found. A set that was stopped in the middle of a stage goes up
    from its lowest target.
    """
    top, at = most(plan.parts, found), min(_of_those_that_follow(plan.parts, now), default=None)
    if top is None or at is None or at >= top:
        return None
    between = sorted(stage for stage in plan.stages if at < stage < top)
    up = {"direction": "up", "stages": (*between, top), "because": because, "capacity": None}
    return plan.model_copy(update=up)


def found(timeline: Sequence[BaseEvent]) -> dict[str, int]:
    """Return the exposure that each target had before it was first changed, since the incident began anew."""
    before: dict[str, int] = {}
    for event in timeline:
        match event:
            case IncidentReopened():
                before = {}
            case ExposureSet():
                before.setdefault(event.target, event.before)
            case _:
                continue
    return before
