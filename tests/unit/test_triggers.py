"""Readings become verdicts, verdicts an evaluation of the rules, with every number kept."""

from __future__ import annotations

import pytest

from backout import detector
from backout.evaluation import Outcome, Verdict
from backout.watch import Watch
from backout.weighing import BLIND_AFTER_TICKS, needs
from tests.unit.counters import ERRORS, NAN, NONE, Look, growing, recovered, said, watched
from tests.unit.guards import TICK, limit, reported, rule
from tests.unit.views import alert

REPORTED = reported()
CRITICAL = rule("critical", "error-limit", "reported")


def test_every_criterion_of_a_signal_has_its_own_evidence() -> None:
    loose = limit("loose", test={"compare": "limit", "max": "20%"})
    watch = watched(growing(3, 5, 100), ERRORS, loose)
    need, _ = needs(ERRORS, TICK)
    statistics: tuple[float, ...] = detector.NO_EVIDENCE
    for _ in range(3):
        statistics = detector.advance(
            statistics,
            bad=5,
            judged=100,
            ratios=detector.log_ratios(0.01),
            largest=detector.cap(need, 180 / 15),
        )
    assert watch.evidence["error-limit"] == pytest.approx(statistics)
    assert detector.evidence(watch.evidence["loose"]) < detector.evidence(statistics)


def test_what_is_needed_is_counted_in_ticks() -> None:
    assert needs(ERRORS, TICK) == (100 * 24 * 240, 7 * 24 * 240)


def test_healthy_means_data_and_no_suspicion() -> None:
    (found,) = said(growing(3, 1, 1000)).factors
    assert found.verdict is Verdict.HEALTHY
    assert (found.bad, found.judged, found.limit) == (3, 3000, 0.01)
    assert found.reason.startswith("error-limit: 3 bad of 3000 judged (0.10%, limit 1.00%), evidence ")
    assert found.reason.endswith(" of 5.76e+05 needed, healthy")


def test_suspect_comes_before_breached_and_a_burst_is_no_breach_before_sustain() -> None:
    verdicts = [said(growing(ticks, 900, 1000)).factors[0].verdict for ticks in range(1, 13)]
    assert verdicts[0] is Verdict.HEALTHY
    assert verdicts[-2:] == [Verdict.SUSPECT, Verdict.BREACHED]
    assert Verdict.BREACHED not in verdicts[:-1]


def test_a_breach_stays_one_when_the_source_falls_silent() -> None:
    looks = [*growing(12, 900, 1000), *[(NONE, NONE)] * 10]
    assert said(looks).factors[0].verdict is Verdict.BREACHED


def test_blind_without_any_data_and_after_some_silent_ticks() -> None:
    assert said([(0, 0)]).factors[0].verdict is Verdict.BLIND
    seen: list[Look] = growing(3, 1, 1000)
    silent = [said([*seen, *[(NONE, NONE)] * n]).factors[0].verdict for n in range(1, 6)]
    assert silent == [Verdict.HEALTHY] * (BLIND_AFTER_TICKS - 1) + [Verdict.BLIND] * 2


def test_a_source_that_answers_but_counts_nothing_is_as_silent_as_one_that_is_down() -> None:
    assert said([*growing(3, 1, 1000), *[(1003, 53_000)] * 4]).factors[0].verdict is Verdict.BLIND


def test_the_first_rule_that_fires_is_named_with_its_reasons_only() -> None:
    other = limit("other", test={"compare": "limit", "max": "2%"})
    rules = (rule("quiet", "reported"), rule("first", "error-limit", "reported"), rule("second", "other"))
    evaluation = said(growing(12, 900, 1000), other, ERRORS, REPORTED, rules=rules)
    assert (evaluation.outcome, evaluation.rule, evaluation.do) == (Outcome.FIRED, "first", "revert")
    assert [reason.partition(":")[0] for reason in evaluation.reasons] == ["error-limit"]
    assert [found.criterion for found in evaluation.factors] == ["other", "error-limit", "reported"]


def test_a_breached_criterion_that_no_rule_uses_fires_nothing_and_is_not_clear() -> None:
    evaluation = said(growing(12, 900, 1000), ERRORS, REPORTED, rules=(rule("r", "reported"),))
    assert evaluation.factors[0].verdict is Verdict.BREACHED
    assert evaluation.outcome is Outcome.INCONCLUSIVE


def test_a_window_that_looks_well_is_not_clear_while_the_evidence_still_says_otherwise() -> None:
    bad = growing(16, 900, 1000)
    looks = [*bad, (bad[-1][0], (bad[-1][1] or 0) + 320)]
    assert recovered(looks, keep=1).outcome is Outcome.CLEAR
    evaluation = said(looks, ERRORS, REPORTED, rules=(rule("r", "reported"),), keep=1)
    assert evaluation.outcome is Outcome.INCONCLUSIVE


