"""Call people anew where somebody owns the incident and it still fires after a set time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from temporalio import workflow

from backout.escalation import Ladder
from backout.evaluation import Outcome
from backout.people import Action
from backout.timeline import ActionTaken
from backout.timeline_paging import AcknowledgementLapsed
from workflows import climbing, options
from workflows.desk import Desk
from workflows.waiting import answer


def begin(desk: Desk, policy: str) -> None:
    """Watch over whoever owns the incident, beside the steps, where the policy wants it."""
    every = desk.playbook.escalation[policy].repage
    if every and (desk.vigil is None or desk.vigil.done()):
        desk.vigil = desk.start(_watch_over(desk, policy, every))


async def _watch_over(desk: Desk, policy: str, every: timedelta) -> None:
    while desk.case.ending is None:
        owned = _owned_since(desk)
        is_news = _differs(desk, owned)
        until = _due(owned, every)
        await answer(is_news, until=until, summary=f"pages by {policy} again if it still fires then")
        if owned is not None and not is_news() and _is_firing(desk):
            _call_anew(desk, policy, owned)


def _owned_since(desk: Desk) -> datetime | None:
    """Return when somebody acknowledged; None where nobody owns the incident."""
    taken = (event for event in reversed(desk.case.timeline) if isinstance(event, ActionTaken))
    acknowledged = (event.at for event in taken if event.action is Action.ACKNOWLEDGE)
    return next(acknowledged, None) if desk.owner() else None


def _differs(desk: Desk, owned: datetime | None) -> Callable[[], bool]:
    return lambda: _owned_since(desk) != owned


def _due(owned: datetime | None, every: timedelta) -> datetime:
    """Return when to look next: a whole number of pauses after the acknowledgement."""
    now = workflow.now()
    if owned is None:
        return now + options.LONGEST_REMINDER
    return owned + ((now - owned) // every + 1) * every


def _is_firing(desk: Desk) -> bool:
    """Say whether it still fires: its alerts do, or without any the rule, until recovery is shown."""
    case = desk.case
    fired = case.evaluation is not None and case.evaluation.outcome is Outcome.FIRED
    return case.ending is None and not case.verified and bool(case.firing if case.alerts else fired)


def _call_anew(desk: Desk, policy: str, since: datetime) -> None:
    by, now = desk.owner(), workflow.now()
    desk.write(AcknowledgementLapsed(at=now, policy=policy, by=by, since=since))
    desk.case.acknowledged_by = ""
    until = now + desk.playbook.escalation[policy].lasting
    climbing.begin(desk, Ladder(policy=policy, level=1, until=until))
