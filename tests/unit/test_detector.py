"""The detector's formula, its cap, and the bound on false alarms that it promises."""

from __future__ import annotations

from fractions import Fraction
from math import comb, exp, fsum, isfinite, log, sqrt
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backout import detector
from backout.detector import ALTERNATIVES, MOST, NO_EVIDENCE, advance, cap, evidence, log_ratios, surprise
from tests.invariants.properties import quickly

LIMITS = st.sampled_from([0.0001, 0.003, 0.05, 0.2, 0.7, 0.99])
TICKS = st.lists(
    st.tuples(st.integers(0, 300), st.integers(0, 300)).map(lambda pair: (min(pair), max(pair))), max_size=12
)
UNCAPPED = log(MOST)
Tick = tuple[int, int]
"""Bad of judged."""


def run(ticks: list[Tick], limit: float, largest: float) -> tuple[float, ...]:
    statistics: tuple[float, ...] = NO_EVIDENCE
    for bad, judged in ticks:
        statistics = advance(statistics, bad=bad, judged=judged, ratios=log_ratios(limit), largest=largest)
    return statistics


def exact_log_ratio(bad: int, judged: int, limit: float, factor: float) -> float:
    """Return the log of the binomial likelihood ratio, from whole numbers."""
    null = Fraction(limit)
    rate = Fraction(min(limit * factor, (1 + limit) / 2))
    ratio = (rate / null) ** bad * ((1 - rate) / (1 - null)) ** (judged - bad)
    return log(ratio.numerator) - log(ratio.denominator)


def sum_over_beginnings(ticks: list[Tick], limit: float, factor: float, largest: float) -> float:
    """Return the statistic by its definition: over every tick at which the change may have begun."""
    weights = [min(exact_log_ratio(bad, n, limit, factor), largest) for bad, n in ticks if n]
    return fsum(exp(fsum(weights[begun:])) for begun in range(len(weights)))


@given(TICKS, LIMITS, st.sampled_from([0.5, 2.0, 5.0]))
@quickly
def test_it_is_the_sum_of_likelihood_ratios_over_every_beginning(
    ticks: list[Tick], limit: float, largest: float
) -> None:
    expected = [sum_over_beginnings(ticks, limit, factor, largest) for factor in ALTERNATIVES]
    found = run(ticks, limit, largest)
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-300)
    assert evidence(found) == pytest.approx(sum(expected) / 4, rel=1e-9, abs=1e-300)


def test_one_tick_by_hand() -> None:
    (weakest, *_) = advance(NO_EVIDENCE, bad=2, judged=3, ratios=log_ratios(0.1), largest=UNCAPPED)
    assert weakest == pytest.approx(1.5**2 * (0.85 / 0.9))


@given(TICKS, LIMITS)
@quickly
def test_no_data_moves_nothing(ticks: list[Tick], limit: float) -> None:
    before = run(ticks, limit, 2)
    assert run([*ticks, (0, 0), (0, 0)], limit, 2) == before


@given(TICKS, LIMITS, st.data())
@quickly
def test_more_bad_is_never_less_evidence(ticks: list[Tick], limit: float, data: st.DataObject) -> None:
    worse = [(data.draw(st.integers(bad, judged)), judged) for bad, judged in ticks[:4]]
    assert evidence(run(worse, limit, 2)) >= evidence(run(ticks[:4], limit, 2)) * (1 - 1e-12)


@given(st.floats(10, 1e10), st.integers(2, 3000))
@quickly
def test_a_burst_reaches_the_need_after_sustain_ticks_and_not_one_sooner(need: float, sustain: int) -> None:
    need = max(need, 1.1 * sustain)
    largest = cap(need, sustain)
    statistics: tuple[float, ...] = NO_EVIDENCE
    for tick in range(1, sustain + 1):
        statistics = advance(statistics, bad=10**6, judged=10**6, ratios=log_ratios(0.003), largest=largest)
        assert (evidence(statistics) >= need) == (tick == sustain)


def test_a_sustain_that_is_no_whole_number_of_ticks_is_rounded_up() -> None:
    largest = cap(1000, 3.6)
    burst = [(500, 500)]
    assert evidence(run(burst * 3, 0.01, largest)) < 1000 <= evidence(run(burst * 4, 0.01, largest))


@pytest.mark.parametrize("ticks", [0.2, 1])
def test_a_sustain_of_one_tick_or_less_lets_one_tick_decide(ticks: float) -> None:
    assert evidence(run([(10**6, 10**6)], 0.003, cap(576_000, ticks))) >= 576_000


@pytest.mark.parametrize(("need", "ticks"), [(8.64e6, 180), (576_000, 5000), (20, 19.9), (20, 2000)])
def test_the_cap_is_found_for_every_length(need: float, ticks: float) -> None:
    largest = cap(need, ticks)
    assert 0 <= largest <= log(need)
    assert isfinite(evidence(run([(9, 9)] * 50, 0.003, largest)))


