"""Walk over the stages of a plan: the first here, at once, and the rest in a child workflow."""

from __future__ import annotations

import asyncio

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities.exposure import ExposureActivities
from backout.exposure import Exposure, ReadExposure, StagedPlan
from backout.steps import RevertStep, StagedStep
from backout.timeline_exposure import ExposureSet, RevertStopped
from workflows import options, watching
from workflows.desk import Desk
from workflows.doing import do
from workflows.failures import reason, was_moved
from workflows.revert import StagedRevert, WalkDown, WalkedDown, set_stage, stopped
from workflows.waiting import heed


async def walk(
    desk: Desk,
    step: StagedStep,
    plan: StagedPlan,
    stages: tuple[int, ...] | None = None,
    *,
    at_once: bool = False,  # noqa: ARG001
) -> WalkedDown:
    """Walk over these stages, and say where that ended; without stages, over those that are left.

    The plan's direction says which way: downwards a soak looks for recovery, upwards for a breach. `at_once`
    is for an emergency: the first stage does not wait for the baseline's capacity.
    """
    try:
        return await _walk(desk, step, plan, stages or desk.case.remaining or plan.stages)
    except ActivityError as failure:
        if not was_moved(failure):
            raise
        return await stopped(plan, remaining=desk.case.remaining or (), exposure=None, why=reason(failure))


def keep(desk: Desk, event: ExposureSet) -> None:
    """Keep where a target stands now; the release's exposure is the most of any target of its set."""
    case = desk.case
    case.exposures = case.exposures | {event.target: event.after}
    release_set = {
        part.target for step in desk.playbook.steps if isinstance(step, StagedStep) for part in step.parts
    }
    if event.target in release_set:
        case.exposure = max(percent for target, percent in case.exposures.items() if target in release_set)


async def _walk(desk: Desk, step: StagedStep, plan: StagedPlan, stages: tuple[int, ...]) -> WalkedDown:
    case = desk.case
    case.reverts += 1
    key = f"{desk.key}/{case.reverts}"
    left = await _first_stage(desk, plan, stages[0], key)
    heed()
    walk = WalkDown(
        plan=plan,
        stages=stages,
        set_already=stages[0],
        left=left,
        soak=watching.request(desk, "recovery", window=step.soak, lasting=step.soak),
        on_recovery=step.on_recovery if isinstance(step, RevertStep) else "proceed",
        key=key,
        step=step.name,
    )
    return await workflow.execute_child_workflow(
        StagedRevert.run,
        walk,
        id=f"{desk.opening.incident}/{step.name}/{case.reverts}",
        # Cancelling the child means "stop now": it then looks where the exposure is, and says so.
        cancellation_type=workflow.ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
        task_timeout=options.WORKFLOW_TASK,
        parent_close_policy=workflow.ParentClosePolicy.REQUEST_CANCEL,
        static_summary=f"Staged revert of {plan.release}: {', '.join(f'{stage} %' for stage in walk.stages)}",
    )


async def _first_stage(desk: Desk, plan: StagedPlan, stage: int, key: str) -> Exposure | None:
    """Set the first stage here: a child workflow takes as long to begin as the change itself."""
    try:
        event, left = await set_stage(plan, stage, key=key, step=desk.step.name)
    except asyncio.CancelledError:
        desk.in_background(_look(desk, plan))
        raise
    keep(desk, event)
    desk.write(event)
    return left


async def _look(desk: Desk, plan: StagedPlan) -> None:
    """See where a first stage that was stopped left the exposure."""
    request = ReadExposure(target=plan.target, service=plan.service, release=plan.release)
    summary = f"{plan.target}: where did it stop?"
    try:
        found = await do(ExposureActivities.read_exposure, request, options.READ_EXPOSURE, summary=summary)
    except ActivityError as failure:
        why = f"stopped; the exposure could not be read: {reason(failure)}"
        desk.write(RevertStopped(at=workflow.now(), exposure=None, why=why))
        return
    desk.case.exposure = found.percent
    desk.write(RevertStopped(at=workflow.now(), exposure=found.percent, why="stopped on request"))
