"""The other forms of criteria over many lanes at once: two arms, gap, drift, and criteria combined."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import NamedTuple, Protocol

import numpy as np

from backout import detector
from backout.criteria import Evidence as Shipped
from bench.triggers.rules import SHIPPED, Detector, Evidence
from bench.triggers.traffic import DAY, LIMIT, MINUTE, Arm, Counts, Flags

RATIO = 1.5
"""How many times the other arm's rate is tolerated."""
HOLD = Shipped().false_hold / timedelta(days=1) * DAY
"""The evidence that a suspicion takes."""
WITHIN = 15 * MINUTE


class ArmsRule(Protocol):
    """Something that says of several arms in which ticks it would fire."""

    def fired(self, arms: Sequence[Arm]) -> Flags:
        """Return, for each tick and lane of the next ticks, whether it fires in it."""


class OverLimit:
    """One arm, or all arms together, against a fixed limit: no other arm is looked at."""

    def __init__(self, lanes: int, *, limit: float = LIMIT, first: int | None = None) -> None:
        """Add up the first arms, or all of them."""
        self._detector, self._first = Detector(lanes, limit=limit), first

    def fired(self, arms: Sequence[Arm]) -> Flags:
        """Return in which ticks the evidence reaches the need."""
        counted = arms[: self._first]
        return self._detector.fired(
            Arm(sum_of(arm.bad for arm in counted), sum_of(a.judged for a in counted))
        )


class Against:
    """`backout.detector.advance_against` over cells and lanes; a lane that fires begins anew.

    As in `backout.weighing`, what one arm has counted alone waits for the other.
    """

    def __init__(self, lanes: int, *, cells: int) -> None:
        """Begin without evidence."""
        some = Evidence(false_alarm_d=cells * SHIPPED.false_alarm_d)
        self._need, self._cap = some.need, some.cap
        self._times = np.array(detector.ALTERNATIVES)[:, None, None]
        self._statistics = np.zeros((len(detector.ALTERNATIVES), cells, lanes))
        self._waiting = np.zeros((4, cells, lanes))

    def fired(self, counted: Counts) -> Flags:
        """Return in which ticks some cell shows enough.

        `counted` is by tick, part, cell and lane; the parts are bad and judged of the one arm, then of the
        other.
        """
        found = np.zeros((len(counted), counted.shape[-1]), dtype=bool)
        for tick, news in enumerate(counted):
            found[tick] = (self.evidence(news) >= self._need).any(axis=0)
            if found[tick].any():
                self._statistics[:, :, found[tick]] = 0.0
        return found

    def evidence(self, news: Counts) -> Counts:
        """Return the evidence of each cell and lane after one tick."""
        self._waiting += news
        bad, judged, other_bad, other_judged = self._waiting
        is_ready = (judged > 0) & (other_judged > 0)
        weighed = RATIO * judged
        with np.errstate(divide="ignore", invalid="ignore"):
            quotient = np.log((weighed + other_judged) / (self._times * weighed + other_judged))
            weight = bad * np.log(self._times) + (bad + other_bad) * quotient
        grown = (self._statistics + 1) * np.exp(np.minimum(weight, self._cap))
        self._statistics = np.where(is_ready, grown, self._statistics)
        self._waiting *= ~is_ready
        return np.asarray(self._statistics.mean(axis=0))


class Baseline:
    """`compare: baseline`: the first arm against the second."""

    def __init__(self, lanes: int) -> None:
        """Begin without evidence."""
        self._against = Against(lanes, cells=1)

    def fired(self, arms: Sequence[Arm]) -> Flags:
        """Return in which ticks the first arm is worse than it may be."""
        release, baseline = arms
        return self._against.fired(np.stack([*release, *baseline], axis=1)[:, :, None])


class Gap:
    """`compare: gap`: each arm is a cohort, held against all the others."""

    def __init__(self, lanes: int, *, cohorts: int) -> None:
        """Begin without evidence."""
        self._against = Against(lanes, cells=cohorts)

    def fired(self, arms: Sequence[Arm]) -> Flags:
        """Return in which ticks some cohort fares worse than it may."""
        bad = np.stack([arm.bad for arm in arms], axis=1)
        judged = np.stack([arm.judged for arm in arms], axis=1)
        others = (bad.sum(axis=1, keepdims=True) - bad, judged.sum(axis=1, keepdims=True) - judged)
        return self._against.fired(np.stack([bad, judged, *others], axis=1))


class Drift:
    """`compare: drift`: each arm is a category, its `bad` the count in it and its `judged` that of all."""

    def __init__(self, lanes: int, *, limits: Sequence[float]) -> None:
        """Hold each category's share against its limit; the budget is shared."""
        each = Evidence(false_alarm_d=len(limits) * SHIPPED.false_alarm_d)
        self._detectors = [Detector(lanes, each, limit=limit) for limit in limits]

    def fired(self, arms: Sequence[Arm]) -> Flags:
        """Return in which ticks some category's share has risen too far."""
        pairs = zip(self._detectors, arms, strict=True)
        return np.asarray(np.any([one.fired(arm) for one, arm in pairs], axis=0))


class Part(NamedTuple):
    """A condition on signals: so many of them had so much evidence within so many ticks."""

    at_least: int
    need: float
    within: int = 0


ANY_BREACHED = Part(1, SHIPPED.need)
TWO_SUSPECT = Part(2, HOLD, WITHIN)


class Combined:
    """A rule over signals, one in each arm, that is true when any of its parts is."""

    def __init__(self, lanes: int, *, parts: Sequence[Part], signals: int = 3) -> None:
        """Begin without evidence; a lane that fires begins anew."""
        self._parts = parts
        self._ratios = np.array(detector.log_ratios(LIMIT)).T[:, :, None, None]
        self._statistics = np.zeros((len(detector.ALTERNATIVES), signals, lanes))
        self._since = np.full((len(parts), signals, lanes), np.inf)
        """Ticks since each signal had what each part needs."""

    def fired(self, arms: Sequence[Arm]) -> Flags:
        """Return in which ticks the rule fires."""
        bad = np.stack([arm.bad for arm in arms], axis=1)
        judged = np.stack([arm.judged for arm in arms], axis=1)
        return np.array([self._look(*both) for both in zip(bad, judged, strict=True)])

    def _look(self, bad: Counts, judged: Counts) -> Flags:
        on_bad, on_good = self._ratios
        weight = np.minimum(bad * on_bad + (judged - bad) * on_good, SHIPPED.cap)
        grown = (self._statistics + (judged > 0)) * np.exp(weight)
        self._statistics = np.minimum(grown, detector.MOST)
        evidence = self._statistics.mean(axis=0)
        self._since += 1
        fired = np.zeros(bad.shape[-1], dtype=bool)
        for since, part in zip(self._since, self._parts, strict=True):
            since[evidence >= part.need] = 0
            fired |= (since <= part.within).sum(axis=0) >= part.at_least
        if fired.any():
            self._statistics[:, :, fired], self._since[:, :, fired] = 0.0, np.inf
        return fired


def sum_of(counts: Iterable[Counts]) -> Counts:
    """Return the sum, lane by lane."""
    return np.asarray(np.sum(list(counts), axis=0))
