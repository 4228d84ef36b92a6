"""The revert step: who authorises the plan, then the staged revert, then what became of it."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

from activities.exposure import ExposureActivities
from activities.signals import SignalActivities
from backout.exposure import Exposure, ReadExposure, RevertPlan
from backout.mandate import Mandate
from backout.model import digest_of, format_duration
from backout.people import Action
from backout.requests import CountRequests
from backout.steps import RevertStep
from backout.timeline_exposure import RequestsCounted, RevertStopped
from backout.view import Ask
from workflows import options, watching
from workflows.achieved import Achieved, Done, Stopped, TimedOut
from workflows.announcing import announced
from workflows.authorising import authorised
from workflows.desk import Desk
from workflows.doing import do
from workflows.failures import reason, was_moved
from workflows.revert import StagedRevert, WalkDown, WalkedDown, set_stage, stopped
from workflows.waiting import heed


async def revert(desk: Desk, step: RevertStep, until: datetime) -> Achieved:
    """Have the plan authorised, walk down its stages, and say where that ended."""
    desk.case.reverted = False
    # Again from the start where all is done: a step that is taken again looks again.
    desk.case.remaining = desk.case.remaining or step.stages
    plan = RevertPlan(
        incident=desk.opening.incident,
        target=step.target,
        service=desk.opening.service,
        release=desk.opening.release,
        stages=step.stages,
        soak=step.soak,
        because=desk.mandate().because,
    )
    if refusal := await _authority(desk, plan, until):
        return refusal
    try:
        walked = await _walk(desk, step, plan)
    except ActivityError as failure:
        if not was_moved(failure):
            raise
        walked = await stopped(plan, remaining=desk.case.remaining, exposure=None, why=reason(failure))
    desk.case.remaining = walked.remaining
    if walked.exposure is not None:
        desk.case.exposure = walked.exposure
    desk.case.reverted = walked.state == "complete"
    if not desk.case.reverted:
        desk.write(RevertStopped(at=workflow.now(), exposure=walked.exposure, why=walked.why))
    await count_requests(desk)
    return _achieved(walked)


def _achieved(walked: WalkedDown) -> Achieved:
    match walked.state:
        case "complete":
            return Done(result=f"{walked.exposure} % of traffic is left on the candidate")
        case "failed":
            raise ApplicationError(walked.why, type="StageFailed")
        case "recovered":
            left = ", ".join(f"{stage} %" for stage in walked.remaining)
            return Stopped(why=f"{walked.why}: resume to go on to {left}, or skip to stay here")
        case "stopped":
            return Stopped(why=walked.why)


async def _authority(desk: Desk, plan: RevertPlan, until: datetime) -> Stopped | TimedOut | None:
    """Return None once the plan may run under the fired rule's authority; else what came instead."""
    mandate = desk.mandate()
    match mandate.authority:
        case "auto":
            if mandate.veto_window is None:
                return None
            return await announced(desk, _question(plan, mandate), mandate.veto_window)
        case "ack":
            return await _ownership(desk, until)
        case "approve":
            until = min(until, workflow.now() + mandate.within) if mandate.within else until
            desk.on_silence = mandate.on_timeout
            ask = _question(plan, mandate).model_copy(update={"until": until})
            refusal = await authorised(desk, ask, until)
            desk.on_silence = desk.on_silence if refusal else None
            return refusal


def _question(plan: RevertPlan, mandate: Mandate) -> Ask:
    """Return the question whether the plan may run."""
    stages = " -> ".join(f"{stage} %" for stage in plan.stages)
    return Ask(
        what=f"Revert {plan.release} on {plan.target}: {stages}, soak {format_duration(plan.soak)}, "
        f"because of {plan.because}",
        actions=(Action.APPROVE, Action.REJECT),
        subject=digest_of(plan),
        quorum=mandate.quorum,
        roles=mandate.roles,
        roles_needed=mandate.roles_needed,
        must=mandate.must,
        required=mandate.required,
    )


async def _ownership(desk: Desk, until: datetime) -> TimedOut | None:
    question = Ask(
        what="Acknowledge, so that the revert can begin",
        actions=(Action.ACKNOWLEDGE,),
        roles=desk.holders(Action.ACKNOWLEDGE),
        until=until,
    )
    if await desk.ask("acknowledge", question, lambda: bool(desk.owner()), until=until):
        return None
    return TimedOut(missing="nobody acknowledged, and the rule wants an owner before the revert")


async def _walk(desk: Desk, step: RevertStep, plan: RevertPlan) -> WalkedDown:
    case = desk.case
    case.reverts += 1
    stages = case.remaining or step.stages
    key = f"{desk.key}/{case.reverts}"
    left = await _first_stage(desk, plan, stages[0], key)
    heed()
    walk = WalkDown(
        plan=plan,
        stages=stages,
        set_already=stages[0],
        left=left,
        soak=watching.request(desk, "recovery", window=step.soak, lasting=step.soak),
        on_recovery=step.on_recovery,
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


async def _first_stage(desk: Desk, plan: RevertPlan, stage: int, key: str) -> Exposure | None:
    """Set the first stage here: a child workflow takes as long to begin as the change itself."""
    try:
        event, left = await set_stage(plan, stage, key=key, step=desk.step.name)
    except asyncio.CancelledError:
        desk.in_background(_look(desk, plan))
        raise
    desk.case.exposure = event.after
    desk.write(event)
    return left


async def _look(desk: Desk, plan: RevertPlan) -> None:
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


async def count_requests(desk: Desk, *, after: timedelta = timedelta(0)) -> None:
    """Write down how many requests the candidate has served; without the number that is a gap, no failure."""
    count = desk.playbook.release.requests
    if count is None:
        return
    if after:
        await workflow.sleep(after, summary="before requests are counted")
    request = CountRequests(service=desk.opening.service, release=desk.opening.release, count=count)
    try:
        found = await do(
            SignalActivities.count_requests,
            request,
            options.COUNT_REQUESTS,
            summary="blast radius: requests that the candidate served",
        )
    except ActivityError as failure:
        desk.write(RequestsCounted(at=workflow.now(), served=None, why=reason(failure)))
        return
    desk.write(RequestsCounted(at=workflow.now(), served=found.served))
