"""Walk over the stages of a plan: the first here, at once, and the rest in a child workflow."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Literal

from temporalio import workflow
from temporalio.exceptions import ActivityError

from backout.exposure import StagedPlan
from backout.steps import RevertStep, StagedStep
from backout.timeline_exposure import ExposureSet, StagePutBack
from workflows import options, settling, watching
from workflows.bringing import bring
from workflows.desk import Desk
from workflows.failures import reason, was_moved
from workflows.readying import ready
from workflows.release_set import ReleaseSet, Tell
from workflows.revert import StagedRevert, WalkDown, WalkedDown, walked
from workflows.waiting import heed


async def walk(
    desk: Desk,
    step: StagedStep,
    plan: StagedPlan,
    stages: tuple[int, ...] | None = None,
    *,
    at_once: bool = False,
) -> WalkedDown:
    """Walk over these stages, and say where that ended; without stages, over those that are left.

    The plan's direction says which way: downwards a soak looks for recovery, upwards for a breach. `at_once`
    is for an emergency: it does not wait for the baseline's capacity, and nothing that went off comes back
    because another target fails.
    """
    stages = stages or desk.case.remaining or plan.stages
    desk.case.reverts += 1
    walk = f"{desk.key}/{desk.case.reverts}"
    targets = ReleaseSet(plan, walk=walk, step=desk.step.name, tell=_telling(desk))
    end = await _begun(desk, targets, stages, at_once=at_once) or await _on(desk, step, targets, stages)
    desk.keep(end.exposures)
    return end


def _telling(desk: Desk) -> Tell:
    async def tell(event: ExposureSet | StagePutBack) -> None:
        desk.keep({event.target: event.after})
        desk.write(event)

    return tell


async def _begun(
    desk: Desk, targets: ReleaseSet, stages: tuple[int, ...], *, at_once: bool
) -> WalkedDown | None:
    """Set the first stage here: a child workflow takes as long to begin as the change itself.

    Return where the walk ends where it ends with that; None where it goes on.
    """
    if refusal := await _capacity(desk, targets, at_once=at_once) or await _taken(
        desk, targets, at_once=at_once
    ):
        return walked(targets, "failed", remaining=stages, why=f"no exposure was changed: {refusal}")
    try:
        trouble = await bring(targets, stages[0], for_good=at_once)
    except asyncio.CancelledError:
        settling.look(desk, targets)
        raise
    except ActivityError as failure:
        if not was_moved(failure):
            raise
        why = await targets.stopped(reason(failure))
        return walked(targets, "stopped", remaining=stages, why=why)
    return walked(targets, trouble.state, remaining=stages, why=trouble.why) if trouble else None


async def _capacity(desk: Desk, targets: ReleaseSet, *, at_once: bool) -> str:
    """Have the baseline's capacity made ready; say why nothing may be changed, empty where it may."""
    readying = ready(desk, targets.plan, walk=targets.walk)
    if not at_once:
        return await readying
    desk.in_background(_beside(readying))
    return ""


async def _taken(desk: Desk, targets: ReleaseSet, *, at_once: bool) -> str:
    """Take the targets over as they stand; say why nothing may be changed, empty where it may.

    A stage that is open is put back in time all the same, unless this walk really goes on. An emergency does,
    and where even that is held nothing comes back. It looks at each target as it takes it off.
    """
    taken = await settling.take_over(desk, targets.plan)
    refusal = "it was stopped"
    try:
        refusal = "" if at_once else await _unread(desk, targets)
    finally:
        if refusal:
            settling.begin_again(desk, taken)
    targets.unfinished = settling.unfinished(taken, targets.plan)
    return refusal


async def _unread(desk: Desk, targets: ReleaseSet) -> str:
    """Look where the targets of a set stand; say which could not be read, empty where all were."""
    if not targets.plan.targets:
        return ""
    unread = await targets.look(summary="where does it stand?")
    desk.keep(targets.standing.exposures)
    return "; ".join(f"{target} could not be read: {why}" for target, why in unread.items())


async def _beside(readying: Coroutine[Any, Any, str]) -> None:
    if why := await readying:
        workflow.logger.warning("the emergency did not wait for it: %s", why)


async def _on(desk: Desk, step: StagedStep, targets: ReleaseSet, stages: tuple[int, ...]) -> WalkedDown:
    """Soak the first stage, and walk over the others, in a child workflow."""
    heed()
    plan = targets.plan
    sense: Literal["recovery", "breach"] = "recovery" if plan.direction == "down" else "breach"
    walk = WalkDown(
        plan=plan,
        stages=stages,
        set_already=stages[0],
        stood=targets.standing.at,
        soak=watching.request(desk, sense, window=step.soak, lasting=step.soak),
        on_recovery=step.on_recovery if isinstance(step, RevertStep) else "proceed",
        key=targets.walk,
        step=step.name,
    )
    what = "Staged revert" if plan.direction == "down" else "Way up"
    end = await workflow.execute_child_workflow(
        StagedRevert.run,
        walk,
        id=f"{desk.opening.incident}/{step.name}/{desk.case.reverts}",
        # Cancelling the child means "stop now": it then looks where the exposure is, and says so.
        cancellation_type=workflow.ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
        task_timeout=options.WORKFLOW_TASK,
        parent_close_policy=workflow.ParentClosePolicy.REQUEST_CANCEL,
        static_summary=f"{what} of {plan.release}: {', '.join(f'{stage} %' for stage in stages)}",
    )
    if end.unfinished is not None:
        targets.go_on_from(end.stood, end.unfinished)
        settling.begin(desk, targets)
    return end
