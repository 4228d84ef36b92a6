"""Time in a playbook: no window is too short for what must happen in it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from backout.criteria import AlertTest, Criterion, EventTest
from backout.model import format_duration as written
from backout.playbook import Playbook
from backout.problems import Path, Problem
from backout.steps import (
    DetectStep,
    EscalateStep,
    PostmortemStep,
    RevertStep,
    RolloutStep,
    StagedStep,
    Step,
    VerifyStep,
)

MOST_TICKS = 60
"""The weight of a tick is capped so that sustain takes this many ticks; beyond, single outputs drown."""


def window_problems(playbook: Playbook) -> Iterator[Problem]:
    """Yield every length of time that cannot work."""
    yield from _evidence(playbook)
    for i, step in enumerate(playbook.steps):
        yield from _step(("steps", i), step, playbook)


def _evidence(playbook: Playbook) -> Iterator[Problem]:
    for i, criterion in enumerate(playbook.criteria):
        if needs_evidence(criterion):
            yield from _sustain(("criteria", i, "evidence"), criterion, playbook.tick)
        if criterion.missing.after and criterion.missing.after < 2 * playbook.tick:
            msg = (
                f"one slow answer would make it blind: {written(criterion.missing.after)} is less than "
                f"two ticks ({written(2 * playbook.tick)}); lengthen it"
            )
            yield Problem(path=("criteria", i, "missing", "after"), message=msg)


def needs_evidence(criterion: Criterion) -> bool:
    """Say whether the criterion gathers evidence; an alert and an event are certain at once."""
    return not isinstance(criterion.test, AlertTest | EventTest)


def _sustain(path: Path, criterion: Criterion, tick: timedelta) -> Iterator[Problem]:
    evidence = criterion.evidence
    if tick > evidence.sustain / 2:
        msg = (
            f"a sustain of {written(evidence.sustain)} needs two ticks at least, and a tick is "
            f"{written(tick)}; lengthen sustain or shorten the tick"
        )
        yield Problem(path=(*path, "sustain"), message=msg)
    if evidence.sustain > MOST_TICKS * tick:
        msg = (
            f"a sustain of {written(evidence.sustain)} has {evidence.sustain // tick} ticks, so "
            "each weighs little: a moderate rise may never fire where a tick brings few outputs; "
            "lengthen the tick"
        )
        yield Problem(path=(*path, "sustain"), message=msg, severity="warning")
    if evidence.false_hold <= evidence.sustain:
        msg = (
            f"false_hold must be longer than sustain ({written(evidence.sustain)}), "
            "or healthy traffic would look suspect; lengthen it"
        )
        yield Problem(path=(*path, "false_hold"), message=msg)


def _step(path: Path, step: Step, playbook: Playbook) -> Iterator[Problem]:
    match step:
        case DetectStep():
            yield from _detect(path, step, playbook)
        case EscalateStep():
            yield from _escalate(path, step, playbook)
        case RevertStep() | RolloutStep():
            yield from _staged(path, step, playbook.tick)
        case VerifyStep():
            yield from _verify(path, step, playbook.tick)
        case PostmortemStep() if step.due < step.within:
            msg = f"it is due in {written(step.due)}, before its window of {written(step.within)} ends"
            yield Problem(path=(*path, "due"), message=msg)
        case _:
            pass


def _detect(path: Path, step: DetectStep, playbook: Playbook) -> Iterator[Problem]:
    sustains = [one.evidence.sustain for one in playbook.criteria if needs_evidence(one)]
    # What the sources remember counts too: with a look back, evidence is there at once.
    if sustains and step.within + (step.look_back or timedelta()) < min(sustains):
        msg = (
            f"within {written(step.within)} no criterion can fire: the shortest sustain is "
            f"{written(min(sustains))}; lengthen within"
        )
        yield Problem(path=(*path, "within"), message=msg)


def _escalate(path: Path, step: EscalateStep, playbook: Playbook) -> Iterator[Problem]:
    policy = playbook.escalation.get(step.policy)
    paged_after = policy.lasting - policy.levels[-1].wait if policy else timedelta()
    if policy and paged_after >= step.within:
        rounds = f" in round {policy.loops}" if policy.loops > 1 else ""
        msg = (
            f"the last level of '{step.policy}' is paged after {written(paged_after)}{rounds}, but the "
            f"step ends after {written(step.within)}; lengthen within or shorten the waits"
        )
        yield Problem(path=(*path, "within"), message=msg)


def _staged(path: Path, step: StagedStep, tick: timedelta) -> Iterator[Problem]:
    if step.soak < tick:
        msg = f"a soak of {written(step.soak)} sees nothing: a tick is {written(tick)}; lengthen the soak"
        yield Problem(path=(*path, "soak"), message=msg)
    soaked = len(step.stages) * step.soak
    if step.within < soaked:
        msg = (
            f"{len(step.stages)} stages of {written(step.soak)} take {written(soaked)}, longer than "
            f"within ({written(step.within)}); lengthen within, and add what an approval takes"
        )
        yield Problem(path=(*path, "within"), message=msg)


def _verify(path: Path, step: VerifyStep, tick: timedelta) -> Iterator[Problem]:
    if step.window > step.within:
        msg = (
            f"a window of {written(step.window)} does not fit within {written(step.within)}; lengthen within"
        )
        yield Problem(path=(*path, "window"), message=msg)
    if step.window < tick:
        msg = f"a window of {written(step.window)} is shorter than a tick ({written(tick)}); lengthen it"
        yield Problem(path=(*path, "window"), message=msg)