def test_a_rate_above_the_limit_that_is_not_proven_yet_says_so_although_it_is_no_suspicion() -> None:
    (above,) = said(growing(3, 3, 100)).factors
    assert above.verdict is Verdict.HEALTHY
    assert above.reason.endswith("healthy, above the limit but not yet proven")
    suspects = [said(growing(ticks, 90, 100)).factors[0] for ticks in range(10, 12)]
    assert {one.verdict for one in suspects} == {Verdict.SUSPECT}
    assert all(one.reason.endswith(", suspect") for one in suspects)
    (below,) = said(growing(3, 1, 1000)).factors
    assert below.reason.endswith("healthy")


def test_an_alert_that_is_trusted_fires_without_data_and_only_while_it_fires() -> None:
    both, rules = (ERRORS, REPORTED), (CRITICAL,)
    fired = said([(NONE, NONE)], *both, rules=rules, firing=[alert("Reported")])
    assert (fired.outcome, fired.rule, fired.reasons) == (
        Outcome.FIRED,
        "critical",
        ("alert Reported is firing",),
    )
    others = [alert("Reported", status="resolved"), alert("Other")]
    resolved = said([(NONE, NONE)], *both, rules=rules, firing=others)
    assert resolved.outcome is Outcome.INCONCLUSIVE
    assert resolved.factors[1].reason == "alert Reported is not firing"


def test_clear_takes_proof_below_the_limit_and_not_only_the_lack_of_a_breach() -> None:
    assert said(growing(1, 0, 100)).outcome is Outcome.INCONCLUSIVE
    assert said(growing(10, 1, 1000)).outcome is Outcome.CLEAR


def test_one_blind_criterion_keeps_everything_from_being_clear() -> None:
    blind = limit("blind", signal="unseen")
    assert said(growing(10, 1, 1000), ERRORS, blind).outcome is Outcome.INCONCLUSIVE
    assert recovered(growing(10, 1, 1000), ERRORS, blind).outcome is Outcome.INCONCLUSIVE


def test_alerts_alone_never_show_health() -> None:
    assert said(growing(3, 1, 1000), REPORTED).outcome is Outcome.INCONCLUSIVE
    assert recovered(growing(3, 1, 1000), REPORTED).reasons == ("no signal measures recovery",)


RECOVERY: dict[str, tuple[list[Look], Verdict, Outcome, str]] = {
    "clearly below": (growing(10, 1, 1000), Verdict.HEALTHY, Outcome.CLEAR, "below"),
    "clearly above": (growing(10, 30, 1000), Verdict.BREACHED, Outcome.FIRED, "still above"),
    "too close to say": (
        growing(10, 10, 1000),
        Verdict.SUSPECT,
        Outcome.INCONCLUSIVE,
        "not yet shown to be below (needs 200 judged, clearly below)",
    ),
    "no data": ([(NONE, NONE)] * 3, Verdict.BLIND, Outcome.INCONCLUSIVE, "no data, blind"),
}


@pytest.mark.parametrize("case", RECOVERY)
def test_recovery_is(case: str) -> None:
    looks, verdict, outcome, reason = RECOVERY[case]
    evaluation = recovered(looks)
    assert (evaluation.factors[0].verdict, evaluation.outcome) == (verdict, outcome)
    assert evaluation.reasons[0].endswith(reason)


def test_recovery_takes_the_sample_that_the_playbook_asks_for() -> None:
    looks = growing(4, 0, 100)
    assert recovered(looks, limit(min_sample=400)).outcome is Outcome.CLEAR
    assert recovered(looks, limit(min_sample=401)).outcome is Outcome.INCONCLUSIVE


def test_recovery_looks_at_the_window_only() -> None:
    looks: list[Look] = [(0, 0), (900, 1000), (901, 3000), (902, 5000)]
    assert recovered(looks, keep=3).outcome is Outcome.FIRED
    assert recovered(looks, keep=2).outcome is Outcome.CLEAR


def test_a_window_that_looks_well_is_no_recovery_once_the_source_is_silent() -> None:
    seen = growing(10, 1, 1000)
    silent = [recovered([*seen, *[(NONE, NONE)] * n]) for n in (3, 4)]
    assert [found.outcome for found in silent] == [Outcome.CLEAR, Outcome.INCONCLUSIVE]
    assert silent[1].factors[0].verdict is Verdict.BLIND


def test_a_watch_survives_its_way_through_json() -> None:
    watch = watched([*growing(3000, 900, 1000), (NAN, NAN)])
    assert Watch.model_validate_json(watch.model_dump_json()) == watch
