"""Made-up traffic of releases: what a source shows in each tick, for many independent runs at once.

Every array has one row for each tick and one column, a lane, for each run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.float64]
Flags = NDArray[np.bool_]

TICK_S = 15
MINUTE = 60 // TICK_S
HOUR, DAY = 60 * MINUTE, 24 * 60 * MINUTE
USUAL, LIMIT = 0.01, 0.015
BLIP_RATE = 0.3
"""The share of bad outputs while a blip lasts: 20 times the limit."""


@dataclass(frozen=True)
class Traffic:
    """How traffic departs from a steady stream; its rates are healthy in the long run."""

    name: str
    rate: float = USUAL
    swing: float = 0.0
    """The volume swings by so much of itself around its mean, once a day."""
    rate_swing: float = 0.0
    """So does the rate, at the same time."""
    spread: float = 0.0
    """The standard deviation of the rate from minute to minute, as a share of the usual rate."""
    spells_a_day: float = 0.0
    """Times without any traffic, of 10 minutes on average."""
    missing: float = 0.0
    """The share of looks without an answer; the next one shows what was counted meanwhile."""
    outages_a_day: float = 0.0
    """Times in which the source does not answer, of 10 minutes on average."""
    blips_a_day: float = 0.0
    """Times with 30 % bad outputs, of 15 to 120 seconds."""
    troubles_a_day: float = 0.0
    """Times with 30 % bad outputs, of 10 minutes on average, as when a provider is down."""


CLEAN = Traffic("clean")
REALISTIC = Traffic(
    "realistic", swing=0.7, rate_swing=0.175, spread=0.3, missing=0.05, outages_a_day=2, blips_a_day=6
)
STEADY = (CLEAN, Traffic("diurnal", swing=0.7, rate_swing=0.175), Traffic("gappy", spells_a_day=72))
ROUGH = (
    Traffic("overdispersed", spread=0.5),
    Traffic("outages", outages_a_day=2),
    Traffic("5 % missing", missing=0.05),
    Traffic("6 blips a day", blips_a_day=6),
    REALISTIC,
    Traffic("clean, exactly at the limit", rate=LIMIT),
)


class Arm(NamedTuple):
    """What was counted in some ticks of every lane: of a release, a cohort of it, a signal or a baseline."""

    bad: Counts
    judged: Counts


@dataclass(frozen=True)
class Block:
    """Some ticks of every lane."""

    bad: Counts
    judged: Counts
    usual_bad: Counts
    """The same of a baseline beside the release, with the usual rate; empty unless it was asked for."""
    usual_judged: Counts


class Spells:
    """Times that begin by chance and last for some ticks."""

    def __init__(self, *, a_day: float, lanes: int) -> None:
        """Begin so many times a day, in each lane by itself."""
        self._chance = a_day / DAY
        self._left = np.zeros(lanes)

    def mask(self, draw: np.random.Generator, lasting: Counts) -> Flags:
        """Say which ticks lie in a spell, where `lasting` is how long one would last that begins there."""
        at = np.arange(len(lasting))[:, None]
        begins = draw.random(lasting.shape) < self._chance
        ends = np.where(begins, at + lasting, 0.0)
        ends[0] = np.maximum(ends[0], self._left)
        ends = np.maximum.accumulate(ends)
        self._left = np.maximum(ends[-1] - len(lasting), 0.0)
        return np.asarray(at < ends)


class Counter:
    """What a source shows of a count: all of it, at the next look that is answered."""

    def __init__(self, lanes: int) -> None:
        """Begin with nothing counted."""
        self._unseen = np.zeros(lanes)

    def shown(self, counted: Counts, answered: Flags) -> Counts:
        """Return the growth between two answered looks, in the tick of the second one."""
        total = counted.cumsum(axis=0) + self._unseen
        seen = np.maximum.accumulate(np.where(answered, total, 0.0))
        self._unseen = total[-1] - seen[-1]
        grown: Counts = np.diff(seen, axis=0, prepend=0.0)
        return grown


class Stream:
    """The traffic of many runs of one kind."""

    def __init__(
        self, traffic: Traffic, *, per_minute: Counts, seed: int, shares: Sequence[float] = (1.0,)
    ) -> None:
        """Draw runs with these volumes, one for each lane; each arm has its share of the volume."""
        lanes = len(per_minute)
        self._traffic, self._volume, self._shares = traffic, per_minute / MINUTE, shares
        self._draw = np.random.default_rng(seed)
        self._phase = self._draw.random(lanes)
        self._begun = 0
        self._idle = Spells(a_day=traffic.spells_a_day, lanes=lanes)
        self._blips = Spells(a_day=traffic.blips_a_day, lanes=lanes)
        self._troubles = Spells(a_day=traffic.troubles_a_day, lanes=lanes)
        self._outages = Spells(a_day=traffic.outages_a_day, lanes=lanes)
        self._counters = [Counter(lanes) for _ in range(2 * len(shares))]

    def block(self, ticks: int, *, factor: Counts | float = 1.0) -> Block:
        """Return the next ticks (whole minutes), with `factor` times the usual rate.

        A second arm is the baseline beside the release.
        """
        arms = self.arms(ticks, factors=[factor, *[1.0] * (len(self._shares) - 1)])
        usual = arms[1] if len(arms) > 1 else Arm(np.zeros((0, 0)), np.zeros((0, 0)))
        return Block(bad=arms[0].bad, judged=arms[0].judged, usual_bad=usual.bad, usual_judged=usual.judged)

    def arms(self, ticks: int, *, factors: Sequence[Counts | float]) -> list[Arm]:
        """Return the next ticks of every arm, with so many times the usual rate in each.

        The arms share what befalls the traffic: its volume, its rate, and which looks are answered.
        """
        shape = (ticks, len(self._volume))
        volume, usual = self._healthy(shape)
        shown: list[Counts] = []
        for share, factor in zip(self._shares, factors, strict=True):
            rate = np.minimum(usual * factor, 1.0)
            shown += [self._draw.poisson(volume * (share * part)).astype(float) for part in (rate, 1 - rate)]
        if self._traffic.missing or self._traffic.outages_a_day:
            answered = self._answered(shape)
            shown = [
                counter.shown(count, answered) for counter, count in zip(self._counters, shown, strict=True)
            ]
        return [Arm(bad, bad + good) for bad, good in zip(shown[::2], shown[1::2], strict=True)]

    def _healthy(self, shape: tuple[int, int]) -> tuple[Counts, Counts]:
        """Return the volume and the rate of a healthy release in each tick."""
        traffic, draw = self._traffic, self._draw
        days = (self._begun + np.arange(shape[0]))[:, None] / DAY
        self._begun += shape[0]
        wave = np.sin(2 * np.pi * (days + self._phase))
        volume = self._volume * (1 + traffic.swing * wave)
        rate = traffic.rate * (1 + traffic.rate_swing * wave)
        if traffic.spread:
            shape_of = traffic.spread**-2
            minutes = draw.gamma(shape_of, 1 / shape_of, (shape[0] // MINUTE, shape[1]))
            rate = rate * np.repeat(minutes, MINUTE, axis=0)
        if traffic.blips_a_day:
            blips = self._blips.mask(draw, draw.integers(1, 9, shape).astype(float))
            rate = np.where(blips, BLIP_RATE, rate)
        if traffic.troubles_a_day:
            rate = np.where(self._troubles.mask(draw, _about_ten_minutes(draw, shape)), BLIP_RATE, rate)
        if traffic.spells_a_day:
            volume = np.where(self._idle.mask(draw, _about_ten_minutes(draw, shape)), 0.0, volume)
        return volume, rate

    def _answered(self, shape: tuple[int, int]) -> Flags:
        outage = self._outages.mask(self._draw, _about_ten_minutes(self._draw, shape))
        return ~outage & (self._draw.random(shape) >= self._traffic.missing)


def _about_ten_minutes(draw: np.random.Generator, shape: tuple[int, int]) -> Counts:
    return np.ceil(draw.exponential(10 * MINUTE, shape))
