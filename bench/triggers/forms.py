"""Runs of the other forms: two arms, gap, drift, combined rules, and the event of zero tolerance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Protocol

import numpy as np

from backout import triggers
from backout.counting import Look, Totals
from backout.criteria import Criterion, EventTest
from backout.evaluation import Outcome
from backout.guard import Guard
from backout.rules import AnyOf, Rule
from backout.signals import EventSignal, Family
from backout.watch import Watch
from bench.triggers.forms_rules import (
    ANY_BREACHED,
    RATIO,
    TWO_SUSPECT,
    ArmsRule,
    Baseline,
    Combined,
    Drift,
    Gap,
    OverLimit,
    Part,
)
from bench.triggers.traffic import (
    DAY,
    HOUR,
    LIMIT,
    MINUTE,
    REALISTIC,
    TICK_S,
    Arm,
    Counts,
    Stream,
    Traffic,
)

HEALTHY_DAYS = 3
"""Days of each healthy run: the runs are many instead."""
GIVE_UP = DAY
MEAN, SWING = 0.0125, 0.8
SWINGING = Traffic("rate swings", rate=MEAN, swing=0.7, rate_swing=SWING)
"""Below the limit in the mean and above it for hours of each day."""
TROUBLED = replace(SWINGING, name="rate swings, provider's outages", troubles_a_day=1)
DIURNAL = Traffic("diurnal", swing=0.7, rate_swing=0.175)
WORST_HOUR = RATIO * MEAN * (1 + SWING)
"""The limit that tolerates as much of the worst hour as the baseline criterion does at every hour."""
MINORITY = 0.1
REFERENCE, RISE, TOPIC_SWING = (0.40, 0.30, 0.15, 0.10, 0.05), 0.05, 0.02


class World(Protocol):
    """What sources show of several arms."""

    def arms(self, ticks: int, *, factor: Counts | float) -> list[Arm]:
        """Return the next ticks; `factor` is how bad it has become, and 1 is healthy."""


class Arms:
    """One stream of traffic in several arms, of which some can become bad."""

    def __init__(
        self, per_minute: Counts, seed: int, *, traffic: Traffic, shares: Sequence[float], hit: int
    ) -> None:
        """Draw arms with these shares of the volume; the first `hit` can become bad."""
        self._stream = Stream(traffic, per_minute=per_minute, seed=seed, shares=shares)
        self._hit, self._spared = hit, len(shares) - hit

    def arms(self, ticks: int, *, factor: Counts | float) -> list[Arm]:
        """Return the next ticks of every arm."""
        return self._stream.arms(ticks, factors=[factor] * self._hit + [1.0] * self._spared)


class Signals:
    """Three signals with traffic of their own each, of which some can become bad."""

    def __init__(self, per_minute: Counts, seed: int, *, hit: int) -> None:
        """Draw three streams of realistic traffic."""
        self._streams = [Stream(REALISTIC, per_minute=per_minute, seed=seed + signal) for signal in range(3)]
        self._hit = hit

    def arms(self, ticks: int, *, factor: Counts | float) -> list[Arm]:
        """Return the next ticks of every signal."""
        factors = [factor] * self._hit + [1.0] * (3 - self._hit)
        drawn = zip(self._streams, factors, strict=True)
        return [arm for stream, one in drawn for arm in stream.arms(ticks, factors=[one])]


class Topics:
    """Categories of which the last one can become more frequent, at the cost of all the others."""

    def __init__(self, per_minute: Counts, seed: int) -> None:
        """Draw the reference's shares; two of them swing against each other, once a day."""
        self._draw, self._volume = np.random.default_rng(seed), per_minute / MINUTE
        self._phase = self._draw.random(len(per_minute))
        self._begun = 0

    def arms(self, ticks: int, *, factor: Counts | float) -> list[Arm]:
        """Return the count in each category beside that in all of them."""
        days = (self._begun + np.arange(ticks))[:, None] / DAY
        self._begun += ticks
        wave = TOPIC_SWING * np.sin(2 * np.pi * (days + self._phase))
        *others, last = REFERENCE
        risen = last * factor
        shares = [share * (1 - risen) / (1 - last) for share in others]
        swung = [shares[0] - wave, *(share + 0 * wave for share in shares[1:]), risen + wave]
        counts = [self._draw.poisson(self._volume * share).astype(float) for share in swung]
        whole = np.sum(counts, axis=0)
        return [Arm(count, whole) for count in counts]


@dataclass(frozen=True)
class Form:
    """A criterion or rule in a world of its own."""

    name: str
    where: str
    world: Callable[[Counts, int], World]
    rule: Callable[[int], ArmsRule]
    effects: tuple[float, ...]
    volumes: tuple[int, ...] = (100, 500)


def _two_arms(name: str, traffic: Traffic, rule: Callable[[int], ArmsRule]) -> Form:
    world = partial(Arms, traffic=traffic, shares=(1.0, 1.0), hit=1)
    return Form(name, traffic.name, world, rule, (2.0, 3.0, 4.5))


def _cohorts(name: str, count: int, rule: Callable[[int], ArmsRule]) -> Form:
    shares = (MINORITY, *[(1 - MINORITY) / (count - 1)] * (count - 1))
    world = partial(Arms, traffic=DIURNAL, shares=shares, hit=1)
    return Form(name, f"{count} cohorts", world, rule, (3.0, 5.0, 10.0), (100, 500, 1000))


