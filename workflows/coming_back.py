"""Coming back: where users recovered at a stage, people bring exposure back up, guarded at each stage."""

from __future__ import annotations

from backout import way_back
from backout.exposure import StagedPlan
from backout.steps import RevertStep
from workflows import fencing, walking
from workflows.achieved import Done, Stopped
from workflows.desk import Desk
from workflows.revert import WalkedDown


async def come_back(desk: Desk, step: RevertStep, plan: StagedPlan) -> WalkedDown | Done | Stopped:
    """Walk back up what was walked down by this plan.

    Return how the walk ended where it turned back: then all is off. Whatever stops it leaves the same choices
    as before it: to go on down, to stay, or to go on up.
    """
    case = desk.case
    because = f"brought back by {case.coming_back}"
    up = way_back.way_up(plan, now=case.exposures, found=way_back.found(case.timeline), because=because)
    if up is None:
        return Stopped(why="exposure is where it was found already: skip to stay here, or resume to go down")
    # From the top, whatever the way up comes to: a stage that is below its exposure already is left as it is.
    case.recovered, case.remaining = True, plan.stages
    if refusal := await fencing.alone(desk, up, again="come back"):
        return refusal
    walked = await walking.walk(desk, step, up, up.stages)
    match walked.state:
        case "turned_back":
            case.recovered = False
            return walked
        case "complete":
            case.recovered, case.came_back = False, True
            return Done(result=f"exposure is back at {walked.exposure} %: {because}")
        case _:
            case.remaining = way_back.left_below(plan.stages, walked.exposure) or plan.stages
            desk.write(walked.stop("up"))
            return Stopped(why=f"{walked.why}: {choices(case.remaining)}")


def choices(remaining: tuple[int, ...], *, back: int | None = None) -> str:
    """Return what people can do where exposure stopped between two stages."""
    left = ", ".join(f"{stage} %" for stage in remaining)
    up = "come back" if back is None else f"come back to {back} %"
    return f"resume to go on to {left}, skip to stay here, or {up}"
