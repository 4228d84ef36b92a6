"""What a factor's numbers count: since the evidence began, without what a long healthy time had counted."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest

from backout.criteria import Criterion
from backout.evaluation import Factor, Verdict
from backout.postmortem import facts
from backout.rendering import render
from backout.timeline import SignalsJudged
from backout.watch import Began, Watch
from tests.unit.guards import TICK, Growth, eye_on, guard_of, only, quick, shown
from tests.unit.views import OPENED, TEMPLATES, full_view

HEALTHY = 300
LIMIT = quick({"compare": "limit", "max": "5%"})
BASELINE = quick({"compare": "baseline", "max_ratio": 1.5, "bad": "b", "of": "o"})
CONTROL = "it@baseline"
WELL, ILL = {"errors": (1, 100)}, {"errors": (20, 100)}


def look(number: int) -> datetime:
    """Return the time of a look; the first shows where the counters stand."""
    return OPENED + number * TICK


def is_beyond(factor: Factor, *, least: bool = False) -> bool:
    """Say whether a factor's rate is beyond its limit."""
    assert factor.rate is not None
    assert factor.limit is not None
    return factor.rate < factor.limit if least else factor.rate > factor.limit


def test_after_a_long_healthy_time_a_breach_is_told_by_what_was_counted_since_the_evidence_began() -> None:
    eye = eye_on(LIMIT)
    healthy = only(eye.see(WELL, times=HEALTHY))
    assert (healthy.bad, healthy.judged, healthy.since) == (HEALTHY, 100 * HEALTHY, None)
    breached = only(eye.see(ILL, times=10))
    assert breached.verdict is Verdict.BREACHED
    assert (breached.bad, breached.judged, breached.since) == (200, 1000, look(HEALTHY))
    assert "200 bad of 1000 judged since 22:15:00 UTC (20.00%, limit 5.00%)" in breached.reason


def test_where_the_evidence_began_with_the_watch_the_words_say_nothing_of_since() -> None:
    factor = only(eye_on(LIMIT).see(ILL, times=10))
    assert (factor.verdict, factor.since) == (Verdict.BREACHED, None)
    assert "200 bad of 1000 judged (20.00%, limit 5.00%)" in factor.reason


def test_another_day_is_named() -> None:
    eye = eye_on(LIMIT)
    eye.see(WELL, times=HEALTHY)
    eye.now += timedelta(days=2)
    assert "judged since 2026-11-20 22:15:00 UTC (" in only(eye.see(ILL, times=10)).reason


def test_a_criterion_that_is_not_suspect_shows_everything_although_some_ticks_were_bad() -> None:
    eye = eye_on(LIMIT)
    eye.see(WELL, times=HEALTHY)
    healthy = only(eye.see(ILL))
    assert (healthy.verdict, healthy.judged, healthy.since) == (Verdict.HEALTHY, 100 * HEALTHY + 100, None)
    assert not healthy.reason.endswith("not yet proven")
    suspect = only(eye.see(ILL, times=2))
    assert (suspect.verdict, suspect.since) == (Verdict.SUSPECT, look(HEALTHY))


def test_recovery_counts_its_window() -> None:
    eye = eye_on(LIMIT)
    eye.see(WELL, times=HEALTHY)
    eye.see(ILL, times=40)
    assert (only(shown(eye)).judged, only(shown(eye)).since) == (4000, None)


