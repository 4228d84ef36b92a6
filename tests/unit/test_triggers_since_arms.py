"""Two arms since the evidence began: both are counted from the same look, and what waits is not lost."""

from __future__ import annotations

import pytest

from backout.evaluation import Verdict
from tests.unit.guards import TICK, eye_on, only, quick
from tests.unit.views import OPENED

HEALTHY = 300
BASELINE = quick({"compare": "baseline", "max_ratio": 1.5, "bad": "b", "of": "o"})
CONTROL = "it@baseline"
WELL, ILL = {"errors": (1, 100), CONTROL: (4, 400)}, {"errors": (20, 100), CONTROL: (4, 400)}


def test_both_arms_count_from_the_same_look() -> None:
    eye = eye_on(BASELINE)
    eye.see(WELL, times=HEALTHY)
    reason = only(eye.see(ILL, times=20)).reason
    assert "400 bad of 2000 judged since 22:15:00 UTC (20.00%, the baseline 80 of 8000, 1.00%," in reason


def test_what_one_arm_counted_while_it_waited_for_the_other_counts_from_where_it_began_to_wait() -> None:
    eye = eye_on(BASELINE)
    eye.see(WELL, times=HEALTHY)
    for _ in range(8):
        eye.see({"errors": (18, 200), CONTROL: (0, 0)})
        eye.see({"errors": (0, 0), CONTROL: (12, 400)})
    waiting = only(eye.see({"errors": (0, 200), CONTROL: (0, 0)}))
    assert waiting.since == OPENED + HEALTHY * TICK
    assert (waiting.bad, waiting.judged) == (144, 1600)
    assert "the baseline 96 of 3200" in waiting.reason


@pytest.mark.parametrize("last", ["errors", CONTROL])
def test_two_arms_that_take_turns_count_since_the_last_of_them_was_weighed(last: str) -> None:
    first = next(name for name in ("errors", CONTROL) if name != last)
    eye = eye_on(BASELINE)
    eye.see(WELL, times=HEALTHY)
    for growth in (WELL, *[ILL] * 10):
        eye.see({**growth, last: (0, 0)})
        eye.see({**growth, first: (0, 0)})
    factor = only(eye.see({"errors": (0, 0), CONTROL: (0, 0)}))
    assert (factor.bad, factor.judged, factor.since) == (200, 1000, OPENED + (HEALTHY + 2) * TICK)


def test_silence_is_no_beginning() -> None:
    eye = eye_on(BASELINE)
    eye.see(WELL, times=3)
    eye.see({}, times=3)
    assert eye.watch.began == {}


def test_a_heartbeat_from_before_shows_everything_while_one_arm_waits_for_the_other() -> None:
    eye = eye_on(BASELINE)
    eye.see(WELL, times=HEALTHY)
    eye.see(ILL, times=10)
    eye.watch = eye.watch.model_copy(update={"began": {}})
    factor = only(eye.see({"errors": (20, 100), CONTROL: (0, 0)}))
    assert (factor.verdict, factor.judged, factor.since) == (Verdict.BREACHED, 100 * (HEALTHY + 11), None)


def test_what_was_counted_in_turns_is_weighed_with_what_was_before() -> None:
    eye = eye_on(BASELINE)
    eye.see(WELL, times=HEALTHY)
    eye.see(ILL, times=8)
    eye.see({"errors": (1, 100)})
    factor = only(eye.see({CONTROL: (4, 400)}))
    assert (factor.bad, factor.judged, factor.since) == (161, 900, OPENED + HEALTHY * TICK)


def test_a_baseline_that_was_there_before_the_release_counts_no_longer_than_the_release() -> None:
    eye = eye_on(BASELINE)
    eye.see({CONTROL: (4, 400)}, times=HEALTHY)
    factor = only(eye.see(ILL, times=10))
    assert (factor.judged, factor.since) == (1000, OPENED + HEALTHY * TICK)
    assert "the baseline 40 of 4000" in factor.reason


def test_where_the_traffic_was_divided_anew_it_counts_since_then() -> None:
    eye = eye_on(BASELINE)
    eye.see(WELL, times=HEALTHY)
    eye.see({"errors": (60, 100), CONTROL: (1200, 4000)}, times=10)
    # It is twice as bad all the time, but fewer are bad of either now, and most of them are the release's.
    factor = only(eye.see({"errors": (80, 4000), CONTROL: (1, 100)}, times=40))
    assert (factor.verdict, factor.rate) == (Verdict.BREACHED, 0.02)
    assert factor.limit == pytest.approx(0.015)
    assert factor.since is not None
    assert factor.since > OPENED + (HEALTHY + 9) * TICK
