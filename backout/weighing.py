"""Weighing: what a criterion holds against what, and how much evidence that takes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from math import ceil
from typing import NamedTuple

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
from backout.readings import cohort_key, cohorts
from backout.streams import control_key, stream_key
from backout.watch import Track

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
    since: datetime | None = None
    """Since when they count; None since the watch began."""


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