LONG: dict[str, tuple[Criterion, Growth, Growth, bool]] = {
    "a lowest limit that is high": (
        quick({"compare": "limit", "min": "90%"}),
        {"errors": (98, 100)},
        {"errors": (70, 100)},
        True,
    ),
    "a lowest limit that is low": (
        quick({"compare": "limit", "min": "5%"}),
        {"errors": (12, 100)},
        {"errors": (1, 100)},
        True,
    ),
    "a multiple of the usual rate": (
        quick({"compare": "reference", "usual": "4%", "max_ratio": 1.5}),
        {"errors": (3, 100)},
        {"errors": (20, 100)},
        False,
    ),
    "a baseline": (
        BASELINE,
        {"errors": (1, 100), CONTROL: (4, 400)},
        {"errors": (9, 100), CONTROL: (12, 400)},
        False,
    ),
    "a part of a baseline": (
        quick({"compare": "baseline", "min_ratio": 0.8, "bad": "b", "of": "o"}),
        {"errors": (60, 100), CONTROL: (240, 400)},
        {"errors": (20, 100), CONTROL: (240, 400)},
        True,
    ),
    "the other cohorts": (
        quick({"compare": "gap", "by": "language", "max_ratio": 1.5}),
        {"errors/language": {"en": (4, 400), "fi": (1, 100)}},
        {"errors/language": {"en": (4, 400), "fi": (10, 100)}},
        False,
    ),
    "a reference distribution": (
        quick({"compare": "drift", "reference": {"a": 0.5, "b": 0.5}, "max_rise": "10%"}, signal="topics"),
        {"topics": {"a": (50, 100), "b": (50, 100)}},
        {"topics": {"a": (20, 100), "b": (80, 100)}},
        False,
    ),
}


@pytest.mark.parametrize("case", LONG)
def test_after_a_long_healthy_time_the_rate_is_beyond_what_it_is_held_against(case: str) -> None:
    test, well, ill, least = LONG[case]
    eye = eye_on(test)
    assert only(eye.see(well, times=HEALTHY)).since is None
    factor = only(eye.see(ill, times=40))
    assert (factor.verdict, factor.judged, factor.since) == (Verdict.BREACHED, 4000, look(HEALTHY))
    assert is_beyond(factor, least=least)
    assert " since 22:15:00 UTC (" in factor.reason


def test_a_shift_of_the_whole_distribution_says_that_it_is_since_the_watch_began() -> None:
    test, well, ill, _ = LONG["a reference distribution"]
    eye = eye_on(test)
    eye.see(well, times=HEALTHY)
    assert only(eye.see(ill, times=40)).reason.endswith(" since the watch began")
    assert not only(eye_on(test).see(ill, times=40)).reason.endswith(" since the watch began")


def test_a_category_that_was_silent_counts_since_it_was_seen_last() -> None:
    test, well, ill, _ = LONG["a reference distribution"]
    eye = eye_on(test)
    eye.see(well, times=HEALTHY)
    eye.see({"topics": {"a": (50, 100)}}, times=2)
    assert only(eye.see(ill, times=20)).since == look(HEALTHY)


def test_a_cohort_that_falls_silent_while_it_is_suspect_is_told_by_what_it_had_counted() -> None:
    test, well, ill, _ = LONG["the other cohorts"]
    eye = eye_on(test)
    eye.see(well, times=HEALTHY)
    suspect = only(eye.see(ill, times=3))
    gone = only(eye.see({"errors/language": {"en": (4, 400)}}, times=8))
    assert (suspect.verdict, gone.verdict) == (Verdict.SUSPECT, Verdict.BLIND)
    assert (gone.bad, gone.judged, gone.since) == (30, 300, look(HEALTHY))


def test_what_a_silent_source_brings_at_last_counts_since_it_was_seen_last() -> None:
    eye = eye_on(LIMIT)
    eye.see(WELL, times=HEALTHY)
    eye.see({}, times=20)
    assert only(eye.see(ILL, times=10)).since == look(HEALTHY)


def test_where_so_little_is_judged_that_evidence_never_goes_it_begins_with_the_excess_all_the_same() -> None:
    eye = eye_on(LIMIT)
    healthy = only(eye.see({"errors": (0, 2)}, times=HEALTHY))
    assert healthy.evidence > 1
    factor = only(eye.see({"errors": (1, 2)}, times=40))
    assert (factor.bad, factor.judged, factor.since) == (40, 80, look(HEALTHY))


