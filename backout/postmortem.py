"""What a postmortem states, computed from the incident's own timeline: no fact is left to memory."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TypeVar

from backout.evaluation import Evaluation, Factor, Outcome, Verdict, Vetoed
from backout.event import BaseEvent
from backout.model import Frozen
from backout.people import Action
from backout.stakes import requests_served
from backout.steps import RevertStep
from backout.timeline import (
    ActionTaken,
    AlertReceived,
    Event,
    Held,
    IncidentOpened,
    InvestigationOpened,
    MessageFailed,
    MessageSent,
    PeoplePaged,
    SignalsJudged,
    StepFailed,
    StepTimedOut,
)
from backout.timeline_baseline import BaselineProven, BaselineUnproven
from backout.timeline_exposure import CapacitySet, CheckRun, ExposureSet, RevertStopped, StagePutBack
from backout.timeline_notices import NoticeDropped, NoticeOverdue
from backout.timeline_paging import LadderEnded
from backout.timeline_plans import REVERT, PlanChosen
from backout.view import IncidentView

E = TypeVar("E", bound=BaseEvent)


class Times(Frozen):
    """How long it took, each from the start of the first alert's episode; None where it did not happen."""

    started_at: datetime
    """When the first alert says that it began, or when the incident was opened without one."""
    to_open: timedelta | None
    to_detect: timedelta | None
    to_acknowledge: timedelta | None
    to_first_revert: timedelta | None
    to_full_revert: timedelta | None
    to_recovery: timedelta | None


class Facts(Frozen):
    """Everything that the record can say."""

    times: Times
    fired: Evaluation | None
    """The evaluation on which the revert was decided."""
    recovery: Evaluation | None
    """The last evaluation in the recovery sense."""
    investigations: tuple[InvestigationOpened, ...]
    alerts: tuple[AlertReceived, ...]
    stages: tuple[ExposureSet, ...]
    put_back: tuple[StagePutBack, ...]
    """What was put back because one target of a set failed."""
    by_target: dict[str, tuple[int, int]]
    """From where to where each of several targets went, in percent; nothing where there is one."""
    capacity: tuple[CapacitySet, ...]
    stops: tuple[RevertStopped, ...]
    acts: tuple[ActionTaken, ...]
    bypasses: tuple[ActionTaken, ...]
    """What went past a quorum: overrides, hands on the glass, and emergencies."""
    plans: tuple[PlanChosen, ...]
    """What was chosen of the revert and its alternatives, and what was not."""
    baselines: tuple[BaselineProven | BaselineUnproven, ...]
    """Whether the release that was gone back to was proven, as often as it was looked at."""
    checks: tuple[CheckRun, ...]
    pages: tuple[PeoplePaged, ...]
    messages: tuple[MessageSent, ...]
    unsent: tuple[MessageFailed, ...]
    overdue: tuple[NoticeOverdue, ...]
    dropped: tuple[NoticeDropped, ...]
    """Notices that were due and never sent, each with the reason."""
    requests: int | None
    """Requests that the candidate served between the first and the last count: the blast radius."""
    exposure_before: int | None
    exposure_after: int | None
    questions: tuple[str, ...]
    """What only people can answer."""


def facts(view: IncidentView) -> Facts:
    """Return what the timeline says."""
    timeline = view.timeline
    stages = _all(timeline, ExposureSet)
    judged = _all(timeline, SignalsJudged)
    breaches = [event.evaluation for event in judged if event.sense == "breach"]
    recoveries = [event.evaluation for event in judged if event.sense == "recovery"]
    return Facts(
        times=_times(view),
        fired=breaches[-1] if breaches else None,
        recovery=recoveries[-1] if recoveries else None,
        investigations=_all(timeline, InvestigationOpened),
        alerts=_all(timeline, AlertReceived),
        stages=stages,
        put_back=_all(timeline, StagePutBack),
        by_target=_by_target(stages, view),
        capacity=_all(timeline, CapacitySet),
        stops=_all(timeline, RevertStopped),
        acts=_all(timeline, ActionTaken),
        bypasses=_bypasses(timeline),
        plans=_all(timeline, PlanChosen),
        baselines=(*_all(timeline, BaselineProven), *_all(timeline, BaselineUnproven)),
        checks=_checks(timeline),
        pages=_all(timeline, PeoplePaged),
        messages=_all(timeline, MessageSent),
        unsent=_all(timeline, MessageFailed),
        overdue=_all(timeline, NoticeOverdue),
        dropped=_all(timeline, NoticeDropped),
        requests=requests_served(timeline),
        exposure_before=_exposure_before(stages, view),
        exposure_after=view.summary.exposure,
        questions=_questions(view, breaches[-1] if breaches else None),
    )


def _all(timeline: Iterable[Event], kind: type[E]) -> tuple[E, ...]:
    return tuple(event for event in timeline if isinstance(event, kind))


def _checks(timeline: Iterable[Event]) -> tuple[CheckRun, ...]:
    """Return what the checks found; of those that were looked at again, only what came of it."""
    runs = _all(timeline, CheckRun)
    return tuple(
        run
        for i, run in enumerate(runs)
        if not (run.again and any(later.check == run.check for later in runs[i + 1 :]))
    )


