"""The revert step: what may be done, by whose authority, and what became of it."""

from __future__ import annotations

from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

from activities.signals import SignalActivities
from backout import way_back
from backout.exposure import StagedPlan
from backout.requests import CountRequests
from backout.steps import RevertStep
from backout.timeline_exposure import RequestsCounted
from workflows import choosing, coming_back, fencing, options, proving, quarantining, serving, walking
from workflows.achieved import Achieved, Done, Stopped
from workflows.desk import Desk
from workflows.doing import do
from workflows.failures import reason
from workflows.revert import WalkedDown
from workflows.waiting import is_stopped


async def revert(desk: Desk, step: RevertStep, until: datetime) -> Achieved:
    """Have a proven baseline and an authorised plan, walk down its stages, and say where that ended."""
    case = desk.case
    case.reverted, case.recovered, case.came_back, case.stayed = False, False, False, False
    if case.coming_back:
        return await _come_back(desk, step)
    if refusal := await proving.proven(desk, until):
        return refusal
    plan = await choosing.chosen(desk, step, until)
    if not isinstance(plan, StagedPlan):
        return plan
    # Again from the start where all is done: a step that is taken again looks again.
    case.remaining = case.remaining or plan.stages
    if refusal := await fencing.alone(desk, plan):
        return refusal
    walked = await _walk(desk, step, plan, case.remaining)
    await _count(desk, plan, is_off=case.reverted)
    return _achieved(desk, plan, walked)


async def _walk(desk: Desk, step: RevertStep, plan: StagedPlan, stages: tuple[int, ...]) -> WalkedDown:
    """Walk down these stages, and keep where that ended."""
    case = desk.case
    if not case.emergency:
        await serving.begin(desk, plan)
    walked = await walking.walk(desk, step, plan, stages, at_once=bool(case.emergency))
    case.remaining = walked.remaining
    case.reverted = walked.state == "complete"
    if not case.reverted:
        desk.write(walked.stop("down"))
    return walked


async def _come_back(desk: Desk, step: RevertStep) -> Achieved:
    """Bring exposure back up; where a rule fires on the way, all is off after that, as after a revert."""
    plan = choosing.current(desk, step)
    walked = await coming_back.come_back(desk, step, plan)
    if not isinstance(walked, Stopped) and not is_stopped():
        # Only here: a retry of what failed, or was late, comes back up once more, and never goes down.
        desk.case.coming_back = ""
    if isinstance(walked, WalkedDown):
        # Kept before anything else is waited for: a hold that comes meanwhile must not lose it.
        desk.case.remaining, desk.case.reverted = (), True
    await _count(desk, plan, is_off=desk.case.reverted)
    if not isinstance(walked, WalkedDown):
        return walked
    return Done(result=f"{walked.why}: {walked.exposure} % of traffic is left on the candidate")


def _achieved(desk: Desk, plan: StagedPlan, walked: WalkedDown) -> Achieved:
    match walked.state:
        case "complete":
            return Done(result=_result(plan, walked))
        case "failed":
            raise ApplicationError(walked.why, type="StageFailed")
        case "recovered":
            up = way_back.way_up(plan, now=desk.case.exposures, found=way_back.found(desk.case.timeline))
            desk.case.recovered = up is not None
            choices = coming_back.choices(walked.remaining, back=up.stages[-1] if up else None)
            return Stopped(why=f"{walked.why}: {choices}")
        case _:
            return Stopped(why=walked.why)


def _result(plan: StagedPlan, walked: WalkedDown) -> str:
    if plan.alternative:
        return f"{plan.alternative} is in place, instead of the revert"
    return f"{walked.exposure} % of traffic is left on the candidate"


async def _count(desk: Desk, plan: StagedPlan, *, is_off: bool) -> None:
    """Count what the candidate has served, and quarantine what is off, whoever leaves the step meanwhile."""
    try:
        await count_requests(desk)
    finally:
        if is_off:
            await quarantining.quarantine(desk, plan)


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