def _three_signals(name: str, parts: Sequence[Part], *, hit: int, apart: bool) -> Form:
    world = Signals if apart else partial(Arms, traffic=REALISTIC, shares=(1.0, 1.0, 1.0))
    where = f"{hit} of 3 signals rise, blips {'of their own' if apart else 'at once'}"
    return Form(name, where, partial(world, hit=hit), partial(Combined, parts=parts), (2.0, 3.0, 4.5))


TWO_ARMS = [
    form
    for traffic in (SWINGING, TROUBLED)
    for form in (
        _two_arms(f"limit {LIMIT:.1%}", traffic, partial(OverLimit, first=1)),
        _two_arms(f"limit {WORST_HOUR:.1%}", traffic, partial(OverLimit, first=1, limit=WORST_HOUR)),
        _two_arms(f"baseline x{RATIO:g}", traffic, Baseline),
    )
]
GAPS = [
    _cohorts(f"limit {LIMIT:.1%} for all together", 2, OverLimit),
    *(_cohorts(f"gap x{RATIO:g}", count, partial(Gap, cohorts=count)) for count in (2, 5, 20)),
]
DRIFTS = [
    Form(
        f"drift, max_rise {RISE:.0%}",
        f"{len(REFERENCE)} categories",
        Topics,
        partial(Drift, limits=[share + RISE for share in REFERENCE]),
        (2.5, 3.0, 5.0),
    )
]
RULES = {
    "any of 3 breached": (ANY_BREACHED,),
    "2 of 3 at level hold within 15m": (TWO_SUSPECT,),
    "either of both": (ANY_BREACHED, TWO_SUSPECT),
}
COMBINED = [
    _three_signals(name, parts, hit=hit, apart=apart)
    for hit, apart in ((1, True), (3, True), (3, False))
    for name, parts in RULES.items()
]
ALL = {"two arms": TWO_ARMS, "gap": GAPS, "drift": DRIFTS, "combined": COMBINED}


@dataclass(frozen=True)
class Found:
    """What the runs of one form showed."""

    false_alarms: dict[int, Counts]
    """By volume: how many there were in each healthy run."""
    minutes: dict[tuple[int, float], Counts]
    """By volume and effect: until each run was found."""


def measured(kind: str, number: int, *, runs: int, seed: int) -> Found:
    """Measure one form; it is told by its place, as a function cannot travel to another process."""
    form = ALL[kind][number]
    return Found(_false_alarms(form, runs=runs, seed=seed), _minutes(form, runs=runs, seed=seed))


def _false_alarms(form: Form, *, runs: int, seed: int) -> dict[int, Counts]:
    per_minute = np.repeat(np.array(form.volumes, dtype=float), runs)
    world, rule = form.world(per_minute, seed), form.rule(len(per_minute))
    alarms = np.zeros(len(per_minute))
    for _ in range(HEALTHY_DAYS * DAY // HOUR):
        alarms += rule.fired(world.arms(HOUR, factor=1.0)).sum(axis=0)
    return dict(zip(form.volumes, alarms.reshape(-1, runs), strict=True))


def _minutes(form: Form, *, runs: int, seed: int) -> dict[tuple[int, float], Counts]:
    cells = [(volume, effect) for volume in form.volumes for effect in form.effects]
    per_minute, effects = np.repeat(np.array(cells), runs, axis=0).T
    world, rule = form.world(per_minute, seed), form.rule(len(effects))
    rule.fired(world.arms(HOUR, factor=1.0))
    first = np.full(len(effects), np.inf)
    for begun in range(0, GIVE_UP, HOUR):
        fired = rule.fired(world.arms(HOUR, factor=effects))
        ticks = np.where(fired.any(axis=0), begun + fired.argmax(axis=0) + 1, np.inf)
        first = np.minimum(first, ticks * TICK_S / 60)
        if np.isfinite(first).all():
            break
    return dict(zip(cells, first.reshape(-1, runs), strict=True))


EVENT = Guard(
    tick=timedelta(seconds=TICK_S),
    signals={"severe": EventSignal(kind="event", source="m", family=Family.SAFETY, events="severe")},
    criteria=(Criterion(id="one", signal="severe", test=EventTest(compare="event")),),
    rules=(Rule(id="at_once", when=AnyOf(any_of=("one",))),),
)


def looks_until_an_event_fires(*, runs: int, seed: int) -> list[int]:
    """Return in which look `backout.triggers` fires for one event, counted from the one that shows it."""
    return [_looks(int(tick)) for tick in np.random.default_rng(seed).integers(1, HOUR, size=runs)]


def _looks(event_in: int) -> int:
    begun = datetime(2026, 1, 1, tzinfo=UTC)
    watch = Watch(started_at=begun)
    for tick in range(event_in + HOUR):
        count = float(tick >= event_in)
        totals = {"severe": {"": Totals(bad=count, of=count)}}
        watch, said = triggers.tick(watch, Look(at=begun + tick * EVENT.tick, totals=totals), guard=EVENT)
        if said.outcome is Outcome.FIRED:
            return tick - event_in + 1
    return HOUR
