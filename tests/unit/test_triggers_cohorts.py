"""Cohorts that are held against each other, and shares against a reference."""

from __future__ import annotations

from datetime import timedelta

import pytest

from backout import detector
from backout.evaluation import Outcome, Verdict
from backout.guard import Judged
from backout.readings import MOST_COHORTS
from backout.watch import Watch
from backout.weighing import needs
from tests.unit.guards import TICK, Eye, Growth, eye_on, guard_of, limit, only, quick, shown
from tests.unit.views import OPENED

GAP = quick({"compare": "gap", "by": "language", "max_ratio": 1.5})
STREAM = "errors/language"


def cohorts(**growth: tuple[int, int]) -> Growth:
    return {STREAM: growth}


FAIR = {"en": (4, 400), "de": (2, 200), "fi": (1, 50)}


def test_the_cohort_that_fares_worse_than_the_rest_is_named_with_its_numbers() -> None:
    eye = eye_on(GAP)
    assert only(eye.see(cohorts(**FAIR), times=20)).verdict is Verdict.HEALTHY
    said = eye.see(cohorts(**{**FAIR, "fi": (10, 50)}), times=20)
    factor = only(said)
    assert (factor.verdict, factor.cohort) == (Verdict.BREACHED, "fi")
    assert (factor.bad, factor.judged) == (220, 2000 - 1000 + 1000)
    assert factor.reason.startswith("it[fi]: 220 bad of 2000 judged (11.00%, the rest 240 of 24000, 1.00%,")
    assert set(eye.watch.evidence) == {"it[en]", "it[de]", "it[fi]"}


def test_each_of_the_cohorts_must_show_as_many_times_the_evidence() -> None:
    (single, suspicion), (each, each_suspicion) = needs(GAP, TICK), needs(GAP, TICK, cells=3)
    assert (each, each_suspicion) == (3 * single, 3 * suspicion)
    eye = eye_on(GAP)
    assert only(eye.see(cohorts(**FAIR))).need == each


def test_a_cohort_with_too_few_judged_is_not_judged_and_is_listed() -> None:
    eye = eye_on(quick({"compare": "gap", "by": "language", "max_ratio": 1.5}, min_sample=200))
    growing = {"en": (4, 400), "de": (2, 200), "fi": (10, 20)}
    said = eye.see(cohorts(**growing), times=9)
    assert only(said).verdict is Verdict.HEALTHY
    assert said.not_counted == ("it[fi]: 180 judged, fewer than 200",)
    said = eye.see(cohorts(**growing))
    assert (only(said).verdict, only(said).cohort, said.not_counted) == (Verdict.BREACHED, "fi", ())


def test_a_cohort_alone_has_nothing_to_be_held_against() -> None:
    said = eye_on(GAP).see(cohorts(en=(300, 400)), times=9)
    assert only(said).verdict is Verdict.BLIND
    assert only(said).reason == "it: nothing can be judged yet, blind"
    assert said.not_counted == ("it[en]: there is no other cohort to hold it against",)
    assert said.blind == ()


def test_a_cohort_that_falls_silent_is_not_counted_but_what_it_has_shown_stays() -> None:
    eye = eye_on(GAP)
    eye.see(cohorts(**FAIR), times=10)
    said = eye.see(cohorts(en=(4, 400), de=(2, 200)), times=4)
    assert said.not_counted == ("it[fi]: no data for 4 ticks",)
    assert only(said).verdict is Verdict.HEALTHY
    eye.see(cohorts(**{**FAIR, "fi": (40, 50)}), times=10)
    said = eye.see(cohorts(en=(4, 400), de=(2, 200)), times=10)
    assert (only(said).verdict, only(said).cohort) == (Verdict.BREACHED, "fi")


