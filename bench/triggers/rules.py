"""The detector and our own re-statements of the usual rules, each over many lanes at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import numpy as np

from backout import detector
from backout.criteria import Evidence as Shipped
from bench.triggers.traffic import DAY, LIMIT, MINUTE, Arm, Block, Counts, Flags


class Rule(Protocol):
    """Something that says in which ticks it would revert."""

    def fired(self, block: Block) -> Flags:
        """Return, for each tick and lane of the next block, whether the rule fires in it."""


@dataclass(frozen=True)
class Evidence:
    """The settings of a criterion, by default the shipped ones: false_alarm in days, sustain in minutes."""

    false_alarm_d: float = Shipped().false_alarm / timedelta(days=1)
    sustain_min: float = Shipped().sustain / timedelta(minutes=1)

    @property
    def need(self) -> float:
        """Return the evidence that a revert takes."""
        return self.false_alarm_d * DAY

    @property
    def cap(self) -> float:
        """Return the largest log likelihood ratio of a tick."""
        return detector.cap(self.need, self.sustain_min * MINUTE)


SHIPPED = Evidence()


class Detector:
    """`backout.detector.advance` over lanes; a lane that fires begins anew."""

    def __init__(self, lanes: int, evidence: Evidence = SHIPPED, *, limit: float = LIMIT) -> None:
        """Begin without evidence."""
        self._need, self._cap = evidence.need, evidence.cap
        self._on_bad, self._on_good = np.array(detector.log_ratios(limit)).T[:, :, None]
        self._statistics = np.zeros((len(detector.ALTERNATIVES), lanes))

    def fired(self, block: Block | Arm) -> Flags:
        """Return in which ticks the evidence reaches the need."""
        return self.evidence(block) >= self._need

    def evidence(self, block: Block | Arm) -> Counts:
        """Return the evidence after each tick."""
        good = (block.judged - block.bad)[:, None, :]
        weights = np.minimum(block.bad[:, None, :] * self._on_bad + good * self._on_good, self._cap)
        factors, has_data = np.exp(weights), (block.judged > 0).astype(float)
        found = np.empty(block.bad.shape)
        statistics, enough = self._statistics, self._need * len(self._statistics)
        for tick, factor in enumerate(factors):
            statistics += has_data[tick]
            statistics *= factor
            total = np.add.reduce(statistics, axis=0, out=found[tick])
            if total.max() >= enough:
                statistics[:, total >= enough] = 0.0
        found /= len(statistics)
        return found


class Windows:
    """At least `k` of the last `n` windows are over the limit."""

    def __init__(self, lanes: int, *, minutes: int, k: int, n: int) -> None:
        """Look once a window, at whole windows beside each other."""
        self._ticks, self._k, self._n = minutes * MINUTE, k, n
        self._over = np.zeros((n - 1, lanes), dtype=bool)

    def fired(self, block: Block) -> Flags:
        """Return in which ticks enough windows are over the limit; only the last tick of a window can."""
        over = np.concatenate([self._over, over_limit(block, self._ticks)])
        self._over = over[len(over) - (self._n - 1) :]
        counts = np.lib.stride_tricks.sliding_window_view(over, self._n, axis=0).sum(axis=-1)
        return at_ends(counts >= self._k, self._ticks)


class FailureCount:
    """More than `most` one-minute measurements since the release began were over the limit."""

    def __init__(self, lanes: int, *, most: int) -> None:
        """Begin the analysis."""
        self._most = most
        self._failures = np.zeros(lanes, dtype=np.int64)

    def fired(self, block: Block) -> Flags:
        """Return in which ticks there were too many failures; an analysis that fails begins anew."""
        failed = over_limit(block, MINUTE)
        found = np.zeros(failed.shape, dtype=bool)
        for minute, one in enumerate(failed):
            self._failures += one
            found[minute] = self._failures > self._most
            self._failures[found[minute]] = 0
        return at_ends(found, MINUTE)


class MannWhitney:
    """Every 5 minutes: are the last 30 one-minute rates higher than those of a baseline beside it?"""

    MINUTES, EVERY = 30, 5
    CRITICAL = 2.3263
    """The normal quantile of 99 %."""

    def __init__(self, lanes: int) -> None:
        """Begin without any minute."""
        self._rates = np.full((2, self.MINUTES, lanes), np.nan)

    def fired(self, block: Block) -> Flags:
        """Return in which ticks the test is significant, one-sided at 1 %."""
        minutes = len(block.bad) // MINUTE
        found = np.zeros((minutes, block.bad.shape[1]), dtype=bool)
        news = np.stack([rates(block.bad, block.judged), rates(block.usual_bad, block.usual_judged)])
        known = np.concatenate([self._rates, news], axis=1)
        for end in range(self.EVERY, minutes + 1, self.EVERY):
            found[end - 1] = rank_z(*known[:, end : end + self.MINUTES]) > self.CRITICAL
        self._rates = known[:, -self.MINUTES :]
        return at_ends(found, MINUTE)


def rank_z(ours: Counts, theirs: Counts) -> Counts:
    """Return each lane's Mann-Whitney statistic in standard deviations, ties corrected; NaN is no value."""
    higher = (ours[:, None] > theirs).sum(axis=(0, 1)) + (ours[:, None] == theirs).sum(axis=(0, 1)) / 2
    both = np.concatenate([ours, theirs])
    equal = (both[:, None] == both).sum(axis=0).astype(float)
    ties = np.where(equal > 0, equal**2 - 1, 0.0).sum(axis=0)
    one, other = (~np.isnan(ours)).sum(axis=0), (~np.isnan(theirs)).sum(axis=0)
    size = one + other
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = one * other / 12 * (size + 1 - ties / (size * (size - 1)))
        z = (higher - one * other / 2) / np.sqrt(variance)
    return np.asarray(np.where(np.isfinite(z), z, 0.0))


def rates(bad: Counts, judged: Counts) -> Counts:
    """Return the rate of each minute; without data it is NaN."""
    bad, judged = in_windows(bad, MINUTE), in_windows(judged, MINUTE)
    found: Counts = np.divide(bad, judged, out=np.full(bad.shape, np.nan), where=judged > 0)
    return found


def in_windows(counts: Counts, ticks: int) -> Counts:
    """Return the sums over windows of so many ticks."""
    found: Counts = counts.reshape(-1, ticks, counts.shape[1]).sum(axis=1)
    return found


def over_limit(block: Block, ticks: int) -> Flags:
    """Return which windows have a rate over the limit."""
    return in_windows(block.bad, ticks) > LIMIT * in_windows(block.judged, ticks)


def at_ends(flags: Flags, ticks: int) -> Flags:
    """Return what windows say as ticks: a window speaks in its last tick."""
    found = np.zeros((len(flags), ticks, flags.shape[1]), dtype=bool)
    found[:, -1] = flags
    return found.reshape(-1, flags.shape[1])
