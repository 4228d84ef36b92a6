"""What a rate is held against: a limit from either side, its usual value, a baseline."""

from __future__ import annotations

import pytest

from backout.evaluation import Outcome, Verdict
from tests.unit.guards import Eye, Growth, eye_on, guard_of, only, quick, shown

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
