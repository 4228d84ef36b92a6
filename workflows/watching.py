"""Watch the signals for a breach or for recovery."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal, assert_never

from temporalio import workflow

from activities.signals import SignalActivities
from backout import triggers
from backout.alerts import Alert
from backout.criteria import AlertTest
from backout.evaluation import Evaluation, Outcome
from backout.model import format_duration
from backout.requests import Observe
from backout.steps import DetectStep, VerifyStep
from backout.timeline import SignalsJudged
from backout.view import IncidentOutcome
from backout.watch import Watch
from workflows import options
from workflows.achieved import Achieved, Done, TimedOut
from workflows.desk import Desk
from workflows.doing import do
from workflows.waiting import Finished, race


async def judge(desk: Desk, step: DetectStep | VerifyStep) -> Achieved:
    """Watch for what the step is about, write down what the signals said, and say what that means."""
    match step:
        case DetectStep():
            return await _detect(desk, step)
        case VerifyStep():
            return await _verify(desk, step)


async def _detect(desk: Desk, step: DetectStep) -> Achieved:
    said = await _breach(desk, lasting=step.within)
    desk.case.evaluation = said
    desk.write(SignalsJudged(at=workflow.now(), sense="breach", evaluation=said))
    match said.outcome:
        case Outcome.FIRED:
            return Done(result=f"rule {said.rule} fired")
        case Outcome.CLEAR:
            desk.case.settle(IncidentOutcome.FALSE_ALARM)
            return Done(result="the signals are healthy: standing down")
        case Outcome.INCONCLUSIVE:
            return TimedOut(missing="the signals said neither yes nor no")
        case _:
            assert_never(said.outcome)


async def _verify(desk: Desk, step: VerifyStep) -> Achieved:
    desk.case.verified = False
    said = await _watch(request(desk, "recovery", window=step.window, lasting=step.within))
    desk.write(SignalsJudged(at=workflow.now(), sense="recovery", evaluation=said))
    if said.outcome is not Outcome.CLEAR:
        return TimedOut(missing="recovery was not shown")
    desk.case.verified = True
    return Done(result="users recovered")


async def _breach(desk: Desk, *, lasting: timedelta) -> Evaluation:
    """Watch until a rule fires or the time is over. Alerts that fire a rule need no watching at all."""
    if said := _fired_by_alerts(desk):
        return said
    # A watch that ends by itself says with which numbers; this deadline is only its backstop.
    until = workflow.now() + lasting + options.WATCH_GRACE
    watched = await race(
        _watch(request(desk, "breach", window=lasting, lasting=lasting)),
        until=until,
        interrupted=lambda: _fired_by_alerts(desk) is not None,
        summary="alerts that fire a rule end the watch",
    )
    if isinstance(watched, Finished):
        return watched.value
    return _fired_by_alerts(desk) or Evaluation(
        outcome=Outcome.INCONCLUSIVE, reasons=("the watch gave no answer",)
    )


def request(
    desk: Desk, sense: Literal["breach", "recovery"], *, window: timedelta, lasting: timedelta
) -> Observe:
    """Return the request of a watch over the playbook's signals."""
    playbook = desk.playbook
    return Observe(
        service=desk.opening.service,
        release=desk.opening.release,
        sense=sense,
        signals=playbook.signals,
        criteria=playbook.criteria,
        rules=playbook.rules,
        firing=_trusted(desk),
        tick=playbook.tick,
        window=window,
        lasting=lasting,
    )


async def _watch(request: Observe) -> Evaluation:
    seen = await do(
        SignalActivities.observe,
        request,
        options.observe(request.lasting),
        summary=f"watch for {request.sense}, {format_duration(request.lasting)} at most",
    )
    return seen.evaluation


def _trusted(desk: Desk) -> tuple[Alert, ...]:
    """Return the firing alerts that some criterion listens to."""
    named = {c.test.named for c in desk.playbook.criteria if isinstance(c.test, AlertTest)}
    return tuple(alert for alert in desk.case.firing.values() if alert.name in named)


def _fired_by_alerts(desk: Desk) -> Evaluation | None:
    """Return the evaluation if the alerts alone fire a rule."""
    playbook = desk.playbook
    if not _trusted(desk):
        return None
    said = triggers.breach(
        Watch(started_at=workflow.now()),
        criteria=playbook.criteria,
        rules=playbook.rules,
        firing=_trusted(desk),
        tick=playbook.tick,
    )
    return said if said.outcome is Outcome.FIRED else None
