"""Watch the signals for a breach or for recovery."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

from activities.signals import SignalActivities
from backout import recovering, triggers
from backout.alerts import Alert
from backout.criteria import AlertTest
from backout.evaluation import Evaluation, Outcome
from backout.guard import Guard, Judged
from backout.model import format_duration
from backout.requests import Observation, Observe
from backout.rules import AnyOf, Do
from backout.steps import DetectStep, VerifyStep
from backout.timeline import SignalsJudged
from backout.transitions import untold
from backout.view import IncidentOutcome
from workflows import following, options
from workflows.achieved import Achieved, Done, TimedOut
from workflows.desk import Desk
from workflows.doing import do
from workflows.left_behind import left_behind
from workflows.waiting import Finished, Interrupted, is_stopped, race

FAILS_WHERE_BREACHED = "a-verification-that-is-still-breached-fails"
"""That users had not recovered once was silence, as if nothing had been shown."""
UNSETTLED = "the signals said neither yes nor no"


async def judge(desk: Desk, step: DetectStep | VerifyStep) -> Achieved:
    """Watch for what the step is about, write down what the signals said, and say what that means."""
    match step:
        case DetectStep():
            return await _detect(desk, step)
        case VerifyStep():
            return await _verify(desk, step)


async def _detect(desk: Desk, step: DetectStep) -> Achieved:
    """Watch until something is settled. A rule that only calls people is followed, and the watch goes on."""
    until = workflow.now() + step.within
    while True:
        seen = await _breach(desk, step, until)
        desk.watch = seen.watch
        desk.case.evaluation = seen.evaluation
        desk.write(SignalsJudged(at=workflow.now(), sense="breach", evaluation=seen.evaluation))
        if following.asks(desk, seen.evaluation):
            if settled := following.follow(desk, seen.evaluation):
                return settled
        elif seen.evaluation.outcome is Outcome.CLEAR:
            desk.case.settle(IncidentOutcome.FALSE_ALARM)
            return Done(result="the signals are healthy: standing down")
        else:
            return TimedOut(missing=UNSETTLED)
        if workflow.now() >= until:
            return TimedOut(missing=UNSETTLED)


async def _verify(desk: Desk, step: VerifyStep) -> Achieved:
    """Watch until a whole window shows that users recovered; what is neither shown nor refuted is no proof.

    Raises:
        ApplicationError: at the end of its time a rate is shown to be beyond its limit.
    """
    desk.case.verified = False
    seen = await _watch(request(desk, "recovery", window=step.window, lasting=step.within))
    desk.write(SignalsJudged(at=workflow.now(), sense="recovery", evaluation=seen.evaluation))
    if seen.evaluation.outcome is Outcome.FIRED and workflow.patched(FAILS_WHERE_BREACHED):
        msg = f"users have not recovered: {'; '.join(seen.evaluation.reasons)}"
        raise ApplicationError(msg, type="StillBreached")
    if seen.evaluation.outcome is not Outcome.CLEAR:
        return TimedOut(missing="recovery was not shown")
    desk.case.verified = True
    return Done(result="users recovered")


async def _breach(desk: Desk, step: DetectStep, until: datetime) -> Observation:
    """Watch until a rule fires or the time is over. What alerts and people say may need no watching at all.

    Where they may also weigh together with signals, the watch stops when they say something new, and goes on
    from where it stood.
    """
    if found := following.found(desk):
        return found
    hands_over = _is_weighed_together(desk.playbook.guard)
    while True:
        if said := _by_people(desk):
            return said
        # A watch that ends by itself says with which numbers; this deadline is only its backstop.
        watched = await race(
            _watch(_breach_request(desk, step, until), hands_over=hands_over),
            until=until + options.WATCH_GRACE,
            interrupted=_is_news(desk, hands_over=hands_over),
            summary="alerts that fire a rule end the watch",
        )
        if isinstance(watched, Finished):
            return watched.value
        if isinstance(watched, Interrupted) and watched.left is not None:
            desk.watch = watched.left.watch
        if not (isinstance(watched, Interrupted) and hands_over):
            return _by_people(desk) or _nothing(desk)


def _is_news(desk: Desk, *, hands_over: bool) -> Callable[[], bool]:
    """Return what says whether alerts or people now say what the watch has to know of."""
    heard = _heard(desk)
    return lambda: _by_people(desk) is not None or (hands_over and _heard(desk) != heard)


def _by_people(desk: Desk) -> Observation | None:
    """Return what alerts and judgments say alone, if that asks for something."""
    firing, judged = _heard(desk)
    guard = desk.playbook.guard
    if not firing and not judged:
        return None
    said = triggers.by_people(
        guard, at=workflow.now(), firing=firing, judged=judged, answered=desk.case.answered
    )
    # Only a look at the world knows whether a veto holds a rule back.
    if not following.asks(desk, said) or (guard.vetoes and said.rule is not None):
        return None
    return Observation(evaluation=said, ticks=0, watch=desk.watch)


def _heard(desk: Desk) -> tuple[tuple[Alert, ...], tuple[Judged, ...]]:
    """Return the firing alerts that some criterion listens to, one of each name, and what people judged."""
    named = {c.test.named for c in desk.playbook.criteria if isinstance(c.test, AlertTest)}
    firing: dict[str, Alert] = {}
    for alert in desk.case.firing.values():
        if alert.name in named:
            # A storm of one name says no more than its first: the watch need not stop for the others.
            firing.setdefault(alert.name, alert)
    return tuple(firing.values()), (*desk.case.judged_by_others, *desk.case.judged.values())


def _is_weighed_together(guard: Guard) -> bool:
    """Say whether what people say may weigh beside the signals, or a rule may leave the watch going on."""
    alone = all(
        rule.do is Do.REVERT
        and isinstance(rule.when, AnyOf)
        and all(isinstance(p, str) for p in rule.when.parts)
        for rule in guard.rules
    )
    return not alone or bool(guard.vetoes or guard.judgments)


def _nothing(desk: Desk) -> Observation:
    said = Evaluation(outcome=Outcome.INCONCLUSIVE, reasons=("the watch gave no answer",))
    return Observation(evaluation=said, ticks=0, watch=desk.watch)


def _breach_request(desk: Desk, step: DetectStep, until: datetime) -> Observe:
    firing, judged = _heard(desk)
    lasting = max(until - workflow.now(), timedelta(seconds=1))
    asked = request(desk, "breach", window=step.within, lasting=lasting)
    more = {
        "firing": firing,
        "judged": tuple(one for one in judged if workflow.now() < one.until),
        "answered": desk.case.answered,
        # A watch that was stopped before its first look has not weighed the past either.
        "look_back": step.look_back if desk.watch is None or not desk.watch.ticks else None,
        # What fired while the watch was stopped was told to nobody; what was told is in `answered`.
        "resume": desk.watch and untold(desk.watch),
    }
    return asked.model_copy(update=more)


def request(
    desk: Desk, sense: Literal["breach", "recovery"], *, window: timedelta, lasting: timedelta
) -> Observe:
    """Return the request of a watch over the playbook's signals."""
    firing, _ = _heard(desk)
    doubted = desk.watch and recovering.begun(desk.watch, desk.playbook.guard, workflow.now())
    return Observe(
        service=desk.opening.service,
        release=desk.opening.release,
        baseline=desk.baseline,
        sense=sense,
        **{name: getattr(desk.playbook, name) for name in Guard.model_fields},
        firing=firing,
        withdrawn=desk.case.exposure == 0,
        window=window,
        lasting=lasting,
        resume=doubted if sense == "recovery" else None,
    )


async def _watch(request: Observe, *, hands_over: bool = False) -> Observation:
    goes_on = request.resume and request.resume.ticks
    how_long = "from where it stood" if goes_on else f"{format_duration(request.lasting)} at most"
    try:
        return await do(
            SignalActivities.observe,
            request,
            options.observe(request.lasting, hands_over=hands_over),
            summary=f"watch for {request.sense}, {how_long}",
        )
    except (asyncio.CancelledError, ActivityError) as failure:
        left = left_behind(failure) if hands_over and is_stopped() else None
        if left is None:
            raise
        said = Evaluation(outcome=Outcome.INCONCLUSIVE, reasons=("nobody finished the watch",))
        return Observation(evaluation=said, ticks=left.ticks, watch=left)
