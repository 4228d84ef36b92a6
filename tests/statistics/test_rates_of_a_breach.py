"""The rate that a suspicion or a breach shows is beyond the limit, whatever was counted before it."""

from __future__ import annotations

from itertools import chain, repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backout.evaluation import Factor, Verdict
from tests.invariants.properties import quickly
from tests.unit.guards import criterion, eye_on, only

MOST = 50
"""Ticks of a phase; of ten together there are fewer than the evidence of a suspicion."""
SURE = {"evidence": {"false_alarm": "1d", "false_hold": "3h", "sustain": "1m"}, "min_sample": 1}
DOUBT = {Verdict.SUSPECT, Verdict.BREACHED}
LIMITS: dict[str, tuple[dict[str, object], int]] = {
    "highest": ({"compare": "limit", "max": "10%"}, 10),
    "lowest, high": ({"compare": "limit", "min": "90%"}, 90),
    "lowest, low": ({"compare": "limit", "min": "20%"}, 20),
}


def is_beyond(factor: Factor, *, least: bool = False) -> bool:
    """Say whether a factor's rate is beyond its limit."""
    assert factor.rate is not None
    assert factor.limit is not None
    return factor.rate < factor.limit if least else factor.rate > factor.limit


PHASES = st.lists(
    st.tuples(st.integers(1, MOST), st.integers(-12, 12), st.sampled_from([0, 3, 20, 300])),
    min_size=1,
    max_size=10,
)
"""How many ticks, how far they are from the limit in percent, and how many are judged in each."""


@pytest.mark.parametrize("case", LIMITS)
@quickly
@given(phases=PHASES)
def test_the_rate_of_a_suspicion_or_a_breach_is_beyond_the_limit(
    case: str, phases: list[tuple[int, int, int]]
) -> None:
    test, usual = LIMITS[case]
    eye, least = eye_on(criterion("it", "errors", test, **SURE)), "min" in test
    for off, judged in chain.from_iterable(repeat(phase[1:], phase[0]) for phase in phases):
        percent = min(max(usual + off, 0), 100)
        factor = only(eye.see({"errors": (round(percent * judged / 100), judged)}))
        assert factor.verdict not in DOUBT or is_beyond(factor, least=least)


ARMS = st.lists(
    st.tuples(st.integers(1, MOST), st.integers(0, 30), st.integers(0, 20), st.integers(1, 6)),
    min_size=1,
    max_size=10,
)
"""How many ticks, how many percent are bad of the release and of its baseline, and how many parts it has."""


@quickly
@given(phases=ARMS, stays=st.booleans())
def test_the_rate_of_two_arms_is_beyond_the_ratio_wherever_it_is_counted_since_the_evidence_began(
    phases: list[tuple[int, int, int, int]], *, stays: bool
) -> None:
    test = {"compare": "baseline", "max_ratio": 1.5, "bad": "b", "of": "o"}
    eye = eye_on(criterion("it", "errors", test, **SURE))
    eye.see({"errors": (4, 100), "it@baseline": (16, 400)}, times=MOST)
    for times, bad, other_bad, parts in phases:
        for _ in range(times):
            # Of what is judged the release's part stays a fifth, or it does not.
            others = 4 * parts if stays else 4
            factor = only(
                eye.see(
                    {"errors": (bad * parts, 100 * parts), "it@baseline": (other_bad * others, 100 * others)}
                )
            )
            if factor.since or (stays and factor.verdict in DOUBT):
                assert is_beyond(factor)
