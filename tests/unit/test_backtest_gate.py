"""The gate of a backtest: what passes, what fails, and what the data is too short to show."""

from __future__ import annotations

from datetime import timedelta

import pytest

from backout.backtest import Backtest, Gate, Period, most_events
from tests.unit.recorded import LIMIT, RATIO, at, backtested, guard, looks, stream

SLOW = timedelta(minutes=10)
DAY = 144
"""Ticks of the slow guard."""
HOUR = 240
SICK = [(HOUR, 0.01), (HOUR // 2, 0.08), (HOUR // 2, 0.01)]
BAD_TIME = Period(start=at(hours=1), end=at(hours=1, minutes=30))


def slowly(rates: list[tuple[int, float]], gate: Gate | None = None) -> Backtest:
    return backtested(looks(stream(rates, tick=SLOW), tick=SLOW), by=guard(tick="10m"), gate=gate)


def test_one_healthy_day_cannot_show_one_false_fire_in_a_hundred_days() -> None:
    gate = Gate(max_false_per_day=0.01, rules=("critical",))
    result = slowly([(DAY, 0.005)], gate)
    assert not result.passed
    (failure,) = result.failures
    assert failure == "1 healthy days are too few to show 0.01 false fires a day; bring at least 90"
    assert result.at_most_per_day == pytest.approx(3, abs=0.01)


def test_enough_healthy_days_pass_and_a_false_fire_among_them_does_not() -> None:
    gate = Gate(max_false_per_day=1.0, rules=("critical",))
    assert slowly([(DAY, 0.005)], gate).passed
    (failure,) = slowly([(50, 0.005), (3, 0.5), (40, 0.005), (3, 0.5), (DAY, 0.005)], gate).failures
    assert "false fires a day, more than 1" in failure


def test_a_period_that_is_missed_or_caught_too_late_fails_the_gate() -> None:
    gate = Gate(must_catch=timedelta(minutes=2), rules=("critical",))
    late = backtested(looks(stream(SICK)), by=guard(), bad=[BAD_TIME], gate=gate)
    assert "later than 2m" in late.failures[0]
    gate = Gate(must_catch=timedelta(hours=1), rules=("critical",))
    assert backtested(looks(stream(SICK)), by=guard(), bad=[BAD_TIME], gate=gate).passed
    healthy = Period(start=at(minutes=30), end=at(minutes=40))
    missed = backtested(looks(stream(SICK[:1])), by=guard(), bad=[healthy], gate=gate)
    assert missed.failures == (f"the bad period from {healthy.start.isoformat()} was missed",)
    unnamed = backtested(looks(stream(SICK)), by=guard(), gate=gate)
    assert unnamed.failures == ("no bad period is named, so nothing shows that one is caught",)


def test_a_gate_is_not_passed_by_a_rule_that_had_no_data() -> None:
    by = guard(
        signals={"errors": RATIO, "slow": RATIO | {"bad": "slow"}},
        criteria=[
            {"id": "limit", "signal": "errors", "test": LIMIT},
            {"id": "slow", "signal": "slow", "test": LIMIT},
        ],
        rules=[{"id": "critical", "when": {"any_of": ["limit", {"all_of": ["slow"]}]}}],
    )
    gate = Gate(max_false_per_day=1000, rules=("critical",))
    result = backtested(looks(stream([(240, 0.01)])), by=by, gate=gate)
    assert result.failures == ("rule critical was not tested: there is no data at all for slow",)


def test_a_gate_is_not_passed_by_a_rule_that_had_data_for_a_moment() -> None:
    by = guard(
        signals={"errors": RATIO, "slow": RATIO | {"bad": "slow"}},
        criteria=[
            {"id": "limit", "signal": "errors", "test": LIMIT},
            {"id": "slow", "signal": "slow", "test": LIMIT},
        ],
        rules=[
            {"id": "critical", "when": {"any_of": ["limit"]}},
            {"id": "second", "when": {"any_of": ["slow"]}},
        ],
        tick="10m",
    )
    gate = Gate(max_false_per_day=1, rules=("critical", "second"))

    def failures(ticks: int) -> tuple[str, ...]:
        both = stream([(DAY, 0.01)], tick=SLOW), stream([(ticks, 0.01)], signal="slow", tick=SLOW)
        return backtested(looks(*both, tick=SLOW), by=by, gate=gate).failures

    (failure,) = failures(2)
    hardly = "rule second was hardly tested: slow could be judged for 0.0347 healthy days"
    assert failure == f"{hardly}; bring at least 0.9"
    assert failures(DAY) == ()


def test_a_gate_is_not_passed_by_a_comparison_without_its_baseline() -> None:
    test = {"compare": "baseline", "max_ratio": 2, "bad": "bad_before", "of": "all_before"}
    by = guard(criteria=[{"id": "limit", "signal": "errors", "test": test}])
    gate = Gate(max_false_per_day=1000, rules=("critical",))
    result = backtested(looks(stream([(240, 0.01)])), by=by, gate=gate)
    assert result.failures == ("rule critical was not tested: there is no data at all for limit",)


@pytest.mark.parametrize(
    ("seen", "most"), [(0, 2.996), (1, 4.744), (5, 10.513), (100, 118.08), (1000, 1053.6)]
)
def test_the_upper_bound_is_that_of_the_tables(seen: int, most: float) -> None:
    assert most_events(seen) == pytest.approx(most, rel=1e-3)
