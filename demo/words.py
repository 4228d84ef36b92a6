"""The incident's record in the demo's words: which events are news, and how long everything took."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from backout.model import format_duration
from backout.people import Action
from backout.signals import Factor, Outcome, Verdict
from backout.timeline import (
    ActionTaken,
    AlertReceived,
    ApprovalAsked,
    BaseEvent,
    CheckRun,
    Event,
    ExposureSet,
    Held,
    IncidentEnded,
    IncidentOpened,
    LadderEnded,
    MessageFailed,
    MessageSent,
    PeoplePaged,
    PostmortemWritten,
    RequestsCounted,
    RevertStopped,
    SignalsJudged,
    StepFailed,
    StepFinished,
    StepStarted,
    StepTimedOut,
)

CHAPTERS = {
    "detect": "An alert opens an incident, and Backout looks for itself",
    "escalate": "People are called",
    "revert": "Traffic comes off the release, stage by stage",
    "check": "Is the world consistent?",
    "verify": "Did the users recover?",
    "notify": "The customers are told",
    "postmortem": "What happened is written down",
}
"""The chapter that a kind of step opens."""


_MARKS: dict[type[BaseEvent], str] = {
    IncidentOpened: "●",
    AlertReceived: "●",
    PeoplePaged: "☎",
    ApprovalAsked: "☎",
    ActionTaken: "☑",
    ExposureSet: "▼",
    MessageSent: "✓",
    PostmortemWritten: "✓",
    IncidentEnded: "✓",
    StepTimedOut: "✗",
    StepFailed: "✗",
    LadderEnded: "✗",
    Held: "✗",
    RevertStopped: "✗",
    MessageFailed: "✗",
}
"""What a kind of event is marked with."""


def told(event: Event) -> tuple[str, str]:
    """Return how an event is told: a mark and a sentence; both are empty where it is no news."""
    match event:
        case StepStarted() | StepFinished() | RequestsCounted():
            return "", ""
        case SignalsJudged(sense="recovery"):
            return _recovery(event.evaluation.factors)
        case SignalsJudged():
            return "▲", event.line
        case CheckRun():
            return ("✓" if event.passed else "✗"), event.line
        case _:
            return _MARKS[type(event)], event.line


def _recovery(factors: tuple[Factor, ...]) -> tuple[str, str]:
    """Tell a judgment in the recovery sense by its rates alone; the record keeps the rest."""
    open_ones = [factor for factor in factors if factor.verdict is not Verdict.HEALTHY]
    rates = ", ".join(_rate(factor) for factor in open_ones or factors)
    return ("●", f"Not recovered yet: {rates}") if open_ones else ("✓", f"Recovered: {rates}")


def _rate(factor: Factor) -> str:
    if factor.rate is None or factor.limit is None:
        return f"{factor.criterion} has no data"
    return f"{factor.criterion} {factor.rate:.1%} (limit {factor.limit:.1%})"


def times(timeline: Iterable[Event], *, went_bad: datetime) -> dict[str, timedelta | None]:
    """Return how long each milestone took from the moment the release went bad; None: it was not reached."""
    taken: dict[str, timedelta | None] = dict.fromkeys(
        ("detected", "acknowledged", "first traffic off", "all traffic off", "recovery shown")
    )
    for event in timeline:
        for milestone in _milestones(event):
            taken[milestone] = taken[milestone] or event.at - went_bad
    return taken


def _milestones(event: Event) -> tuple[str, ...]:
    match event:
        case SignalsJudged(sense="breach") if event.evaluation.outcome is Outcome.FIRED:
            return ("detected",)
        case ActionTaken(action=Action.ACKNOWLEDGE):
            return ("acknowledged",)
        case ExposureSet(after=0):
            return ("first traffic off", "all traffic off")
        case ExposureSet(changed=True):
            return ("first traffic off",)
        case StepFinished(step="verify"):
            return ("recovery shown",)
        case _:
            return ()


def in_words(taken: timedelta | None) -> str:
    """Write a length of time to the tenth of a second."""
    if taken is None:
        return "never"
    return format_duration(timedelta(seconds=round(taken.total_seconds(), 1)))
