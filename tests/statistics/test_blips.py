"""No burst shorter than `sustain` fires by itself; what the evidence before it is worth is known exactly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backout import detector
from backout.evaluation import Verdict
from tests.invariants.properties import quickly
from tests.statistics.streams import (
    LARGEST,
    NEED,
    SILENT,
    SUSTAIN,
    Count,
    Look,
    head_start,
    look_at,
    looks,
    said,
    ticks_ahead,
    verdict,
    watched,
)

ANY_COUNT = st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
BURSTS = st.lists(ANY_COUNT | st.just((10**6, 10**6)), min_size=1, max_size=SUSTAIN - 1)
HISTORIES = st.lists(
    st.sampled_from([(0, 0), (0, 3), (1, 25), (1, 100), (2, 125), (3, 125), (1, 3), (20, 125)]), max_size=40
)
GAPS = st.lists(st.integers(0, SUSTAIN), max_size=6)


def with_gaps(shown: list[Look], gaps: list[int]) -> list[Look]:
    for gap in gaps:
        shown.insert(min(gap, len(shown)), SILENT)
    return shown


@given(BURSTS, GAPS)
@quickly
def test_from_no_evidence_no_burst_shorter_than_sustain_fires_whatever_its_size(
    burst: list[Count], gaps: list[int]
) -> None:
    (first, *shown) = looks(burst)
    watch = watched([first])
    for look in with_gaps(shown, gaps):
        watch = look_at(watch, look)
        assert verdict(watch).verdict is not Verdict.BREACHED
        assert said(watch).rule is None


@given(HISTORIES, BURSTS)
@quickly
def test_after_any_history_a_burst_is_short_of_sustain_by_no_more_ticks_than_its_evidence_is_worth(
    history: list[Count], burst: list[Count]
) -> None:
    shown = looks(history)
    watch = watched(shown)
    allowed = SUSTAIN - 1 - ticks_ahead(verdict(watch).evidence)
    for look in looks(burst[: max(allowed, 0)], after=shown[-1])[1:]:
        watch = look_at(watch, look)
        assert verdict(watch).verdict is not Verdict.BREACHED


@given(st.lists(st.sampled_from([(0, 125), (0, 250), (1, 125), (1, 250), (2, 250)]), max_size=60), BURSTS)
@quickly
def test_after_a_history_that_is_clearly_below_the_limit_the_whole_sustain_holds(
    history: list[Count], burst: list[Count]
) -> None:
    # One bad of 125 is 0.8 %: each of these ticks is evidence for health.
    shown = looks(history)
    watch = watched(shown)
    assert ticks_ahead(verdict(watch).evidence) == 0
    assert verdict(watched(looks(burst, after=shown[-1])[1:], watch)).verdict is not Verdict.BREACHED


def test_sustain_itself_fires() -> None:
    shown = looks([(1, 125)] * 20 + [(125, 125)] * SUSTAIN)
    assert verdict(watched(shown[:-1])).verdict is Verdict.SUSPECT
    assert verdict(watched(shown)).verdict is Verdict.BREACHED


@pytest.mark.parametrize("ahead", [1, 2, 3])
def test_the_immunity_is_not_absolute_evidence_from_before_shortens_what_is_missing(ahead: int) -> None:
    # One bad of 30 is twice the limit: what a release shows that is a little bad before it is very bad.
    watch, shown = watched([(0, 0)]), [(0.0, 0.0)]
    while verdict(watch).evidence < head_start(ahead):
        shown.append((shown[-1][0] + 1, shown[-1][1] + 30))
        watch = look_at(watch, shown[-1])
    assert ticks_ahead(verdict(watch).evidence) == ahead
    burst = looks([(99, 99)] * (SUSTAIN - ahead), after=shown[-1])[1:]
    assert verdict(watched(burst[:-1], watch)).verdict is Verdict.SUSPECT
    assert verdict(watched(burst, watch)).verdict is Verdict.BREACHED


def test_a_counter_that_jumps_is_one_tick_however_much_it_brings() -> None:
    once = watched(looks([(10**9, 10**9)]))
    assert verdict(once).evidence == pytest.approx(head_start(1))
    assert verdict(once).verdict is Verdict.HEALTHY


@pytest.mark.parametrize(
    ("per_minute", "ahead", "at_most"),
    [
        pytest.param(10, 5, 0.02, id="10 a minute: more than 5 ticks ahead at most 2 % of the time"),
        pytest.param(100, 2, 0.02, id="100 a minute: more than 2 ticks ahead at most 2 % of the time"),
        pytest.param(500, 0, 0.08, id="500 a minute: not ahead at all but for 8 % of the time"),
        pytest.param(1000, 0, 0.02, id="1000 a minute: not ahead at all but for 2 % of the time"),
    ],
)
def test_at_the_usual_rate_the_evidence_is_seldom_ahead(per_minute: int, ahead: int, at_most: float) -> None:
    draw = np.random.default_rng(per_minute)
    judged = draw.poisson(per_minute / 4, 8000)
    bad = draw.binomial(judged, 0.01)
    statistics: tuple[float, ...] = detector.NO_EVIDENCE
    too_far = 0
    for k, n in zip(bad.tolist(), judged.tolist(), strict=True):
        statistics = detector.advance(
            statistics, bad=k, judged=n, ratios=detector.log_ratios(0.015), largest=LARGEST
        )
        assert detector.evidence(statistics) < NEED
        too_far += detector.evidence(statistics) >= head_start(ahead + 1)
    assert too_far / len(judged) <= at_most