def test_a_suspect_cohort_that_falls_silent_leaves_no_health_behind() -> None:
    eye = eye_on(GAP)
    eye.see(cohorts(**FAIR), times=10)
    while only(said := eye.see(cohorts(**{**FAIR, "fi": (3, 50)}))).verdict is not Verdict.SUSPECT:
        assert only(said).verdict is Verdict.HEALTHY
    others = cohorts(en=(4, 400), de=(2, 200))
    assert only(eye.see(others, times=3)).verdict is Verdict.SUSPECT
    said = eye.see(others)
    assert (only(said).verdict, only(said).cohort) == (Verdict.BLIND, "fi")
    assert only(said).reason == "it[fi]: it was suspect, and there is no data of it for 4 ticks, blind"
    assert said.outcome is Outcome.INCONCLUSIVE
    while only(said := eye.see(cohorts(en=(4, 400), de=(6, 200)))).verdict is Verdict.BLIND:
        pass
    assert (only(said).verdict, only(said).cohort) == (Verdict.SUSPECT, "de")


def test_cohorts_that_report_in_turns_are_weighed_all_the_same() -> None:
    eye = eye_on(GAP)
    eye.see(cohorts(en=(0, 0), fi=(0, 0)))
    for _ in range(20):
        eye.see(cohorts(en=(8, 800), fi=(0, 0)))
        eye.see(cohorts(en=(0, 0), fi=(20, 100)))
    said = eye.see({})
    assert (only(said).verdict, only(said).cohort) == (Verdict.BREACHED, "fi")


def test_a_cohort_that_comes_later_is_held_against_what_the_rest_counts_from_then_on() -> None:
    eye = eye_on(GAP)
    eye.see(cohorts(en=(360, 400), de=(180, 200)), times=9)
    said = eye.see(cohorts(en=(4, 400), de=(2, 200), fi=(20, 100)), times=12)
    assert (only(said).verdict, only(said).cohort) == (Verdict.BREACHED, "fi")


def test_only_the_largest_cohorts_are_watched_and_the_others_are_named() -> None:
    eye = eye_on(GAP)
    many = {f"c{n:02}": (2, 100 * (n + 1)) for n in range(MOST_COHORTS + 7)}
    said = eye.see(cohorts(**many), times=10)
    assert len(eye.watch.evidence) == MOST_COHORTS
    assert "it[c00]" not in eye.watch.evidence
    assert f"it[c{MOST_COHORTS + 6}]" in eye.watch.evidence
    (note,) = [one for one in said.not_counted if one.startswith(f"{STREAM}:")]
    assert note == f"{STREAM}: of 57 cohorts the largest 50 are watched, not c00, c01, c02, c03, c04 ..."


def test_a_newcomer_of_about_the_same_size_does_not_push_a_cohort_and_its_evidence_out() -> None:
    eye = eye_on(GAP)
    eye.see(cohorts(**{f"c{n:02}": (2, 100) for n in range(MOST_COHORTS)}), times=3)
    before = set(eye.watch.evidence)
    eye.see(cohorts(**{f"c{n:02}": (2, 100) for n in range(MOST_COHORTS)}, new=(2, 5000)))
    assert set(eye.watch.evidence) == before
    eye.see(cohorts(**{f"c{n:02}": (2, 100) for n in range(MOST_COHORTS)}, new=(2, 50_000)))
    assert "it[new]" in eye.watch.evidence


def test_recovery_of_a_gap_takes_every_cohort_with_enough_sample() -> None:
    eye = eye_on(GAP)
    eye.see(cohorts(en=(40, 400), de=(20, 200), fi=(5, 50)), times=8)
    assert (only(shown(eye)).verdict, only(shown(eye)).cohort) == (Verdict.SUSPECT, "fi")
    eye = eye_on(GAP)
    eye.see(cohorts(en=(100, 1000), de=(100, 1000), fi=(100, 1000)), times=40)
    assert only(shown(eye)).verdict is Verdict.HEALTHY
    eye.see(cohorts(en=(100, 1000), de=(100, 1000), fi=(400, 1000)), times=40)
    assert (only(shown(eye)).verdict, only(shown(eye)).cohort) == (Verdict.BREACHED, "fi")


def test_recovery_holds_a_new_cohort_against_the_rest_in_its_own_time() -> None:
    eye = eye_on(GAP)
    eye.see(cohorts(en=(900, 1000), de=(900, 1000)), times=30)
    eye.see(cohorts(en=(10, 1000), de=(10, 1000), fi=(90, 1000)), times=10)
    assert (only(shown(eye)).verdict, only(shown(eye)).cohort) == (Verdict.BREACHED, "fi")


