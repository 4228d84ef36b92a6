"""The rollout step: exposure goes up in stages, guarded at each, and turns back by itself."""

from __future__ import annotations

from datetime import datetime

from temporalio.exceptions import ApplicationError

from backout.addressing import short_of
from backout.authority import approvers, human_rule
from backout.exposure import StagedPlan
from backout.model import digest_of
from backout.people import Action
from backout.steps import RolloutStep
from backout.view import Ask, IncidentOutcome, incident_id
from workflows import fencing, quarantining, walking
from workflows.achieved import Achieved, Done, Stopped
from workflows.authorising import authorised
from workflows.desk import Desk
from workflows.revert import WalkedDown
from workflows.reverting import count_requests

OVER = (
    "the rollout turned back, and is over: abort or close it. Once the quarantine is lifted, "
    "'backout release rollout' begins a new one"
)


async def roll_out(desk: Desk, step: RolloutStep, until: datetime) -> Achieved:
    """Have the rollout authorised, walk up its stages, and say where that ended."""
    case = desk.case
    case.released = False
    if why := _why_off(desk):
        return await _off(desk, step, why)
    if case.ending is IncidentOutcome.TURNED_BACK:
        return Stopped(why=OVER)
    if stopped := await _no_incident(desk):
        return stopped
    # Again from the start where all is done: a step that is taken again looks again.
    case.remaining = case.remaining or step.stages
    plan = _plan(desk, step)
    if refusal := await authorised(desk, _question(desk, plan), until):
        return refusal
    if refusal := await fencing.alone(desk, plan):
        return refusal
    walked = await walking.walk(desk, step, plan)
    # Kept before anything else is waited for: a hold that came meanwhile must not lose where it ended.
    case.remaining = walked.remaining
    case.released = walked.state == "complete"
    case.turning_back = walked.why if walked.fired else ""
    _write_end(desk, plan, walked)
    if walked.state == "turned_back":
        await _turned_back(desk, plan, walked.why)
    await count_requests(desk)
    return _achieved(plan, walked)


async def _no_incident(desk: Desk) -> Stopped | None:
    """Return None unless an incident on the release is open: nothing goes up while people look into it."""
    incident = incident_id(desk.opening.service, desk.opening.release)
    if await fencing.is_over(incident):
        return None
    return Stopped(why=f"incident {short_of(incident)} is open on this release: resume once it is over")


def _why_off(desk: Desk) -> str:
    """Say why everything is to come off; empty where it is not, or where it is off already."""
    case = desk.case
    if case.emergency:
        return f"emergency by {case.emergency}"
    return "" if case.ending is IncidentOutcome.TURNED_BACK else case.turning_back


async def _off(desk: Desk, step: RolloutStep, why: str) -> Achieved:
    """Take everything off at once: nobody is asked whether what a rule or a person has stopped may stop."""
    plan = _plan(desk, step).model_copy(update={"stages": (0,), "direction": "down", "because": why})
    if refusal := await fencing.alone(desk, plan):
        return refusal
    walked = await walking.walk(desk, step, plan, plan.stages, at_once=True)
    _write_end(desk, plan, walked)
    if walked.state != "complete":
        return _achieved(plan, walked)
    await _turned_back(desk, plan, why)
    return Done(result=f"{walked.exposure} % of traffic is left on {plan.release}: {why}")


async def _turned_back(desk: Desk, plan: StagedPlan, why: str) -> None:
    """End the rollout: nobody meets the release any more, and nobody shall unseen. It waits for nothing."""
    desk.case.settle(IncidentOutcome.TURNED_BACK)
    await quarantining.quarantine(desk, plan, why=f"its rollout turned back: {why}")


def _write_end(desk: Desk, plan: StagedPlan, walked: WalkedDown) -> None:
    """Write down where a walk ended, where it is before its last stage."""
    if walked.state != "complete":
        desk.write(walked.stop(plan.direction))


def _plan(desk: Desk, step: RolloutStep) -> StagedPlan:
    planned = desk.planned(step, because=desk.opening.because)
    return planned.model_copy(update={"direction": "up", "step": step.name})


def _question(desk: Desk, plan: StagedPlan) -> Ask:
    """Return the question whether the release may go up: nothing has fired, so people decide."""
    rule = human_rule(desk.playbook)
    return Ask(
        what=f"Roll out {plan.release} {plan.course}, begun by {plan.because}{plan.terms}",
        actions=(Action.APPROVE, Action.REJECT),
        subject=digest_of(plan),
        quorum=rule.quorum,
        roles=approvers(rule, desk.playbook),
        required=rule.required,
        if_rejected="nothing goes up; the rollout is held until a person decides",
    )


def _achieved(plan: StagedPlan, walked: WalkedDown) -> Achieved:
    match walked.state:
        case "complete":
            return Done(result=f"{walked.exposure} % of traffic is on {plan.release}")
        case "turned_back":
            raise ApplicationError(walked.why, type="TurnedBack")
        case "failed":
            raise ApplicationError(walked.why, type="StageFailed")
        case _:
            return Stopped(why=walked.why)
