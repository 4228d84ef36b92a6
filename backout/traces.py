"""Traces: what a backtest saw of each criterion, thinned as it goes on, so that months fit into a plot.

A thinned point stands for some ticks. It keeps their lowest and their highest value: thinning hides no peak.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from backout.counting import Reading
from backout.criteria import AlertTest, Criterion, EventTest
from backout.evaluation import Evaluation, Factor, Verdict
from backout.guard import Guard
from backout.readings import cohort_key
from backout.streams import stream_key
from backout.watch import Track, Watch

MOST_POINTS = 800
"""A trace has this many points at most, and at least half of it where there were more ticks."""


@dataclass
class Point:
    """What some ticks in a row have in common."""

    first: int
    last: int
    low: float
    high: float
    total: float
    weight: float

    @property
    def mean(self) -> float:
        """The weighted mean."""
        return self.total / self.weight if self.weight else (self.low + self.high) / 2

    def take(self, other: Point) -> None:
        """Stand for another point's ticks too."""
        self.last = other.last
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        self.total += other.total
        self.weight += other.weight


class Trace:
    """Values by tick; ticks without a value leave a gap."""

    def __init__(self) -> None:
        """Begin without any."""
        self.points: list[Point] = []
        self.width = 1
        """Ticks that a point stands for."""

    def add(self, tick: int, value: float, *, weight: float = 1.0) -> None:
        """Add a tick's value; ticks come in their order."""
        new = Point(tick, tick, value, value, value * weight, weight)
        if self.points and self.points[-1].first // self.width == tick // self.width:
            self.points[-1].take(new)
        else:
            self.points.append(new)
        if len(self.points) > MOST_POINTS:
            self._halve()

    def _halve(self) -> None:
        self.width *= 2
        points, self.points = self.points, []
        for point in points:
            if self.points and self.points[-1].first // self.width == point.first // self.width:
                self.points[-1].take(point)
            else:
                self.points.append(point)


@dataclass
class CriterionTrace:
    """What a backtest saw of one criterion."""

    criterion: Criterion
    rate: Trace = field(default_factory=Trace)
    """The rate in each tick, of the cohort that the evidence is of; events: how many."""
    limit: Trace = field(default_factory=Trace)
    evidence: Trace = field(default_factory=Trace)
    blind: list[tuple[int, int]] = field(default_factory=list)
    """First and last tick of each time in which it was blind."""
    need: float = 0.0
    suspicion: float = 0.0
    judged: int = 0


class Traces:
    """What a backtest saw of every criterion that counts."""

    def __init__(self, guard: Guard) -> None:
        """Trace every criterion of this guard but those that listen to alerts."""
        self.of = {
            one.id: CriterionTrace(one) for one in guard.criteria if not isinstance(one.test, AlertTest)
        }
        self.start: datetime | None = None
        self.ticks = 0
        self.tick = guard.tick

    def take(self, watch: Watch, said: Evaluation) -> None:
        """Take what was said at a tick."""
        self.start = self.start or watch.at
        self.ticks += 1
        for factor in said.factors:
            if trace := self.of.get(factor.criterion):
                _take(trace, factor, _reading(watch, trace.criterion, factor), self.ticks)

    def at(self, tick: float) -> datetime | None:
        """Return the time of a tick; the first is 1."""
        return self.start + (tick - 1) * self.tick if self.start else None

    def tick_at(self, at: datetime) -> float:
        """Return the tick of a time, as a number with a fraction; it may be before the first."""
        return 1 + (at - self.start) / self.tick if self.start else 0.0


def _take(trace: CriterionTrace, factor: Factor, reading: Reading, tick: int) -> None:
    if factor.need:
        evidence = trace.criterion.evidence
        trace.need = factor.need
        trace.suspicion = factor.need * (evidence.false_hold / evidence.false_alarm)
    trace.judged += reading.judged
    if reading.judged:
        if isinstance(trace.criterion.test, EventTest):
            trace.rate.add(tick, reading.bad)
        else:
            trace.rate.add(tick, reading.bad / reading.judged, weight=reading.judged)
    if factor.limit is not None:
        trace.limit.add(tick, factor.limit)
    trace.evidence.add(tick, factor.evidence)
    if factor.verdict is Verdict.BLIND:
        if trace.blind and trace.blind[-1][1] == tick - 1:
            trace.blind[-1] = (trace.blind[-1][0], tick)
        else:
            trace.blind.append((tick, tick))


def _reading(watch: Watch, criterion: Criterion, factor: Factor) -> Reading:
    """Return what the last tick brought to the track that the factor is of."""
    key = stream_key(criterion)
    track = watch.tracks.get(cohort_key(key, factor.cohort) if factor.cohort else key, Track())
    return track.recent[-1] if track.recent else Reading()