def test_a_concern_of_people_makes_less_evidence_enough_for_cohorts_too() -> None:
    judgment = {"id": "view", "by": ["lead"], "ask": "?", "expires": "1h"}
    answers = {"answers": {"concerned": "weaker evidence suffices"}}
    eye = Eye(guard_of(GAP, judgments=({**judgment, **answers},)))
    concerned = Judged(
        judgment="view", answer="concerned", by="Sue", at=OPENED, until=OPENED + timedelta(hours=1)
    )
    assert only(eye.see(cohorts(**FAIR))).need == 3 * 1440
    assert only(eye.see(cohorts(**FAIR), judged=[concerned])).need == 3 * 144


DRIFT = quick(
    {"compare": "drift", "reference": {"billing": 0.5, "travel": 0.5}, "max_rise": "10%"}, signal="topics"
)


def topics(**counts: int) -> Growth:
    """Return how the categories grow: each of the whole."""
    whole = sum(counts.values())
    return {"topics": {name: (count, whole) for name, count in counts.items()}}


def test_a_distribution_that_stays_is_healthy_and_says_how_far_it_is_from_its_reference() -> None:
    eye = eye_on(DRIFT)
    said = eye.see(topics(billing=55, travel=45), times=20)
    assert (eye.watch.tracks["topics"].bad, eye.watch.tracks["topics"].judged) == (2000, 2000)
    assert only(said).verdict is Verdict.HEALTHY
    assert only(said).reason.endswith("healthy, total variation distance 5.00%")
    assert only(said).shift == pytest.approx(0.05)
    assert only(shown(eye)).verdict is Verdict.HEALTHY


def test_the_category_that_rose_most_is_named_with_what_it_may_have() -> None:
    eye = eye_on(DRIFT)
    factor = only(eye.see(topics(billing=80, travel=20), times=20))
    assert (factor.verdict, factor.cohort, factor.limit) == (Verdict.BREACHED, "billing", 0.6)
    assert "1600 bad of 2000 judged (80.00%, limit 60.00%)" in factor.reason
    assert only(shown(eye)).cohort == "billing"
    assert only(shown(eye)).verdict is Verdict.BREACHED


def test_a_category_that_the_reference_does_not_know_may_have_no_more_than_the_rise() -> None:
    eye = eye_on(DRIFT)
    factor = only(eye.see(topics(billing=35, travel=35, medical=30), times=20))
    assert (factor.verdict, factor.cohort, factor.limit) == (Verdict.BREACHED, "medical", 0.1)
    assert factor.reason.endswith("total variation distance 30.00%")
    assert factor.shift == pytest.approx(0.3)


def test_a_share_that_could_never_rise_above_everything_is_not_tested() -> None:
    most = quick(
        {"compare": "drift", "reference": {"billing": 0.95, "travel": 0.05}, "max_rise": "10%"},
        signal="topics",
    )
    eye = eye_on(most)
    eye.see(topics(billing=100, travel=0), times=20)
    assert set(eye.watch.evidence) == {"it[travel]"}


def test_a_split_stream_is_silent_when_no_cohort_counts_anything() -> None:
    for one, growth in ((GAP, cohorts(**FAIR)), (DRIFT, topics(billing=50, travel=50))):
        eye = eye_on(one)
        eye.see(growth, times=3)
        assert [only(eye.see({})).verdict for _ in range(4)][-1] is Verdict.BLIND
        assert only(shown(eye)).verdict is Verdict.BLIND


def test_what_every_kind_of_criterion_knows_survives_its_way_through_json() -> None:
    more = (
        quick(GAP.test.model_dump(), name="gap"),
        quick(DRIFT.test.model_dump(), name="drift", signal="topics"),
    )
    compared = quick({"compare": "baseline", "max_ratio": 1.5, "bad": "b", "of": "o"})
    eye = eye_on(limit(), compared, *more)
    growth = {"errors": (5, 100), "it@baseline": (4, 400), **cohorts(**FAIR), **topics(billing=50, travel=50)}
    eye.see(growth, times=5)
    assert len(eye.watch.evidence) == 7
    assert all(detector.evidence(one) > 0 for one in eye.watch.evidence.values())
    assert Watch.model_validate_json(eye.watch.model_dump_json()) == eye.watch
