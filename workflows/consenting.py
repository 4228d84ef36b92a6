"""What follows an act beside its own effect: the consent of others, a report, a new severity."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from temporalio import workflow

from backout import case_acts, consents
from backout.people import Act, Action
from backout.timeline import ActionTaken
from backout.timeline_decisions import GlassBroken
from backout.view import Ask
from workflows.authorising import offered
from workflows.desk import Desk
from workflows.search_attributes import SEVERITY
from workflows.waiting import answer


def question(desk: Desk, act: Act) -> Ask | None:
    """Return what others must consent to before this act takes effect; None where it takes effect at once."""
    roles = desk.playbook.consents.get(act.action, ())
    if not roles:
        return None
    usual = desk.playbook.approvals.get(desk.severity)
    until = workflow.now() + (usual.within if usual else desk.playbook.remind)
    ask = consents.question(act, roles, until=until, shipped_by=desk.opening.shipped_by)
    return ask and offered(desk, ask)


def wait(desk: Desk, ask: Ask) -> None:
    """Call those who must consent, and give the act up where they do not in time; nothing stops for it."""
    desk.page(ask.roles, f"consent needed: {ask.headline}")
    _wait_beside(desk, ask.subject, ask.until or workflow.now())


def go_on(desk: Desk) -> None:
    """Go on waiting in a fresh history."""
    for ask in desk.case.asks.values():
        if ask.carries_out:
            _wait_beside(desk, ask.subject, ask.until or workflow.now())


def _wait_beside(desk: Desk, subject: str, until: datetime) -> None:
    async def lapse() -> None:
        case = desk.case
        summary = f"waits for the consent to {case.pending[subject].act.action.value}"
        if not await answer(lambda: subject not in case.pending, until=until, summary=summary):
            give_up(desk, (case.pending[subject].act.action,), "nobody consented in time")

    desk.in_background(lapse())


def give_up(desk: Desk, actions: Collection[Action], why: str) -> None:
    """Give up what waits for consent, of these kinds."""
    case_acts.lapse(desk.case, actions, why, now=workflow.now(), step=desk.step.name)
    desk.show()


def follow(desk: Desk, act: Act, asked: Ask | None) -> None:
    """Do what an act brings about outside of the case; `asked` is the question that it answered."""
    if act.action is Action.HOLD:
        give_up(desk, consents.DECISIONS, f"{act.actor.name} held the incident meanwhile")
    elif desk.case.directive is not None:
        give_up(desk, consents.DECISIONS, f"{desk.case.directive.value} was decided meanwhile")
    if act.action is Action.SEVERITY or (asked and asked.carries_out is Action.SEVERITY):
        workflow.upsert_search_attributes([SEVERITY.value_set(desk.severity.value)])
    glass = desk.playbook.break_glass
    if act.action is not Action.BREAK_GLASS or not (glass and asked):
        return
    if asked.subject in desk.case.authorised:
        _report(desk, asked, glass.report)


def _report(desk: Desk, asked: Ask, roles: tuple[str, ...]) -> None:
    """Say on the timeline, and to these roles, that the glass was broken."""
    acts = (event for event in desk.case.timeline if isinstance(event, ActionTaken))
    breaking = [one for one in acts if one.action is Action.BREAK_GLASS and one.subject == asked.subject]
    by = tuple(dict.fromkeys(one.actor.name for one in breaking))
    what = asked.headline
    desk.write(GlassBroken(at=workflow.now(), what=what, subject=asked.subject, by=by, report=roles))
    reasons = "; ".join(f"{one.actor.name}: {one.reason}" for one in breaking)
    desk.page(roles, f"the glass was broken for '{what}' ({reasons})")
