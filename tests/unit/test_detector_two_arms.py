"""The detector of two arms: its formula, and why its bound holds at every rate."""

from __future__ import annotations

from fractions import Fraction
from math import comb, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backout import detector
from backout.detector import ALTERNATIVES, MOST, NO_EVIDENCE
from tests.invariants.properties import quickly

UNCAPPED = log(MOST)


def exact_part(ours: int, theirs: int, ratio: float) -> Fraction:
    """Return which part of all bad outputs is ours, where we are so many times as bad."""
    return Fraction(ratio) * ours / (Fraction(ratio) * ours + theirs)


PAIRS = st.tuples(st.integers(1, 60), st.integers(1, 60)).flatmap(
    lambda n: st.tuples(st.integers(0, n[0]), st.just(n[0]), st.integers(0, n[1]), st.just(n[1]))
)


@given(PAIRS, st.sampled_from([1, 1.5, 3]))
@quickly
def test_two_arms_are_the_binomial_likelihood_ratio_of_our_part_of_the_bad(
    tick: tuple[int, int, int, int], ratio: float
) -> None:
    bad, judged, other_bad, other_judged = tick
    found = detector.advance_against(
        NO_EVIDENCE,
        bad=bad,
        judged=judged,
        other_bad=other_bad,
        other_judged=other_judged,
        ratio=ratio,
        largest=UNCAPPED,
    )
    null = exact_part(judged, other_judged, ratio)
    for statistic, factor in zip(found, ALTERNATIVES, strict=True):
        part = exact_part(judged, other_judged, ratio * factor)
        expected = (part / null) ** bad * ((1 - part) / (1 - null)) ** other_bad
        assert statistic == pytest.approx(float(expected), rel=1e-9)


@pytest.mark.parametrize("none", [{"judged": 0, "bad": 0}, {"other_judged": 0, "other_bad": 0}])
def test_two_arms_of_which_one_has_no_data_move_nothing(none: dict[str, int]) -> None:
    counts = {"bad": 9, "judged": 10, "other_bad": 1, "other_judged": 10, **none}
    before = (1.0, 2.0, 3.0, 4.0)
    assert detector.advance_against(before, **counts, ratio=1.5, largest=2) == before


def mean_ratio(ours: int, theirs: int, rate: float, ratio: float, index: int) -> float:
    """Return the exact mean of the likelihood ratio, over all counts, where we are `ratio` times as bad."""
    total = 0.0
    for bad in range(ours + 1):
        for other_bad in range(theirs + 1):
            weight = chance(bad, ours, min(ratio * rate, 1)) * chance(other_bad, theirs, rate)
            (*found,) = detector.advance_against(
                NO_EVIDENCE,
                bad=bad,
                judged=ours,
                other_bad=other_bad,
                other_judged=theirs,
                ratio=ratio,
                largest=UNCAPPED,
            )
            total += weight * found[index]
    return total


def chance(bad: int, judged: int, rate: float) -> float:
    return comb(judged, bad) * rate**bad * (1 - rate) ** (judged - bad)


@pytest.mark.parametrize("rate", [0.001, 0.05, 0.2, 0.5, 0.66])
@pytest.mark.parametrize(("ours", "theirs"), [(10, 10), (4, 30), (30, 4)])
@pytest.mark.parametrize("index", range(4))
def test_the_mean_likelihood_ratio_of_two_arms_is_at_most_one_at_every_rate(
    rate: float, ours: int, theirs: int, index: int
) -> None:
    # Given the sum alone it is not: Fisher's odds are above the ratio of the rates. Over all sums it is.
    assert mean_ratio(ours, theirs, rate, 1.5, index) <= 1 + 1e-9
    if rate < 0.01:
        assert mean_ratio(ours, theirs, rate, 1.5, index) > 0.98
