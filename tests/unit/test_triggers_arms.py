"""What a rate is held against: a limit from either side, its usual value, a baseline, the other cohorts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from backout import detector
from backout.criteria import Criterion
from backout.evaluation import Evaluation, Factor, Outcome, Verdict
from backout.guard import Judged
from backout.readings import MOST_COHORTS
from backout.triggers import recovery
from backout.watch import Watch
from backout.weighing import needs
from tests.unit.guards import TICK, Eye, Growth, criterion, guard_of, limit
from tests.unit.views import OPENED

QUICK = {"false_alarm": "6h", "false_hold": "30m", "sustain": "1m"}
"""1440 is enough evidence, and a burst needs four ticks."""


def quick(
    test: dict[str, object], *, name: str = "it", signal: str = "errors", **fields: object
) -> Criterion:
    return criterion(name, signal, test, **{"evidence": QUICK, "min_sample": 50, **fields})


def eye_on(*criteria: Criterion) -> Eye:
    return Eye(guard_of(*criteria))


def shown(eye: Eye) -> Evaluation:
    return recovery(eye.watch, guard=eye.guard)


def only(said: Evaluation) -> Factor:
    (factor,) = said.factors
    return factor


SIDES: dict[str, tuple[dict[str, object], tuple[int, int], tuple[int, int], str]] = {
    "a highest limit": (
        {"compare": "limit", "max": "5%"},
        (2, 100),
        (20, 100),
        "800 bad of 4000 judged (20.00%, limit 5.00%)",
    ),
    "a lowest limit that is high": (
        {"compare": "limit", "min": "90%"},
        (98, 100),
        (70, 100),
        "2800 of 4000 judged (70.00%, at least 90.00%)",
    ),
    "a lowest limit that is low": (
        {"compare": "limit", "min": "5%"},
        (12, 100),
        (1, 100),
        "40 of 4000 judged (1.00%, at least 5.00%)",
    ),
    "a multiple of the usual rate": (
        {"compare": "reference", "usual": "4%", "max_ratio": 1.5},
        (3, 100),
        (20, 100),
        "800 bad of 4000 judged (20.00%, limit 6.00%)",
    ),
    "a part of the usual rate": (
        {"compare": "reference", "usual": "80%", "min_ratio": 0.75},
        (80, 100),
        (30, 100),
        "1200 of 4000 judged (30.00%, at least 60.00%)",
    ),
}


@pytest.mark.parametrize("case", SIDES)
def test_a_rate_is_held_against(case: str) -> None:
    test, well, ill, numbers = SIDES[case]
    eye = eye_on(quick(test))
    said = eye.see({"errors": well}, times=40)
    assert (only(said).verdict, said.outcome) == (Verdict.HEALTHY, Outcome.CLEAR)
    assert only(shown(eye)).verdict is Verdict.HEALTHY
    eye = eye_on(quick(test))
    said = eye.see({"errors": ill}, times=40)
    assert only(said).verdict is Verdict.BREACHED
    assert numbers in only(said).reason
    assert only(shown(eye)).verdict is Verdict.BREACHED


def test_the_lower_side_is_told_in_its_own_words() -> None:
    eye = eye_on(quick({"compare": "limit", "min": "90%"}, min_sample=100))
    assert only(eye.see({"errors": (44, 50)})).reason.endswith("healthy, below the limit but not yet proven")
    assert only(shown(eye)).reason.endswith("not yet shown to be above (needs 100 judged, clearly above)")
    eye.see({"errors": (10, 50)}, times=4)
    assert only(shown(eye)).reason.endswith("still below")
    eye = eye_on(quick({"compare": "limit", "min": "90%"}))
    eye.see({"errors": (99, 100)}, times=4)
    assert only(shown(eye)).reason.endswith("above")


@pytest.mark.parametrize("limit_at", ["3%", "40%", "60%", "97%"])
def test_more_of_what_should_be_more_is_never_more_evidence(limit_at: str) -> None:
    found = []
    for good in range(0, 101, 10):
        eye = eye_on(quick({"compare": "limit", "min": limit_at}))
        found.append(only(eye.see({"errors": (good, 100)})).evidence)
    assert found == sorted(found, reverse=True)


BASELINE = quick({"compare": "baseline", "max_ratio": 1.5, "bad": "b", "of": "o"})
CONTROL = "it@baseline"


def against(ours: tuple[int, int], theirs: tuple[int, int]) -> Growth:
    return {"errors": ours, CONTROL: theirs}


def test_a_release_is_breached_when_it_is_worse_than_the_baseline_beside_it() -> None:
    eye = eye_on(BASELINE)
    factor = only(eye.see(against((20, 100), (20, 400)), times=10))
    assert factor.verdict is Verdict.BREACHED
    assert (factor.bad, factor.judged) == (200, 1000)
    assert factor.limit == pytest.approx(0.075)
    assert "200 bad of 1000 judged (20.00%, the baseline 200 of 4000, 5.00%, at most 1.5 times that)" in (
        factor.reason
    )


def test_swings_that_both_share_are_no_evidence() -> None:
    eye = eye_on(BASELINE)
    for rate in (1, 5, 20, 60, 90, 40, 3):
        factor = only(eye.see(against((rate, 100), (4 * rate, 400)), times=6))
        assert factor.verdict is Verdict.HEALTHY
        assert factor.evidence < 50


def test_less_than_a_part_of_what_the_baseline_has_is_a_breach_and_more_is_none() -> None:
    useful = quick({"compare": "baseline", "min_ratio": 0.8, "bad": "b", "of": "o"})
    eye = eye_on(useful)
    factor = only(eye.see(against((20, 100), (240, 400)), times=20))
    assert factor.verdict is Verdict.BREACHED
    assert "at least 0.8 times that" in factor.reason
    assert only(shown(eye)).verdict is Verdict.BREACHED
    eye = eye_on(useful)
    assert only(eye.see(against((95, 100), (240, 400)), times=20)).verdict is Verdict.HEALTHY
    assert only(shown(eye)).verdict is Verdict.HEALTHY


def test_what_one_arm_counts_alone_waits_until_the_other_has_counted_too() -> None:
    together, turns = eye_on(BASELINE), eye_on(BASELINE)
    turns.see(against((0, 0), (0, 0)))
    for _ in range(6):
        together.see(against((8, 200), (10, 400)))
        turns.see(against((8, 200), (0, 0)))
        turns.see(against((0, 0), (10, 400)))
    assert turns.watch.evidence == together.watch.evidence
    assert only(together.see(against((0, 0), (0, 0)))).evidence > 0


def test_counts_that_began_again_are_not_weighed_against_what_was_weighed_before() -> None:
    eye = eye_on(BASELINE)
    eye.see(against((1, 100), (4, 400)), times=5)
    before = eye.watch.evidence
    tracks = {key: track for key, track in eye.watch.tracks.items() if key == "errors"}
    eye.watch = eye.watch.model_copy(update={"tracks": tracks})
    eye.see(against((90, 100), (0, 400)))
    assert eye.watch.evidence.get("it", before["it"]) == before["it"]


def test_what_a_release_counts_before_its_baseline_is_seen_at_all_is_held_against_nothing() -> None:
    late, fresh = eye_on(BASELINE), eye_on(BASELINE)
    late.see({"errors": (90, 100)}, times=10)
    for eye in (late, fresh):
        eye.see(against((1, 100), (4, 400)), times=10)
    assert late.watch.evidence == fresh.watch.evidence


@pytest.mark.parametrize("silent", ["errors", CONTROL])
def test_two_arms_of_which_one_is_silent_are_blind(silent: str) -> None:
    both = against((1, 100), (4, 400))
    eye = eye_on(BASELINE)
    eye.see(both, times=3)
    alone = {key: growth for key, growth in both.items() if key != silent}
    said = [only(eye.see(alone)).verdict for _ in range(4)]
    assert said == [Verdict.HEALTHY] * 3 + [Verdict.BLIND]
    assert only(shown(eye)).verdict is Verdict.BLIND


def test_without_a_baseline_nothing_is_known_and_the_reason_is_told() -> None:
    eye = eye_on(BASELINE)
    said = eye.see({"errors": (90, 100)}, times=6, problems={CONTROL: "no baseline release is known"})
    assert only(said).verdict is Verdict.BLIND
    assert said.blind[0].why == "no baseline release is known"


def test_recovery_against_a_baseline_takes_bad_outputs_of_both_to_say_anything() -> None:
    eye = eye_on(BASELINE)
    eye.see(against((0, 1000), (0, 1000)), times=20)
    assert only(shown(eye)).verdict is Verdict.SUSPECT
    eye.see(against((2, 1000), (20, 1000)), times=10)
    assert only(shown(eye)).verdict is Verdict.HEALTHY
    eye.see(against((90, 1000), (20, 1000)), times=40)
    assert only(shown(eye)).verdict is Verdict.BREACHED


def test_a_window_in_which_only_one_arm_counted_shows_nothing() -> None:
    eye = Eye(guard_of(BASELINE), keep=1)
    eye.see(against((1, 100), (4, 400)), times=5)
    eye.see({"errors": (9, 100)})
    assert only(shown(eye)).verdict is Verdict.BLIND
    eye.see({CONTROL: (9, 100)})
    assert only(shown(eye)).verdict is Verdict.BLIND


def test_what_is_tolerated_is_never_more_than_everything() -> None:
    factor = only(eye_on(BASELINE).see(against((90, 100), (360, 400))))
    assert factor.limit == 1


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
    eye = eye_on(limit(), BASELINE, *more)
    growth = {**against((5, 100), (4, 400)), **cohorts(**FAIR), **topics(billing=50, travel=50)}
    eye.see(growth, times=5)
    assert len(eye.watch.evidence) == 7
    assert all(detector.evidence(one) > 0 for one in eye.watch.evidence.values())
    assert Watch.model_validate_json(eye.watch.model_dump_json()) == eye.watch
