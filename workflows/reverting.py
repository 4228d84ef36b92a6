"""The revert step: who authorises the plan, then the staged revert, then what became of it."""

from __future__ import annotations

from datetime import datetime

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

from activities.signals import SignalActivities
from backout import authority
from backout.exposure import RevertPlan
from backout.model import digest_of, format_duration
from backout.people import Action
from backout.requests import CountRequests
from backout.steps import RevertStep
from backout.timeline import RequestsCounted, RevertStopped
from backout.view import Ask
from workflows import options, watching
from workflows.achieved import Achieved, Done, Stopped, TimedOut
from workflows.authorising import authorised
from workflows.desk import Desk
from workflows.doing import do
from workflows.failures import reason
from workflows.revert import StagedRevert, WalkDown, WalkedDown
from workflows.waiting import heed


async def revert(desk: Desk, step: RevertStep, until: datetime) -> Achieved:
    """Have the plan authorised, walk down its stages, and say where that ended."""
    if desk.case.remaining is None:
        desk.case.remaining = step.stages
    plan = RevertPlan(
        incident=desk.opening.incident,
        target=step.target,
        service=desk.opening.service,
        release=desk.opening.release,
        stages=step.stages,
        soak=step.soak,
        because=desk.rule().id,
    )
    if refusal := await _authority(desk, plan, until):
        return refusal
    walked = await _walk(desk, step, plan)
    desk.case.remaining = walked.remaining
    if walked.exposure is not None:
        desk.case.exposure = walked.exposure
    if walked.state != "complete":
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
    rule = desk.rule()
    match rule.authority:
        case "auto":
            return None
        case "ack":
            return await _ownership(desk, until)
        case "approve":
            stages = " -> ".join(f"{stage} %" for stage in plan.stages)
            ask = Ask(
                what=f"Revert {plan.release} on {plan.target}: {stages}, soak {format_duration(plan.soak)}, "
                f"because of {plan.because}",
                actions=(Action.APPROVE, Action.REJECT),
                subject=digest_of(plan),
                quorum=rule.quorum,
                roles=authority.approvers(rule, desk.playbook),
                until=until,
            )
            return await authorised(desk, ask, until)


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
    heed()
    case = desk.case
    case.reverts += 1
    walk = WalkDown(
        plan=plan,
        stages=case.remaining or (),
        soak=watching.request(desk, "recovery", window=step.soak, lasting=step.soak),
        on_recovery=step.on_recovery,
        key=f"{desk.key}/{case.reverts}",
        step=step.name,
    )
    return await workflow.execute_child_workflow(
        StagedRevert.run,
        walk,
        id=f"{desk.opening.incident}/{step.name}/{case.reverts}",
        # Cancelling the child means "stop now": it then looks where the exposure is, and says so.
        cancellation_type=workflow.ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
        parent_close_policy=workflow.ParentClosePolicy.REQUEST_CANCEL,
        static_summary=f"Staged revert of {plan.release}: {', '.join(f'{stage} %' for stage in walk.stages)}",
    )


async def count_requests(desk: Desk) -> None:
    """Write down how many requests the candidate has served; without the number that is a gap, no failure."""
    count = desk.playbook.release.requests
    if count is None:
        return
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
