"""The revert step: what may be done, by whose authority, and what became of it."""

from __future__ import annotations

from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

from activities.signals import SignalActivities
from backout.exposure import StagedPlan
from backout.requests import CountRequests
from backout.steps import RevertStep
from backout.timeline_exposure import RequestsCounted, RevertStopped
from workflows import choosing, fencing, options, proving, quarantining, serving, walking
from workflows.achieved import Achieved, Done, Stopped
from workflows.desk import Desk
from workflows.doing import do
from workflows.failures import reason
from workflows.revert import WalkedDown


async def revert(desk: Desk, step: RevertStep, until: datetime) -> Achieved:
    """Have a proven baseline and an authorised plan, walk down its stages, and say where that ended."""
    desk.case.reverted = False
    # Again from the start where all is done: a step that is taken again looks again.
    desk.case.remaining = desk.case.remaining or step.stages
    if refusal := await proving.proven(desk, until):
        return refusal
    plan = await choosing.chosen(desk, step, until)
    if not isinstance(plan, StagedPlan):
        return plan
    if refusal := await fencing.alone(desk, plan):
        return refusal
    await serving.begin(desk, plan)
    walked = await walking.walk(desk, step, plan)
    desk.case.remaining = walked.remaining
    if walked.exposure is not None:
        desk.case.exposure = walked.exposure
    desk.case.reverted = walked.state == "complete"
    if not desk.case.reverted:
        desk.write(RevertStopped(at=workflow.now(), exposure=walked.exposure, why=walked.why))
    await count_requests(desk)
    if desk.case.reverted:
        await quarantining.quarantine(desk, plan)
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
        case "stopped" | "turned_back" | "undecided":
            return Stopped(why=walked.why)


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
