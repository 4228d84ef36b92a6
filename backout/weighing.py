"""Weighing: what a criterion holds against what, how much evidence that takes, and how much there is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from math import ceil
from typing import NamedTuple

from backout import detector
from backout.criteria import (
    AlertTest,
    BaselineTest,
    Criterion,
    DriftTest,
    EventTest,
    GapTest,
    LimitTest,
    ReferenceTest,
)
from backout.guard import Guard
from backout.readings import cohort_key, cohorts
from backout.streams import control_key, stream_key
from backout.watch import Track, Watch

BLIND_AFTER_TICKS = 4
"""So many ticks without data make a criterion blind where it says nothing else."""
_NONE = Track()


class Cell(NamedTuple):
    """One rate that is held against a limit, or one arm that is held against another."""

    key: str
    """Of its evidence."""
    cohort: str
    track: Track
    limit: float = 0.0
    """One arm: the rate that is tolerated."""
    other: Track | None = None
    """Two arms: the other one."""


def needs(criterion: Criterion, tick: timedelta, *, cells: int = 1) -> tuple[float, float]:
    """Return the evidence that a breach takes, and the evidence that makes a suspicion.

    Of several cohorts each must show so many times as much (Bonferroni): the criterion has one budget. The
    i-th to appear never needed less than i times as much, so the budget is kept where all n are there from
    the start, and is exceeded by at most 1 + 1/2 + ... + 1/n where they appear one by one.
    """
    return cells * (criterion.evidence.false_alarm / tick), cells * (criterion.evidence.false_hold / tick)


def blind_after(criterion: Criterion, tick: timedelta) -> int:
    """Return after how many ticks without data a criterion is blind."""
    after = criterion.missing.after
    return max(1, ceil(after / tick)) if after else BLIND_AFTER_TICKS


def tolerated(criterion: Criterion) -> float:
    """Return the rate that a criterion of one arm tolerates, or the ratio that one of two arms does."""
    match criterion.test:
        case LimitTest(max=most, min=least):
            return most if most is not None else least or 0.0
        case ReferenceTest(usual=usual, max_ratio=most, min_ratio=least):
            return usual * (most or least or 0.0)
        case BaselineTest(max_ratio=most, min_ratio=least):
            return most or least or 0.0
        case GapTest(max_ratio=most):
            return most
        case DriftTest() | EventTest() | AlertTest():
            return 0.0


def is_least(criterion: Criterion) -> bool:
    """Say whether more is better: what is tolerated is the lowest rate."""
    match criterion.test:
        case LimitTest(min=least) | ReferenceTest(min_ratio=least) | BaselineTest(min_ratio=least):
            return least is not None
        case _:
            return False


def cells_of(criterion: Criterion, tracks: Mapping[str, Track]) -> list[Cell]:
    """Return what a criterion tests, each with what was counted; nothing for an alert."""
    key = stream_key(criterion)
    match criterion.test:
        case AlertTest():
            return []
        case GapTest():
            whole = tracks.get(key, _NONE)
            parts = ((name, tracks[cohort_key(key, name)]) for name in cohorts(key, tracks))
            return [
                Cell(cohort_key(criterion.id, name), name, part, other=_without(whole, part))
                for name, part in parts
            ]
        case DriftTest(reference=reference, max_rise=rise):
            shares = ((name, reference.get(name, 0.0) + rise) for name in cohorts(key, tracks))
            # A share cannot rise above everything, so there is nothing to test.
            return [
                Cell(cohort_key(criterion.id, name), name, tracks[cohort_key(key, name)], limit)
                for name, limit in shares
                if limit < 1
            ]
        case BaselineTest():
            control = tracks.get(control_key(criterion), _NONE)
            return [Cell(criterion.id, "", tracks.get(key, _NONE), other=control)]
        case LimitTest() | ReferenceTest() | EventTest():
            return [Cell(criterion.id, "", tracks.get(key, _NONE), tolerated(criterion))]


def _without(whole: Track, part: Track) -> Track:
    """Return what all the other cohorts counted together, seen for as long as this one."""
    return Track(totals=part.totals, bad=whole.bad - part.bad, judged=whole.judged - part.judged)


Weighed = tuple[int, int, int, int]


def weighed(
    watch: Watch, tracks: Mapping[str, Track], *, guard: Guard
) -> tuple[dict[str, tuple[float, ...]], dict[str, Weighed]]:
    """Return the evidence after a look, and of the criteria with two arms what they have weighed by now."""
    evidence: dict[str, tuple[float, ...]] = {}
    used: dict[str, Weighed] = {}
    for criterion in guard.criteria:
        if isinstance(criterion.test, EventTest):
            continue
        cells = cells_of(criterion, tracks)
        need, _ = needs(criterion, guard.tick, cells=len(cells))
        largest = detector.cap(need, criterion.evidence.sustain / guard.tick) if cells else 0.0
        for cell in cells:
            before = watch.evidence.get(cell.key, detector.NO_EVIDENCE)
            if cell.other is None:
                evidence[cell.key] = _one_arm(before, cell, criterion, largest)
            elif _is_seen(cell.track) and _is_seen(cell.other):
                arms = (cell.track.bad, cell.track.judged, cell.other.bad, cell.other.judged)
                evidence[cell.key], used[cell.key] = _two_arms(
                    before, arms, watch.weighed.get(cell.key), criterion, largest
                )
    return evidence, used


def _is_seen(track: Track) -> bool:
    return track.totals.of is not None


def _one_arm(
    before: tuple[float, ...], cell: Cell, criterion: Criterion, largest: float
) -> tuple[float, ...]:
    reading = cell.track.recent[-1]
    ratios = detector.log_ratios_below if is_least(criterion) else detector.log_ratios
    return detector.advance(
        before, bad=reading.bad, judged=reading.judged, ratios=ratios(cell.limit), largest=largest
    )


def _two_arms(
    before: tuple[float, ...], now: Weighed, used: Weighed | None, criterion: Criterion, largest: float
) -> tuple[tuple[float, ...], Weighed]:
    """Weigh what both arms counted since the last time; what one has counted alone waits for the other."""
    if used is None or any(count < was for count, was in zip(now, used, strict=True)):
        return before, now
    bad, judged, other_bad, other_judged = (count - was for count, was in zip(now, used, strict=True))
    if not judged or not other_judged:
        return before, used
    ratio = tolerated(criterion)
    if is_least(criterion):
        # Not less than a part of the control's rate: so the control has not more than a multiple of ours.
        bad, judged, other_bad, other_judged, ratio = other_bad, other_judged, bad, judged, 1 / ratio
    advanced = detector.advance_against(
        before,
        bad=bad,
        judged=judged,
        other_bad=other_bad,
        other_judged=other_judged,
        ratio=ratio,
        largest=largest,
    )
    return advanced, now
