"""What is at stake in an incident: how sure it is, who is hit, what comes next, what was not told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

from backout.event import BaseEvent
from backout.model import Frozen
from backout.steps import RolloutStep, StagedStep, Step
from backout.timeline import MessageFailed, MessageSent, PeoplePaged, SignalsJudged, StepStarted
from backout.timeline_exposure import ExposureSet, RequestsCounted, RevertStopped, StagePutBack

MOST_REASONS = 5
"""Reasons that are told; more are counted."""
MOST_UNSENT = 3
"""Messages that did not get through which are told, the newest of them."""


class Stakes(Frozen):
    """What is at stake, small enough to travel with every message."""

    said: str = ""
    """What the signals said last, in a few words; empty before they were judged."""
    reasons: tuple[str, ...] = ()
    """Why they say so, each with its numbers."""
    at_risk: str = ""
    """What the playbook says users are in for."""
    requests: int | None = None
    """Requests that the candidate served since the incident began; None where nobody could count."""
    baseline: str = ""
    """The last known good release; empty where none is known."""
    soaks_until: datetime | None = None
    """How long the stage that was set last is watched; None where no stage is."""
    next_stage: int | None = None
    """Percent of traffic that the next stage leaves on the candidate; None after the last one."""
    unsent: tuple[str, ...] = ()
    """Messages that did not get through, unless a later one to the same people did."""


def stakes(timeline: Sequence[BaseEvent], step: Step | None, *, at_risk: str, baseline: str) -> Stakes:
    """Return what the timeline says; `step` is the current one, None once the incident is over."""
    judged = _last(timeline, SignalsJudged)
    until, following = _soak(timeline, step)
    return Stakes(
        said=judged.said if judged else "",
        reasons=_reasons(judged) if judged else (),
        at_risk=at_risk,
        requests=requests_served(timeline),
        baseline=baseline,
        soaks_until=until,
        next_stage=following,
        unsent=_unsent(timeline),
    )


def requests_served(timeline: Sequence[BaseEvent]) -> int | None:
    """Return the growth over the counts; a counter that fell was restarted and counts from zero."""
    served = [
        count.served for count in timeline if isinstance(count, RequestsCounted) and count.served is not None
    ]
    if len(served) < 2:  # noqa: PLR2004  # a difference takes two
        return None
    return round(sum(after - before if after >= before else after for before, after in pairwise(served)))


def _reasons(judged: SignalsJudged) -> tuple[str, ...]:
    told = (*judged.evaluation.reasons, *judged.evaluation.asides)
    more = len(told) - MOST_REASONS
    return (*told[:MOST_REASONS], f"and {more} more") if more > 0 else told


def _soak(timeline: Sequence[BaseEvent], step: Step | None) -> tuple[datetime | None, int | None]:
    """Return until when the last stage soaks, and the stage that follows."""
    if not isinstance(step, StagedStep):
        return None, None
    for event in reversed(timeline):
        match event:
            case ExposureSet(step=step.name):
                return event.at + step.soak, _after(event, step)
            case RevertStopped() | StagePutBack() | StepStarted():
                break
            case _:
                continue
    return None, None


def _after(event: ExposureSet, step: StagedStep) -> int | None:
    """Return the stage that follows one, downwards or in a rollout upwards; None after the last.

    What an alternative sets, and a way back up, have other stages than the step's.
    """
    if isinstance(step, RolloutStep):
        return min((one for one in step.stages if one > event.stage), default=None)
    if event.target not in {part.target for part in step.parts} or event.after > event.before:
        return None
    return max((one for one in step.stages if one < event.stage), default=None)


def _unsent(timeline: Sequence[BaseEvent]) -> tuple[str, ...]:
    unsent: dict[str, str] = {}
    for event in timeline:
        match event:
            case MessageFailed():
                unsent.pop(event.audience, None)
                unsent[event.audience] = event.line
            case MessageSent():
                unsent.pop(event.audience, None)
            case PeoplePaged():
                unsent.pop(", ".join(event.roles), None)
            case _:
                continue
    return tuple(unsent.values())[-MOST_UNSENT:]


def _last(timeline: Sequence[BaseEvent], kind: type[SignalsJudged]) -> SignalsJudged | None:
    return next((event for event in reversed(timeline) if isinstance(event, kind)), None)
