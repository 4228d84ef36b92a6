"""Notices: what their facts are, and how far an incident is for those who are told of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from backout import postmortem
from backout.case import Case, OpenIncident
from backout.communications import Communication, Occurrence, Owed
from backout.event import BaseEvent
from backout.notice_facts import Evidence, Line, Moments, NoticeFacts, Stage
from backout.people import AUTHORISES, Action
from backout.timeline import (
    ActionTaken,
    AlertReceived,
    Event,
    Held,
    IncidentOpened,
    IncidentReopened,
    InvestigationOpened,
    MessageSent,
    SignalsJudged,
    StepTimedOut,
)
from backout.timeline_decisions import GlassBroken, RevertAnnounced
from backout.timeline_exposure import CheckRun, ExposureSet, RevertStopped, StagePutBack
from backout.timeline_notices import NoticeOverdue
from backout.upcoming import KIND
from backout.view import Ask, IncidentOutcome, IncidentView

FIRST_LINES, LAST_LINES = 6, 14
"""Events that a notice can tell; those between are counted."""
MOST_DECISIONS = 12
LONGEST_LINE = 240
_FOR_THE_RECORD = (
    IncidentOpened,
    IncidentReopened,
    AlertReceived,
    SignalsJudged,
    InvestigationOpened,
    RevertAnnounced,
    ExposureSet,
    StagePutBack,
    RevertStopped,
    CheckRun,
    Held,
    StepTimedOut,
    GlassBroken,
    MessageSent,
    NoticeOverdue,
)
"""What happened, beside what people decided; pages and the course of the steps tell an audience nothing."""
_NO_DECISION = {Action.NOTE, Action.TICK, Action.ACKNOWLEDGE}


def occurred(occurrence: Occurrence, case: Case) -> bool:
    """Say whether that has happened in the incident, since it was last opened."""
    match occurrence:
        case "opened":
            return True
        case "acknowledged":
            return bool(case.acknowledged_by)
        case "reverting":
            return any(isinstance(event, ExposureSet) for event in _since_opened(case.timeline))
        case "reverted":
            return case.reverted
        case "verified":
            return case.verified


def is_over(communication: Communication, case: Case) -> bool:
    """Say whether what ends the communication has happened. That the incident is over ends every one."""
    match communication.until:
        case "reverted":
            return case.reverted or case.verified or case.ending is not None
        case "verified":
            return case.verified or case.ending is not None
        case "closed":
            return case.ending is not None


def stage_of(case: Case) -> Stage:
    """Return how far the incident is for those who are told of it."""
    if case.ending is IncidentOutcome.FALSE_ALARM:
        return Stage.FALSE_ALARM
    is_done = case.reverted or case.came_back
    if case.verified and is_done and case.ending in {None, IncidentOutcome.RECOVERED}:
        return Stage.RESOLVED
    if case.ending is not None:
        return Stage.CLOSED
    adjusted = case.chosen and occurred("reverting", case)
    if adjusted or case.came_back or case.stayed or (case.recovered and not case.held):
        return Stage.ADJUSTED
    if case.reverted:
        return Stage.MONITORING
    return Stage.REVERTING if occurred("reverting", case) else Stage.INVESTIGATING


def facts(
    case: Case,
    opening: OpenIncident,
    *,
    now: datetime,
    communication: Communication | None = None,
    owed: Owed | None = None,
) -> NoticeFacts:
    """Return the facts of this moment; for a communication, those of the notice that is owed."""
    view = case.view(opening)
    found = postmortem.facts(view)
    decided = [event for event in found.acts if event.action not in _NO_DECISION]
    told = [event for event in view.timeline if isinstance(event, _FOR_THE_RECORD) or _is_decision(event)]
    shown = [*told[:FIRST_LINES], *told[FIRST_LINES:][-LAST_LINES:]]
    return NoticeFacts(
        incident=view.summary.model_copy(update={"outcome": case.ending or case.outcome}),
        stage=stage_of(case),
        at=now,
        next_due=_next_due(communication, owed),
        first=owed is None or owed.sent == 0,
        scenario=opening.playbook.scenario,
        at_risk=opening.playbook.at_risk,
        playbook=f"{opening.playbook.playbook} version {opening.playbook.version}",
        owner=case.acknowledged_by,
        step=view.step,
        held=case.held,
        fired=view.fired,
        waits=tuple(_waiting(ask) for kind, ask in case.asks.items() if not kind.startswith(KIND)),
        baseline=view.baseline,
        artifacts=opening.artifacts,
        moments=_moments(view, found.times),
        exposure_before=found.exposure_before,
        requests=found.requests,
        decisions=tuple(_line(event) for event in decided[-MOST_DECISIONS:]),
        events=tuple(_line(event) for event in shown),
        left_out=len(told) - len(shown),
        evidence=_evidence(opening, decided),
    )


def _next_due(communication: Communication | None, owed: Owed | None) -> datetime | None:
    if communication is None or owed is None:
        return None
    after = communication.following(owed, owed.due, sent=True)
    return None if after.done else after.due


def _since_opened(timeline: Sequence[Event]) -> Iterator[Event]:
    """Yield what happened since the incident was opened, or went on from its first step, backwards."""
    for event in reversed(timeline):
        if isinstance(event, IncidentReopened):
            return
        yield event


def _is_decision(event: Event) -> bool:
    return isinstance(event, ActionTaken) and event.action not in _NO_DECISION


def _waiting(ask: Ask) -> str:
    until = f" by {ask.until:%H:%M} UTC" if ask.until else ""
    return f"{ask.headline} ({' or '.join(ask.roles) or 'a person'}{until})"


def _line(event: BaseEvent) -> Line:
    line = event.line
    return Line(at=event.at, text=line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE - 1]}…")


def _moments(view: IncidentView, times: postmortem.Times) -> Moments:
    def moment(since: timedelta | None) -> datetime | None:
        return None if since is None else times.started_at + since

    return Moments(
        began=times.started_at,
        opened=view.summary.opened_at,
        acknowledged=moment(times.to_acknowledge),
        reverting=moment(times.to_first_revert),
        reverted=moment(times.to_full_revert),
        recovered=moment(times.to_recovery),
    )


def _evidence(opening: OpenIncident, decided: Iterable[ActionTaken]) -> tuple[Evidence, ...]:
    """Return what was decided on, and by which plan, each with its digest."""
    parts = [Evidence(what=f"{one.kind} {one.name}", digest=one.digest) for one in opening.artifacts]
    plans = {event.subject: f"approved as of {event.at:%H:%M:%S} UTC" for event in decided if _allows(event)}
    voted = [Evidence(what=what, digest=digest) for digest, what in plans.items()]
    return (Evidence(what="playbook", digest=opening.digest), *parts, *voted[-MOST_DECISIONS:])


def _allows(event: ActionTaken) -> bool:
    return event.action in AUTHORISES and bool(event.subject)