def test_evidence_stays_a_number_however_long_a_release_is_bad() -> None:
    long_bad = run([(500, 500)] * 3000, 0.01, 5)
    assert long_bad == (MOST,) * 4
    assert evidence(run([(0, 10**6)] * 200, 0.01, 5)) < 1
    assert evidence(advance(long_bad, bad=0, judged=10**9, ratios=log_ratios(0.01), largest=5)) == 0


@given(TICKS, LIMITS)
@quickly
def test_below_a_low_limit_its_parts_are_the_alternatives_and_of_a_high_one_the_others_are_counted(
    ticks: list[Tick], limit: float
) -> None:
    statistics: tuple[float, ...] = NO_EVIDENCE
    for bad, judged in ticks:
        ratios = detector.log_ratios_below(limit)
        statistics = advance(statistics, bad=bad, judged=judged, ratios=ratios, largest=2)
    if limit > 0.5:
        others = [(judged - bad, judged) for bad, judged in ticks]
        assert statistics == pytest.approx(run(others, 1 - limit, 2), rel=1e-9)
    for pair, factor in zip(detector.log_ratios_below(min(limit, 0.4)), ALTERNATIVES, strict=True):
        rate = min(limit, 0.4) / factor
        assert pair == pytest.approx((log(1 / factor), log((1 - rate) / (1 - min(limit, 0.4)))))


def test_without_a_cap_one_tick_is_still_a_number() -> None:
    assert run([(10**6, 10**6)], 0.01, 1e9) == (MOST,) * 4
    counts = {"bad": 10**6, "judged": 10**6, "other_bad": 0, "other_judged": 10**6}
    assert detector.advance_against(NO_EVIDENCE, **counts, ratio=1.5, largest=1e9) == (MOST,) * 4


A, T, RUNS = 200, 20, 2000
BOUND = T / A
MARGIN = 5 * sqrt(BOUND * (1 - BOUND) / RUNS)
"""Five standard errors: an honest detector is beyond them once in three million seeds."""


def share_of_alarms(rate: float, limit: float, largest: float) -> float:
    """Return how many of the runs reach the need within T ticks of changing traffic."""
    draw = Random(20261120)
    alarms = 0
    for _ in range(RUNS):
        statistics: tuple[float, ...] = NO_EVIDENCE
        for _ in range(T):
            judged = draw.choice((0, 5, 20, 60))
            bad = sum(draw.random() < rate for _ in range(judged))
            statistics = advance(
                statistics, bad=bad, judged=judged, ratios=log_ratios(limit), largest=largest
            )
            if evidence(statistics) >= A:
                alarms += 1
                break
    return alarms / RUNS


@pytest.mark.parametrize("largest", [UNCAPPED, cap(A, 3)], ids=["uncapped", "capped"])
def test_at_the_limit_false_alarms_stay_within_the_bound(largest: float) -> None:
    assert share_of_alarms(0.1, 0.1, largest) <= BOUND + MARGIN


def test_a_rate_of_three_times_the_limit_is_found() -> None:
    assert share_of_alarms(0.3, 0.1, cap(A, 3)) > 0.95


def exact_tail(bad: int, judged: int, limit: float) -> Fraction:
    """Return the chance of a rate at least this far on its side of the limit, when the limit is the truth."""
    rate = Fraction(limit)
    side = range(bad, judged + 1) if bad > limit * judged else range(bad + 1)
    return sum((comb(judged, k) * rate**k * (1 - rate) ** (judged - k) for k in side), Fraction(0))


@pytest.mark.parametrize("limit", [0.003, 0.05, 0.5, 0.9])
@pytest.mark.parametrize("judged", [1, 2, 7, 30])
def test_surprise_is_chernoffs_bound_on_the_exact_binomial_tail(judged: int, limit: float) -> None:
    for bad in range(judged + 1):
        assert float(exact_tail(bad, judged, limit)) <= exp(-surprise(bad, judged, limit)) * (1 + 1e-12)


def test_surprise_is_none_at_the_limit_and_grows_to_both_sides() -> None:
    by_bad = [surprise(bad, 100, 0.2) for bad in range(101)]
    assert by_bad[20] == pytest.approx(0, abs=1e-12)
    assert by_bad[:21] == sorted(by_bad[:21], reverse=True)
    assert by_bad[20:] == sorted(by_bad[20:])


def test_surprise_of_a_clean_sample_is_known_exactly() -> None:
    assert surprise(0, 1000, 0.003) == pytest.approx(-1000 * log(0.997))


def test_the_alternatives_of_a_high_limit_stay_below_one() -> None:
    assert all(isfinite(part) for pair in log_ratios(0.99) for part in pair)
