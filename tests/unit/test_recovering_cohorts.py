"""Recovery of cohorts of which there is little, or nothing, in the window."""

from __future__ import annotations

import pytest

from backout import recovering
from backout.evaluation import Factor, Outcome, Verdict
from backout.watch import Watch
from tests.unit.guards import Eye, Growth, eye_on, only, quick, shown

GAP = quick({"compare": "gap", "by": "language", "max_ratio": 1.5})
"""With 50 judged as the least sample."""
STREAM = "errors/language"
WELL = {"en": (100, 1000), "de": (100, 1000)}
RARE = 10**9
"""Totals of the others beside which a cohort's 10,000 are next to nothing."""


def cohorts(**growth: tuple[int, int]) -> Growth:
    return {STREAM: growth}


def seen(*, before: int = 10_000, **growth: tuple[int, int]) -> Eye:
    """Return a watch that saw all three cohorts once, and then for a whole window the others and these.

    `before` is what the source had counted of each of the others; of Finnish it was 10,000.
    """
    eye = eye_on(GAP)
    eye.see(cohorts(en=(0, before), de=(0, before), fi=(0, 0)))
    eye.see(cohorts(**WELL, **growth), times=eye.keep)
    return eye


def recovery_of(eye: Eye) -> Factor:
    return only(shown(eye))


def doubting(eye: Eye) -> Eye:
    """Return the watch as it were, had Finnish been suspect when it began."""
    evidence = {**eye.watch.evidence, "it[fi]": (1e4,) * 4}
    eye.watch = eye.watch.model_copy(update={"evidence": evidence})
    return eye


def test_a_cohort_that_should_be_there_and_is_not_leaves_recovery_blind_and_is_named() -> None:
    factor = recovery_of(seen())
    assert (factor.verdict, factor.cohort, factor.judged) == (Verdict.BLIND, "fi", 0)
    assert factor.reason == "it[fi]: by its part of all before there would be 16000 judged: no data, blind"
    assert shown(seen()).outcome is Outcome.INCONCLUSIVE


def test_an_alert_is_not_called_false_while_such_a_cohort_is_missing() -> None:
    eye = seen()
    assert eye.see(cohorts(**WELL)).outcome is Outcome.INCONCLUSIVE
    assert eye.see(cohorts(**WELL, fi=(0, 1))).outcome is Outcome.CLEAR


@pytest.mark.parametrize("fi", [{}, {"fi": (0, 1)}], ids=["none of it", "a little of it, and well"])
def test_a_cohort_that_is_rare_anyway_does_not_stand_in_the_way(fi: dict[str, tuple[int, int]]) -> None:
    factor = recovery_of(seen(before=RARE, **fi))
    assert (factor.verdict, factor.cohort == "fi") == (Verdict.HEALTHY, False)


def test_it_stands_in_the_way_again_as_soon_as_its_absence_is_no_chance() -> None:
    # Its part of the 80,000 in the window; three cohorts must each be as sure as 1 in 60: 4.1 nats.
    assert recovery_of(seen(before=90_000_000)).verdict is Verdict.BLIND
    assert recovery_of(seen(before=110_000_000)).verdict is Verdict.HEALTHY


@pytest.mark.parametrize(
    ("fi", "verdict", "why"),
    [
        pytest.param({}, Verdict.BLIND, "no data, blind", id="none of it"),
        pytest.param({"fi": (0, 1)}, Verdict.SUSPECT, "0 bad of 40 judged", id="a little of it"),
    ],
)
def test_a_cohort_that_was_suspect_is_left_out_however_rare_it_is_only_once_it_is_shown(
    fi: dict[str, tuple[int, int]], verdict: Verdict, why: str
) -> None:
    factor = recovery_of(doubting(seen(before=RARE, **fi)))
    assert (factor.verdict, factor.cohort) == (verdict, "fi")
    assert factor.reason.startswith(f"it[fi]: it was suspect, and there is too little of it: {why}")
    enough = doubting(seen(before=RARE, fi=(100, 1000)))
    assert recovery_of(enough).verdict is Verdict.HEALTHY


def test_a_little_that_is_clearly_bad_is_no_recovery_although_it_is_no_evidence_yet() -> None:
    eye = seen(before=RARE)
    assert only(eye.see(cohorts(**WELL, fi=(40, 40)))).verdict is Verdict.HEALTHY
    factor = recovery_of(eye)
    assert (factor.verdict, factor.cohort, factor.judged) == (Verdict.BREACHED, "fi", 40)
    assert shown(eye).outcome is Outcome.FIRED


def test_a_category_that_is_not_seen_has_no_share_and_has_not_risen() -> None:
    test: dict[str, object] = {
        "compare": "drift",
        "reference": {"billing": 0.5, "travel": 0.5},
        "max_rise": "10%",
    }
    eye = eye_on(quick(test, signal="topics"))
    both, one = {"billing": (500, 1000), "travel": (500, 1000)}, {"billing": (550, 1000)}
    eye.see({"topics": {**both, "spam": (0, 1000)}})
    eye.see({"topics": both}, times=eye.keep)
    assert only(shown(eye)).verdict is Verdict.HEALTHY
    eye.see({"topics": one}, times=eye.keep)
    assert only(shown(eye)).cohort != "travel"


def test_what_was_suspect_before_the_revert_must_be_shown_after_it_also_where_it_is_gone() -> None:
    ill = seen(before=RARE, fi=(30, 100))
    begun = recovering.begun(ill.watch, ill.guard, ill.now)
    assert begun is not None
    assert (set(begun.evidence), begun.ticks) == ({"it[fi]"}, 0)
    eye = eye_on(GAP)
    eye.watch = begun
    eye.see(cohorts(**WELL), times=eye.keep)
    assert (recovery_of(eye).verdict, recovery_of(eye).cohort) == (Verdict.BLIND, "fi")
    eye.see(cohorts(**WELL, fi=(100, 1000)), times=eye.keep)
    assert recovery_of(eye).verdict is Verdict.HEALTHY


def test_where_nothing_was_suspect_there_is_nothing_to_remember() -> None:
    well = seen(before=RARE, fi=(10, 100))
    assert recovering.begun(well.watch, well.guard, well.now) is None
    assert recovering.begun(Watch(started_at=well.now), well.guard, well.now) is None
