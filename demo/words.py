"""The incident's record in the demo's words: which events are news, and how long everything took."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from backout.evaluation import Factor, Outcome, Verdict
from backout.event import BaseEvent
from backout.people import Action
from backout.serving_verdicts import Verdict as Served
from backout.timeline import (
    ActionTaken,
    Event,
    Held,
    IncidentEnded,
    MessageFailed,
    MessageSent,
    PeoplePaged,
    PostmortemWritten,
    SignalsJudged,
    StepFailed,
    StepFinished,
    StepStarted,
    StepTimedOut,
)
from backout.timeline_decisions import ApprovalAsked
from backout.timeline_exposure import CheckRun, ExposureSet, RequestsCounted, RevertStopped, StagePutBack
from backout.timeline_paging import AcknowledgementLapsed, LadderEnded, LevelPassedOver
from backout.timeline_served import ServedChecked
from demo import releases
from demo.traffic import Seen

CHAPTERS = {
    "detect": "An alert opens an incident, and Backout looks for itself",
    "escalate": "People are called",
    "revert": "Traffic comes off the release, stage by stage",
    "served": "Which release really answers?",
    "check": "Is the world consistent?",
    "verify": "Did the users recover?",
    "notify": "The customers are told",
    "postmortem": "What happened is written down",
}
"""The chapter that a kind of step opens."""


_MARKS: dict[type[BaseEvent], str] = {
    SignalsJudged: "▲",
    ApprovalAsked: "☎",
    ActionTaken: "☑",
    ExposureSet: "▼",
    PostmortemWritten: "✓",
    IncidentEnded: "✓",
    StepTimedOut: "✗",
    StepFailed: "✗",
    LadderEnded: "✗",
    LevelPassedOver: "☎",
    AcknowledgementLapsed: "☎",
    Held: "✗",
    RevertStopped: "✗",
    MessageFailed: "✗",
}
"""What a kind of event is marked with; the others are news."""


def told(event: Event) -> tuple[str, str]:
    """Return how an event is told: a mark and a sentence; both are empty where it is no news."""
    match event:
        case StepStarted() | StepFinished() | RequestsCounted():
            return "", ""
        case SignalsJudged(sense="recovery"):
            return _recovery(event.evaluation.factors)
        case PeoplePaged():
            why, _, _ = event.why.partition(":")
            return "☎", f"Paged {', '.join(event.people)} ({', '.join(event.roles)}): {why}"
        case CheckRun():
            return ("✓" if event.passed else "✗"), event.line
        case ServedChecked():
            return ("✓" if event.verdict is Served.CLEAN else "✗"), event.line
        case MessageSent():
            return "✓", f"{event.line}: {_first_line(event.text)}"
        case _:
            return _MARKS.get(type(event), "●"), _first_line(event.line)


def _first_line(text: str) -> str:
    first, *more = text.strip().splitlines() or [""]
    return f"{first} …" if more else first


_SURE = {
    Verdict.HEALTHY: "below",
    Verdict.SUSPECT: "not sure yet",
    Verdict.BREACHED: "still above",
    Verdict.BLIND: "no data",
}
"""What a verdict in the recovery sense says of a rate and its limit."""


def _recovery(factors: tuple[Factor, ...]) -> tuple[str, str]:
    """Tell a judgment in the recovery sense by its rates alone; the record keeps the rest."""
    shown = all(factor.verdict is Verdict.HEALTHY for factor in factors)
    rates = ", ".join(map(_rate, factors)) or "nothing measures it"
    return ("✓", f"Recovery is shown: {rates}") if shown else ("●", f"Recovery is not shown yet: {rates}")


def _rate(factor: Factor) -> str:
    if factor.rate is None or factor.limit is None:
        return f"{factor.criterion} has no data"
    return f"{factor.criterion} {factor.rate:.1%}, {_SURE[factor.verdict]} ({factor.limit:.0%})"


def times(timeline: Iterable[Event], *, went_bad: datetime) -> dict[str, timedelta | None]:
    """Return how long each milestone took from the moment the release went bad; None: it was not reached."""
    taken: dict[str, timedelta | None] = dict.fromkeys(
        ("detected", "acknowledged", "first traffic off", "all traffic off", "recovery verified")
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
            return ("recovery verified",)
        case _:
            return ()


def blast_radius(timeline: Iterable[Event]) -> float | None:
    """Return how many requests the candidate served during the incident; None where nobody could count."""
    counts = [
        event.served for event in timeline if isinstance(event, RequestsCounted) and event.served is not None
    ]
    return counts[-1] - counts[0] if len(counts) > 1 else None


def standing(timeline: Iterable[Event]) -> dict[str, int]:
    """Return the exposure of each target that was set, as it was read back last."""
    changes = (event for event in timeline if isinstance(event, ExposureSet | StagePutBack))
    return {event.target: event.after for event in changes}


def standing_in_words(exposure: Mapping[str, int]) -> str:
    """Write where the targets stand; empty while none was set."""
    return ", ".join(f"{target} {percent} %" for target, percent in exposure.items())


def seen_in_words(seen: Seen) -> str:
    """Write what the users saw; no answers are no answers, not 0 %."""
    if seen.candidate_percent is None or seen.error_percent is None:
        return "no answers at all"
    return (
        f"{seen.candidate_percent:.0f} % of answers from {releases.CANDIDATE}, "
        f"error rate {seen.error_percent:.1f} %"
    )


def in_words(taken: timedelta | None) -> str:
    """Write a length of time to the tenth of a second."""
    return "never" if taken is None else f"{taken.total_seconds():.1f} s"