def _by_target(stages: Iterable[ExposureSet], view: IncidentView) -> dict[str, tuple[int, int]]:
    before, at = _before(stages), view.summary.exposures
    return {target: (before.get(target, percent), percent) for target, percent in at.items()}


def _exposure_before(stages: Iterable[ExposureSet], view: IncidentView) -> int | None:
    """Return the most that any target of the release's set had before the engine changed it."""
    before = _before(stages)
    return max((before[target] for target in view.playbook.release_set & set(before)), default=None)


def _before(stages: Iterable[ExposureSet]) -> dict[str, int]:
    """Return what each target had before the engine changed it."""
    before: dict[str, int] = {}
    for event in stages:
        before.setdefault(event.target, event.before)
    return before


def _bypasses(timeline: Iterable[Event]) -> tuple[ActionTaken, ...]:
    ways = {Action.OVERRIDE, Action.BREAK_GLASS, Action.EMERGENCY}
    return tuple(event for event in _all(timeline, ActionTaken) if event.action in ways)


def _first(events: Iterable[BaseEvent]) -> datetime | None:
    return next((event.at for event in events), None)


def _times(view: IncidentView) -> Times:
    timeline = view.timeline
    judged = _all(timeline, SignalsJudged)
    stages = _all(timeline, ExposureSet)
    acts = _all(timeline, ActionTaken)
    started = min(
        (event.alert.starts_at for event in _all(timeline, AlertReceived)), default=view.summary.opened_at
    )
    on_the_set = (one for one in stages if one.target in view.playbook.release_set)
    lowest = min(
        (stage for step in view.playbook.steps if isinstance(step, RevertStep) for stage in step.stages),
        default=0,
    )

    def since(moment: datetime | None) -> timedelta | None:
        return None if moment is None else moment - started

    return Times(
        started_at=started,
        to_open=since(_first(_all(timeline, IncidentOpened))),
        to_detect=since(
            _first(e for e in judged if e.sense == "breach" and e.evaluation.outcome is Outcome.FIRED)
        ),
        to_acknowledge=since(_first(event for event in acts if event.action is Action.ACKNOWLEDGE)),
        to_first_revert=since(_first(event for event in stages if event.changed)),
        to_full_revert=since(_last_of_all(on_the_set, lowest)),
        to_recovery=since(_first(_lasting_recovery(judged))),
    )


def _last_of_all(stages: Iterable[ExposureSet], lowest: int) -> datetime | None:
    """Return when the last of the targets that were changed came to the lowest stage; None before all did."""
    first: dict[str, datetime | None] = {}
    for event in stages:
        there = event.at if event.after <= lowest else None
        first[event.target] = first.get(event.target) or there
    times = [at for at in first.values() if at is not None]
    return max(times) if times and len(times) == len(first) else None


def _lasting_recovery(judged: Iterable[SignalsJudged]) -> list[SignalsJudged]:
    """Return the judgments that show recovery and that no later one takes back.

    A soak at a low stage can look well by dilution alone, and the verification find otherwise.
    """
    shown: list[SignalsJudged] = []
    for event in judged:
        if event.sense == "recovery":
            shown = [*shown, event] if event.evaluation.outcome is Outcome.CLEAR else []
    return shown


def _questions(view: IncidentView, fired: Evaluation | None) -> tuple[str, ...]:
    """Return the questions that the record raises but cannot answer."""
    timeline = view.timeline
    asked = ["What was the root cause, and why did the checks before the release not find it?"]
    asked += [
        _blind(factor) for factor in (fired.factors if fired else ()) if factor.verdict is Verdict.BLIND
    ]
    if fired is None or fired.outcome is not Outcome.FIRED:
        asked.append("The signals fired no rule. Which signal or limit would have told it?")
    else:
        asked.append("Could a signal have diverged earlier? Which one moved first?")
    asked += [f"Why did step '{e.step}' run out of time ({e.missing})?" for e in _all(timeline, StepTimedOut)]
    asked += [
        f"What has to change so that step '{e.step}' does not fail again ({e.error})?"
        for e in _all(timeline, StepFailed)
    ]
    asked += [f"Why did nobody answer on escalation policy {e.policy}?" for e in _all(timeline, LadderEnded)]
    asked += [f"Was it right to hold ('{event.why}')?" for event in _all(timeline, Held)]
    asked += [
        f"Was it right that {event.actor.name} went past the quorum ({event.action.value}: {event.reason})?"
        for event in _bypasses(timeline)
    ]
    asked += [
        f"What did the investigation by rule {event.rule} find, and whom did it reach?"
        for event in _all(timeline, InvestigationOpened)
    ]
    asked += [
        f"Was it right that {one.veto} held {one.rule} back until {one.until:%H:%M:%S} UTC?"
        for one in _vetoes(_all(timeline, SignalsJudged))
    ]
    asked += [
        f"Is '{event.chosen}' still in place, and who undoes it when?"
        for event in _all(timeline, PlanChosen)
        if event.chosen != REVERT
    ]
    asked.append(
        "Which thresholds, signals, rights or steps of the playbook should change? Who does it, by when?"
    )
    return tuple(dict.fromkeys(asked))


def _vetoes(judged: Iterable[SignalsJudged]) -> Iterable[Vetoed]:
    return dict.fromkeys(one for event in judged for one in event.evaluation.vetoed)


def _blind(factor: Factor) -> str:
    return f"Why had '{factor.criterion}' no data, and since when?"
