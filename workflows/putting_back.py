"""Put back what an unfinished stage of a set has changed, so that its targets are of one mind again."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

from backout.exposure import Direction, Exposure, Unfinished
from backout.release_sets import SetTarget
from backout.timeline_exposure import StagePutBack
from workflows import options
from workflows.failures import reason
from workflows.options import Options
from workflows.release_set import ReleaseSet
from workflows.setting import Change, place, read_part

_AGAINST: dict[Direction, Direction] = {"down": "up", "up": "down"}


async def put_back(targets: ReleaseSet, why: str, *, leave: Collection[str] = ()) -> dict[str, str]:
    """Put back what the unfinished stage changed, in reverse order, and read it back.

    A target is put back only while it is what we left on it, and never one of `leave`. Return what went
    wrong, by target.
    """
    begun, stuck = targets.unfinished, {}
    if begun is None:
        return {}
    tried = [target for target in reversed(begun.left) if target not in leave]
    for number, target in enumerate(tried):
        left = begun.since + targets.bound - workflow.now()
        limits = options.shared(options.PUT_BACK, left, among=len(tried) - number)
        try:
            trouble = await _one(targets, target, begun, why, limits)
        except ActivityError as failure:
            targets.standing.doubt(target)
            trouble = reason(failure)
        if trouble:
            stuck[target] = trouble
    if not stuck:
        targets.settled()
    return stuck


async def _one(targets: ReleaseSet, target: str, begun: Unfinished, why: str, limits: Options) -> str:
    """Put one target back where the stage found it; return why it is not there, empty where it is."""
    part = next(part for part in targets.plan.parts if part.target == target)
    before = begun.before[target]
    left = begun.left[target] or await _found(targets, part, limits.schedule_to_close)
    if left.percent == before.percent:
        return ""
    if begun.left[target] is None and not _is_ours(targets, part, begun.stage, left):
        return f"it is at {left.percent} % by somebody else's doing"
    change = Change(
        percent=before.percent,
        place=place(targets.plan, begun.stage, target, back=True),
        direction=_AGAINST[targets.plan.direction],
    )
    done = await targets.change(part, change, limits, expected=left)
    await targets.tell(
        StagePutBack(
            at=workflow.now(),
            step=targets.step,
            target=target,
            stage=begun.stage,
            before=done.before,
            after=done.after,
            key=f"{targets.walk}/{change.place}",
            changed=done.changed,
            why=why,
        )
    )
    return "" if done.after == before.percent else f"it is at {done.after} % by somebody else's doing"


async def _found(targets: ReleaseSet, part: SetTarget, within: timedelta | None) -> Exposure:
    """Look what became of a change that had no answer."""
    found = await read_part(targets.plan, part, summary="what became of it?", within=within)
    targets.standing.found(part.target, found)
    return found


def _is_ours(targets: ReleaseSet, part: SetTarget, stage: int, found: Exposure) -> bool:
    """Say whether a change without an answer was ours, as far as the target tells."""
    # Who edits by hand leaves the last key there: the key alone is no proof.
    key = f"{targets.walk}/{place(targets.plan, stage, part.target)}"
    return found.percent == part.wanted(stage) and found.changed_by in {"", key}
