"""False reverts stay within the bound T / A, on every traffic that stays at or below the limit."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

import numpy as np
import pytest
from numpy.typing import NDArray

from backout import detector
from tests.statistics.streams import LARGEST, NEED, SUSTAIN, Count, looks, verdict, watched

Counts = NDArray[np.int64]
LIMIT = 0.015
MINUTE, DAY = 4, 5760
"""In ticks."""


def first_alarms(bad: Counts, judged: Counts, *, need: float, largest: float) -> Counts:
    """Return the tick of each lane's first alarm, or the number of ticks: the formula, many lanes at once."""
    on_bad, on_good = np.array(detector.log_ratios(LIMIT)).T[:, :, None]
    statistics = np.zeros((len(on_bad), bad.shape[1]))
    first = np.full(bad.shape[1], len(bad))
    for tick, (k, n) in enumerate(zip(bad, judged, strict=True)):
        ratios = np.exp(np.minimum(k * on_bad + (n - k) * on_good, largest))
        statistics = np.where(n > 0, (statistics + 1) * ratios, statistics)
        first = np.minimum(first, np.where(statistics.mean(axis=0) >= need, tick, len(bad)))
    return first


def share_of_alarms(bad: Counts, judged: Counts, *, need: float, largest: float) -> float:
    return float((first_alarms(bad, judged, need=need, largest=largest) < len(bad)).mean())


def margin(bound: float, runs: int) -> float:
    """Return five standard errors: an honest detector is beyond them once in three million seeds."""
    return 5 * sqrt(bound * (1 - bound) / runs)


def test_the_formula_over_lanes_is_the_detector() -> None:
    draw = np.random.default_rng(1)
    judged = draw.integers(0, 200, (300, 5))
    bad = draw.binomial(judged, [0.005, 0.015, 0.02, 0.05, 0.5])
    found = first_alarms(bad, judged, need=2000, largest=1.5)
    for lane in range(5):
        statistics: tuple[float, ...] = detector.NO_EVIDENCE
        alarms = []
        for tick, (k, n) in enumerate(zip(bad[:, lane].tolist(), judged[:, lane].tolist(), strict=True)):
            statistics = detector.advance(
                statistics, bad=k, judged=n, ratios=detector.log_ratios(LIMIT), largest=1.5
            )
            alarms += [tick] if detector.evidence(statistics) >= 2000 else []
        assert found[lane] == min(alarms, default=300)
    assert len(set(found)) > 2


def steady(draw: np.random.Generator, ticks: int, runs: int) -> tuple[Counts, NDArray[np.float64]]:
    return draw.poisson(125, (ticks, runs)), np.full((ticks, 1), LIMIT)


def diurnal(draw: np.random.Generator, ticks: int, runs: int) -> tuple[Counts, NDArray[np.float64]]:
    wave = np.sin(2 * np.pi * np.arange(ticks) / ticks)[:, None]
    return draw.poisson(np.broadcast_to(60 * (1 + 0.9 * wave), (ticks, runs))), np.full((ticks, 1), LIMIT)


def gappy(draw: np.random.Generator, ticks: int, runs: int) -> tuple[Counts, NDArray[np.float64]]:
    idle = draw.random((ticks // 20, runs)) < 0.5
    judged = draw.poisson(125, (ticks, runs))
    return np.where(np.repeat(idle, 20, axis=0), 0, judged), np.full((ticks, 1), LIMIT)


def lumpy(draw: np.random.Generator, ticks: int, runs: int) -> tuple[Counts, NDArray[np.float64]]:
    """A source that often does not answer, then shows everything at once."""
    waited = draw.geometric(0.2, (ticks, runs))
    return draw.poisson(25 * waited) * (draw.random((ticks, runs)) < 0.2), np.full((ticks, 1), LIMIT)


def adversarial(draw: np.random.Generator, ticks: int, runs: int) -> tuple[Counts, NDArray[np.float64]]:
    """Rates and volumes that jump about, never above the limit."""
    volumes = draw.choice([0, 1, 10, 100, 1000], (ticks, 1))
    return draw.poisson(np.broadcast_to(volumes, (ticks, runs))), LIMIT * draw.choice([0.2, 1, 1], (ticks, 1))


KINDS = [steady, diurnal, gappy, lumpy, adversarial]
Traffic = Callable[[np.random.Generator, int, int], tuple[Counts, NDArray[np.float64]]]


@pytest.mark.parametrize("largest", [1e9, 1.5], ids=["uncapped", "capped"])
@pytest.mark.parametrize("traffic", KINDS, ids=lambda kind: kind.__name__)
def test_at_the_limit_the_share_of_false_reverts_is_within_the_bound(
    traffic: Traffic, largest: float
) -> None:
    need, ticks, runs = 2000.0, 200, 4000
    draw = np.random.default_rng(20261121)
    judged, rate = traffic(draw, ticks, runs)
    share = share_of_alarms(draw.binomial(judged, rate), judged, need=need, largest=largest)
    assert share <= ticks / need + margin(ticks / need, runs)


def test_the_bound_is_not_met_by_luck_a_little_above_the_limit_it_is_broken() -> None:
    draw = np.random.default_rng(20261121)
    judged, rate = steady(draw, 200, 4000)
    bad = draw.binomial(judged, 1.5 * rate)
    assert share_of_alarms(bad, judged, need=2000, largest=1.5) > 0.5


def test_one_false_alarm_in_100_days_reverts_at_the_limit_on_at_most_one_day_of_a_hundred() -> None:
    runs = 300
    draw = np.random.default_rng(20261121)
    judged = draw.poisson(125, (DAY, runs))
    share = share_of_alarms(draw.binomial(judged, LIMIT), judged, need=NEED, largest=LARGEST)
    assert share <= DAY / NEED + margin(DAY / NEED, runs)


@pytest.mark.parametrize("traffic", [steady, diurnal, gappy], ids=lambda kind: kind.__name__)
def test_at_the_usual_rate_no_healthy_day_is_reverted_and_a_rate_of_three_limits_is_found(
    traffic: Traffic,
) -> None:
    draw = np.random.default_rng(20261121)
    judged, rate = traffic(draw, DAY, 50)
    bad = draw.binomial(judged, rate / 1.5)
    assert share_of_alarms(bad, judged, need=NEED, largest=LARGEST) == 0
    hour = slice(DAY // 2, DAY // 2 + 60 * MINUTE)
    worse = draw.binomial(judged[hour], rate[hour] * 3)
    first = first_alarms(worse, judged[hour], need=NEED, largest=LARGEST)
    assert first.min() + 1 >= SUSTAIN
    assert np.median(first) <= 20 * MINUTE


def test_through_the_triggers_a_bad_release_is_found_at_the_tick_that_the_formula_says() -> None:
    draw = np.random.default_rng(7)
    judged = draw.poisson(125, (120, 1))
    bad = draw.binomial(judged, 3 * LIMIT)
    (first,) = first_alarms(bad, judged, need=NEED, largest=LARGEST)
    ticks: list[Count] = list(zip(bad[:, 0].tolist(), judged[:, 0].tolist(), strict=True))
    assert SUSTAIN <= first < 119
    assert verdict(watched(looks(ticks[:first]))).verdict != "breached"
    assert verdict(watched(looks(ticks[: first + 1]))).verdict == "breached"
