"""Change points: found where they are, and not where chance alone is at work."""

from __future__ import annotations

import random

import pytest

from backout.change_point import change_point


def readings(rates: list[tuple[int, float]], *, seed: int, judged: int = 100) -> list[tuple[int, int]]:
    draw = random.Random(seed)
    return [
        (sum(draw.random() < rate for _ in range(judged)), judged)
        for ticks, rate in rates
        for _ in range(ticks)
    ]


@pytest.mark.parametrize("seed", range(8))
def test_a_rate_that_trebled_is_found_within_a_few_ticks(seed: int) -> None:
    found = change_point(readings([(120, 0.02), (40, 0.06)], seed=seed))
    assert found is not None
    assert abs(found.index - 120) <= 6
    assert found.before == pytest.approx(0.02, abs=0.006)
    assert found.after == pytest.approx(0.06, abs=0.015)
    assert found.surprise > found.need


def test_chance_alone_shows_a_change_in_no_more_than_the_stated_share() -> None:
    shown = sum(change_point(readings([(60, 0.05)], seed=seed, judged=40)) is not None for seed in range(200))
    assert shown <= 16  # 5 % of 200 are 10; more than 16 come in fewer than 3 % of the cases


def test_a_rate_that_fell_is_found_only_where_that_is_asked_for() -> None:
    series = readings([(60, 0.3), (60, 0.1)], seed=1)
    assert change_point(series) is None
    found = change_point(series, falls=True)
    assert found is not None
    assert abs(found.index - 60) <= 3


def test_ticks_without_data_are_no_change() -> None:
    series = [*readings([(60, 0.02)], seed=1), *[(0, 0)] * 30, *readings([(60, 0.1)], seed=2)]
    found = change_point(series)
    assert found is not None
    assert abs(found.index - 90) <= 3


@pytest.mark.parametrize("series", [[], [(0, 0)], [(0, 10)], [(5, 10)], [(0, 0), (3, 10)], [(0, 10)] * 9])
def test_too_little_shows_nothing(series: list[tuple[int, int]]) -> None:
    assert change_point(series) is None


def test_from_none_at_all_to_every_one_is_the_plainest_change() -> None:
    found = change_point([*[(0, 100)] * 10, *[(100, 100)] * 10])
    assert found is not None
    assert (found.index, found.before, found.after) == (10, 0.0, 1.0)