BOTH = {
    "one arm": (LIMIT, WELL, ILL, {"errors": (100_000, 100_000)}),
    "two arms": (
        BASELINE,
        {"errors": (1, 100), CONTROL: (4, 400)},
        {"errors": (20, 100), CONTROL: (4, 400)},
        {"errors": (100_000, 100_000), CONTROL: (4, 400)},
    ),
}


@pytest.mark.parametrize("arms", BOTH)
def test_evidence_that_is_over_is_not_counted_with_the_next(arms: str) -> None:
    test, well, ill, burst = BOTH[arms]
    eye = eye_on(test)
    eye.see(well, times=HEALTHY)
    eye.see(burst)
    eye.see(well, times=HEALTHY)
    factor = only(eye.see(ill, times=10))
    assert (factor.bad, factor.judged, factor.since) == (200, 1000, look(2 * HEALTHY + 1))


@pytest.mark.parametrize("arms", BOTH)
def test_a_good_tick_or_a_silent_one_in_a_bad_time_begins_nothing_anew(arms: str) -> None:
    test, well, ill, _ = BOTH[arms]
    eye = eye_on(test)
    eye.see(well, times=HEALTHY)
    eye.see(ill, times=8)
    for growth in (well, {}):
        factor = only(eye.see(growth))
        assert (factor.bad, factor.judged, factor.since) == (161, 900, look(HEALTHY))


def test_a_healthy_release_carries_no_beginnings() -> None:
    eye = eye_on(LIMIT)
    eye.see(WELL, times=3)
    assert eye.watch.began == {}
    eye.see(ILL)
    began = eye.watch.began["it"]
    assert began == Began(at=look(3), bad=3, judged=300, leaning=began.leaning)
    eye.watch = Watch.model_validate_json(eye.watch.model_dump_json())
    eye.see(ILL)
    assert eye.watch.began["it"].model_copy(update={"leaning": began.leaning}) == began
    assert eye.watch.began["it"].leaning > began.leaning > 0
    eye.guard = guard_of(quick({"compare": "limit", "max": "5%"}, name="other"))
    eye.see(ILL)
    assert set(eye.watch.began) == {"other"}


def test_a_heartbeat_from_before_is_read_and_begins_to_count_where_it_is_taken_up() -> None:
    eye = eye_on(LIMIT)
    eye.see(WELL, times=HEALTHY)
    eye.see(ILL, times=10)
    kept = json.loads(eye.watch.model_dump_json())
    del kept["began"]
    eye.watch = Watch.model_validate(kept)
    factor = only(eye.see(ILL, times=2))
    assert factor.verdict is Verdict.BREACHED
    assert (factor.bad, factor.judged, factor.since) == (40, 200, look(HEALTHY + 10))
    eye.watch = Watch.model_validate(kept)
    assert only(eye.see({})).judged == 100 * (HEALTHY + 10)


def test_a_beginning_never_lies_ahead_where_a_clock_was_set_back() -> None:
    eye = eye_on(LIMIT)
    eye.see(WELL, times=HEALTHY)
    eye.see(ILL, times=5)
    eye.now -= timedelta(hours=3)
    factor = only(eye.see(ILL, times=5))
    assert factor.since is not None
    assert eye.watch.at is not None
    assert factor.since <= eye.watch.at


def test_the_postmortem_says_since_when_a_factor_counts() -> None:
    eye = eye_on(LIMIT)
    eye.see(WELL, times=HEALTHY)
    event = SignalsJudged(at=eye.now, sense="breach", evaluation=eye.see(ILL, times=10))
    view = full_view().model_copy(update={"timeline": (event,)})
    text = render(
        "postmortem/standard.md.j2",
        templates=TEMPLATES,
        view=view,
        incident=view.summary,
        facts=facts(view),
        outcome="recovered",
        due=eye.now,
        written_at=eye.now,
    )
    assert "| breached | 200 | 1000 since 2026-11-20 22:15:00 UTC | 20.00% | 5.00% |" in text
