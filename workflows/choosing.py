"""What is done about the release, and who authorises it: the revert, or a milder answer in its place."""

from __future__ import annotations

from datetime import datetime

from temporalio import workflow

from backout.exposure import StagedPlan
from backout.mandate import Mandate
from backout.model import digest_of
from backout.people import AUTHORISES, Action
from backout.release_sets import Alternative
from backout.steps import RevertStep
from backout.timeline import ActionTaken
from backout.timeline_plans import REVERT, PlanChosen
from backout.view import Ask
from workflows.achieved import Stopped, TimedOut
from workflows.announcing import announced
from workflows.authorising import authorised, one_authorised
from workflows.desk import Desk

NAMES_ITS_STEP = "a-plan-names-its-step-and-its-mandate"
"""An approval of one step once was one of every step that planned the same."""


async def chosen(desk: Desk, step: RevertStep, until: datetime) -> StagedPlan | Stopped | TimedOut:
    """Return the plan that may run, once it may; else what came instead.

    In an emergency that is to take everything off at once, and nobody is asked.
    """
    case = desk.case
    if case.emergency:
        case.remaining, case.chosen = (0,), ""
        return _at_once(desk, step)
    offered = () if case.tried else step.alternatives
    plans = (plan(desk, step), *(_instead(desk, step, one) for one in offered))
    found = await _authority(desk, step, plans, until)
    if not isinstance(found, StagedPlan):
        return found
    if found.alternative != case.chosen:
        case.chosen, case.remaining = found.alternative, None
    if offered:
        _record(desk, found, plans)
    return found


def current(desk: Desk, step: RevertStep) -> StagedPlan:
    """Return the plan that is being carried out: the alternative that was chosen, else the revert."""
    chosen = (one for one in step.alternatives if one.name == desk.case.chosen)
    return next((_instead(desk, step, one) for one in chosen), plan(desk, step))


def plan(desk: Desk, step: RevertStep) -> StagedPlan:
    """Return the plan of the revert itself."""
    mandate = desk.mandate()
    planned = desk.planned(step, because=mandate.because)
    whole = planned.model_copy(update={"capacity": step.capacity})
    if workflow.patched(NAMES_ITS_STEP):
        return whole.model_copy(update={"step": step.name, "takes": mandate.takes})
    return whole


def _at_once(desk: Desk, step: RevertStep) -> StagedPlan:
    """Return the plan that takes everything off in one stage."""
    told = {"stages": (0,), "because": f"emergency by {desk.case.emergency}", "takes": ""}
    return plan(desk, step).model_copy(update=told)


def _instead(desk: Desk, step: RevertStep, alternative: Alternative) -> StagedPlan:
    """Return the plan of a milder answer: it changes other targets, and no conversation moves."""
    update = {
        "target": alternative.targets[0].target,
        "targets": alternative.targets,
        "stages": alternative.stages,
        "alternative": alternative.name,
        "capacity": None,
        "conversations": None,
    }
    return plan(desk, step).model_copy(update=update)


async def _authority(
    desk: Desk, step: RevertStep, plans: tuple[StagedPlan, ...], until: datetime
) -> StagedPlan | Stopped | TimedOut:
    """Return the plan that may run under the fired rule's authority; else what came instead.

    Only who approves chooses: what needs no approval is the revert.
    """
    mandate, whole = desk.mandate(), plans[0]
    match mandate.authority:
        case "auto":
            if mandate.veto_window is None:
                return whole
            return await announced(desk, _question(whole, mandate), mandate.veto_window) or whole
        case "ack":
            return await _ownership(desk, until) or whole
        case "approve":
            until = min(until, workflow.now() + mandate.within) if mandate.within else until
            desk.on_silence = mandate.on_timeout
            found = await _approved(desk, step, plans, until)
            desk.on_silence = None if isinstance(found, StagedPlan) else desk.on_silence
            return found


async def _approved(
    desk: Desk, step: RevertStep, plans: tuple[StagedPlan, ...], until: datetime
) -> StagedPlan | Stopped | TimedOut:
    """Ask for each plan at the same time, each under its own code: the first that is authorised runs."""
    mandate = desk.mandate()
    if len(plans) == 1:
        ask = _question(plans[0], mandate).model_copy(update={"until": until})
        return await authorised(desk, ask, until) or plans[0]
    left = {"until": until, "if_rejected": "the others still wait; the incident is held once none is left"}
    about = {one.name: one.about for one in step.alternatives}
    asks = {
        _kind(one): _question(one, mandate, about.get(one.alternative, "")).model_copy(
            update=left | {"plan": one.alternative or REVERT}
        )
        for one in plans
    }
    found = await one_authorised(desk, asks, until)
    if not isinstance(found, str):
        return found
    return next(one for one in plans if digest_of(one) == found)


def _kind(plan: StagedPlan) -> str:
    return f"approve/{plan.alternative}" if plan.alternative else "approve"


def _record(desk: Desk, found: StagedPlan, plans: tuple[StagedPlan, ...]) -> None:
    """Write down what was chosen and what was not, once for each choice."""
    names = tuple(one.alternative or REVERT for one in plans)
    chosen = found.alternative or REVERT
    event = PlanChosen(
        at=workflow.now(),
        chosen=chosen,
        not_chosen=tuple(name for name in names if name != chosen),
        by=_authorised_by(desk, digest_of(found)),
    )
    before = [one for one in desk.case.timeline if isinstance(one, PlanChosen)]
    if not before or before[-1].choice != event.choice:
        desk.write(event)


def _authorised_by(desk: Desk, subject: str) -> tuple[str, ...]:
    """Return the names of those who authorised a plan, in their order."""
    acts = (event for event in desk.case.timeline if isinstance(event, ActionTaken))
    ours = (event for event in acts if event.subject == subject and event.action in AUTHORISES)
    return tuple(dict.fromkeys(event.actor.name for event in ours))


def _question(plan: StagedPlan, mandate: Mandate, about: str = "") -> Ask:
    """Return the question whether the plan may run; `about` is what an alternative does."""
    how = f"{plan.course}, because of {plan.because}{plan.terms}"
    what = f"Instead of the revert, {plan.alternative} ({about})" if about else f"Revert {plan.release}"
    return Ask(
        what=f"{what} {how}",
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
        roles=desk.playbook.holders(Action.ACKNOWLEDGE),
        until=until,
    )
    if await desk.ask("acknowledge", question, lambda: bool(desk.owner()), until=until):
        return None
    return TimedOut(missing="nobody acknowledged, and the rule wants an owner before the revert")
