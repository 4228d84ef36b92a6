"""What follows when the signals say something: a revert, a call, a hold, or an investigation."""

from __future__ import annotations

from temporalio import workflow

from backout.evaluation import Blindness, Evaluation, Outcome
from backout.investigation import investigation
from backout.requests import Observation
from backout.rules import Do, Rule
from workflows.achieved import Achieved, Done, Stopped
from workflows.desk import Desk

CHOICES = "resume to watch on without it, or skip to go on to the revert, which then needs an approval"
TWO_ROLES = "resume to watch on without it, or skip to go on to the revert, which two roles must then approve"


def found(desk: Desk) -> Observation | None:
    """Return what the release's watch found, once, where detection need not watch any more."""
    observed = desk.opening.found
    if desk.case.begun or observed is None:
        return None
    desk.case.begun = True
    desk.watch = observed.watch
    return observed if asks(desk, observed.evaluation) else None


def asks(desk: Desk, said: Evaluation) -> bool:
    """Say whether something is to be done: a rule fired, or a blind source wants people."""
    return said.outcome is Outcome.FIRED or bool(_unanswered(desk, said))


def follow(desk: Desk, said: Evaluation) -> Achieved | None:
    """Do what is asked for; None where the watch goes on after it."""
    if said.outcome is Outcome.FIRED:
        return _fired(desk, said)
    held = None
    for blind in _unanswered(desk, said):
        _answer(desk, _name(blind))
        if blind.do == "page":
            desk.page((desk.step.owner,), _blind(blind))
        else:
            held = Stopped(why=f"{_blind(blind)}: {CHOICES}")
    return held


def _fired(desk: Desk, said: Evaluation) -> Achieved | None:
    rule = desk.playbook.rule(said.rule)
    if rule is None:
        return Done(result=f"people judged so: {'; '.join(said.reasons)}")
    if rule.do is Do.REVERT:
        return Done(result=f"rule {rule.id} fired")
    _answer(desk, rule.id)
    why = f"rule {rule.id} fired: {'; '.join(said.reasons)}"
    if rule.do is Do.PAGE:
        desk.page(_called(desk, rule), why)
        return None
    if rule.do is Do.HOLD:
        return Stopped(why=f"{why}: {CHOICES}", call=_called(desk, rule))
    desk.case.investigated = (*desk.case.investigated, rule.id)
    desk.write(investigation(said, rule, desk.playbook.guard, at=workflow.now()))
    return Stopped(why=f"{why}: {TWO_ROLES}", call=_called(desk, rule))


def _called(desk: Desk, rule: Rule) -> tuple[str, ...]:
    return tuple(dict.fromkeys((desk.step.owner, *rule.approve_by)))


def _answer(desk: Desk, name: str) -> None:
    desk.case.answered = tuple(dict.fromkeys((*desk.case.answered, name)))


def _unanswered(desk: Desk, said: Evaluation) -> tuple[Blindness, ...]:
    return tuple(
        blind for blind in said.blind if blind.do != "report" and _name(blind) not in desk.case.answered
    )


def _name(blind: Blindness) -> str:
    return f"blind:{blind.source}"


def _blind(blind: Blindness) -> str:
    since = f" since {blind.since:%H:%M:%S} UTC" if blind.since else ""
    why = f" ({blind.why})" if blind.why else ""
    return f"source {blind.source} gives no data{since}{why}, so {', '.join(blind.criteria)} say nothing"
