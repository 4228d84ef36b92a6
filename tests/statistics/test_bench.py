"""The rules and the traffic of the benchmark are what its tables say they are."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from backout import detector
from bench.triggers.rules import Detector, Evidence, FailureCount, MannWhitney, Rule, Windows, rank_z
from bench.triggers.traffic import (
    HOUR,
    LIMIT,
    MINUTE,
    ROUGH,
    STEADY,
    USUAL,
    Block,
    Counter,
    Counts,
    Stream,
    Traffic,
)


def block(bad: Counts, judged: Counts) -> Block:
    return Block(bad=bad, judged=judged, usual_bad=judged * 0.01, usual_judged=judged)


def minutes(*over: int) -> Block:
    """Return minutes of 100 judged in each tick, over the limit or not."""
    bad = np.repeat(np.array(over, dtype=float) * 2, MINUTE)[:, None]
    return block(bad, np.full(bad.shape, 100.0))


def fired_in(rule: Rule, *blocks: Block) -> list[int]:
    """Return the minutes at whose end a rule fires."""
    fired = np.concatenate([rule.fired(one) for one in blocks])[:, 0]
    assert all((tick + 1) % MINUTE == 0 for tick in np.flatnonzero(fired))
    return [int(tick) // MINUTE for tick in np.flatnonzero(fired)]


def test_the_detector_over_lanes_is_the_detector_of_the_triggers() -> None:
    draw = np.random.default_rng(2)
    judged = draw.poisson(20, (400, 3)).astype(float) * (draw.random((400, 3)) < 0.8)
    bad = draw.binomial(judged.astype(int), [0.01, 0.015, 0.02]).astype(float)
    evidence = Evidence(false_alarm_d=100, sustain_min=3)
    lanes = Detector(3, evidence)
    found = np.concatenate(
        [lanes.evidence(block(bad[:100], judged[:100])), lanes.evidence(block(bad[100:], judged[100:]))]
    )
    largest = detector.cap(100 * 5760, 12)
    for lane in range(3):
        statistics: tuple[float, ...] = detector.NO_EVIDENCE
        for tick in range(400):
            k, n = int(bad[tick, lane]), int(judged[tick, lane])
            statistics = detector.advance(
                statistics, bad=k, judged=n, ratios=detector.log_ratios(LIMIT), largest=largest
            )
            assert found[tick, lane] == pytest.approx(detector.evidence(statistics), rel=1e-9)


def test_the_detector_begins_anew_after_it_has_fired() -> None:
    bad = np.full((36, 1), 50.0)
    assert np.flatnonzero(
        Detector(1, Evidence(false_alarm_d=100, sustain_min=3)).fired(block(bad, bad))[:, 0]
    ).tolist() == [11, 23, 35]


def test_windows_count_over_the_ends_of_blocks() -> None:
    assert fired_in(Windows(1, minutes=1, k=1, n=1), minutes(0, 1, 0), minutes(1)) == [1, 3]
    assert fired_in(Windows(1, minutes=1, k=3, n=3), minutes(1, 1, 0, 1, 1), minutes(1, 1)) == [5, 6]
    assert fired_in(Windows(1, minutes=1, k=2, n=3), minutes(1, 0, 1, 0), minutes(0, 1)) == [2]
    assert fired_in(Windows(1, minutes=2, k=1, n=1), minutes(0, 0, 1, 1)) == [3]


def test_a_window_without_data_is_not_over_the_limit() -> None:
    nothing = np.zeros((8, 1))
    assert fired_in(Windows(1, minutes=1, k=1, n=1), block(nothing, nothing)) == []


def test_failures_are_counted_since_the_analysis_began() -> None:
    assert fired_in(FailureCount(1, most=3), minutes(1, 1, 0, 1), minutes(0, 0, 1, 1)) == [6]


def naive_z(ours: list[float], theirs: list[float]) -> float:
    """Return the Mann-Whitney statistic by its textbook formula."""
    u = sum((x > y) + (x == y) / 2 for x, y in product(ours, theirs))
    both = ours + theirs
    size, pairs = len(both), len(ours) * len(theirs)
    ties = sum(both.count(value) ** 3 - both.count(value) for value in set(both))
    deviation = (pairs / 12 * (size + 1 - ties / (size * (size - 1)))) ** 0.5
    return float((u - pairs / 2) / deviation)


def test_mann_whitney_is_the_textbooks_and_leaves_out_what_has_no_value() -> None:
    draw = np.random.default_rng(3)
    ours, theirs = draw.integers(2, 9, (30, 4)).astype(float), draw.integers(0, 7, (30, 4)).astype(float)
    ours[:5, 1] = theirs[7, 2] = np.nan
    for lane, z in enumerate(rank_z(ours, theirs)):
        one, other = ([v for v in column[:, lane].tolist() if v == v] for column in (ours, theirs))  # noqa: PLR0124
        assert z == pytest.approx(naive_z(one, other))
    assert rank_z(np.full((30, 1), np.nan), theirs[:, :1])[0] == 0


def test_mann_whitney_looks_every_five_minutes() -> None:
    assert fired_in(MannWhitney(1), minutes(*[1] * 10), minutes(*[1] * 2, *[0] * 28)) == [4, 9, 14]


@pytest.mark.parametrize("traffic", [*STEADY, *ROUGH], ids=lambda traffic: traffic.name)
def test_traffic_has_its_volume_and_its_rate_and_loses_nothing(traffic: Traffic) -> None:
    stream = Stream(traffic, per_minute=np.full(60, 500.0), seed=4)
    blocks = [stream.block(HOUR) for _ in range(24)]
    bad, judged = (sum(getattr(one, name).sum() for one in blocks) for name in ("bad", "judged"))
    idle = 0.4 if traffic.spells_a_day else 0.0
    blips = traffic.blips_a_day * 67.5 / 86400 * 0.29
    assert judged / (60 * 1440 * 500) == pytest.approx(1 - idle, abs=0.02)
    assert bad / judged == pytest.approx(traffic.rate * (1 + traffic.swing**2 / 8) + blips, rel=0.06)
    assert USUAL <= traffic.rate <= LIMIT
    assert all((one.bad >= 0).all() and (one.bad <= one.judged).all() for one in blocks)


def test_a_look_that_is_missed_is_made_up_for_by_the_next_one() -> None:
    stream = Stream(Traffic("t", missing=0.5), per_minute=np.array([400.0]), seed=5)
    judged = stream.block(HOUR).judged[:, 0]
    silent = judged == 0
    assert 0.4 < silent.mean() < 0.6
    assert judged[1:][silent[:-1] & ~silent[1:]].mean() > 1.8 * judged[1:][~silent[:-1] & ~silent[1:]].mean()


def test_what_no_look_of_a_block_has_shown_is_shown_in_the_next_one() -> None:
    counter, one = Counter(2), np.ones((4, 2))
    answered = np.array([[True, False], [False, False], [True, False], [False, False]])
    assert counter.shown(one, answered).tolist() == [[1, 0], [0, 0], [2, 0], [0, 0]]
    assert counter.shown(one, answered | True).tolist() == [[2, 5], [1, 1], [1, 1], [1, 1]]
