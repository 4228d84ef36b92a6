"""Readings become verdicts, verdicts an evaluation of the rules, with every number kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from backout import detector
from backout.alerts import Alert
from backout.counting import Reading, Totals
from backout.criteria import Criterion
from backout.evaluation import Evaluation, Outcome, Verdict
from backout.rules import Rule
from backout.triggers import BLIND_AFTER_TICKS, advance, breach, difference, needs, recovery
from backout.watch import Watch
from tests.unit.views import OPENED, alert

TICK = timedelta(seconds=15)
NONE, NAN, INF = None, float("nan"), float("inf")
Look = tuple[float | None, float | None]
"""What a source has counted up to now: bad, of how many."""


def limit(name: str = "error-limit", signal: str = "errors", **changes: Any) -> Criterion:  # noqa: ANN401  # any field
    fields = {"id": name, "signal": signal, "test": {"compare": "limit", "max": "1%"}}
    return Criterion.model_validate({**fields, **changes})


def rule(name: str, *criteria: str) -> Rule:
    return Rule.model_validate({"id": name, "when": {"any_of": criteria}, "authority": "auto"})


ERRORS = limit()
REPORTED = Criterion.model_validate({"id": "reported", "test": {"compare": "alert", "named": "Reported"}})
CRITICAL = rule("critical", "error-limit", "reported")


def watched(looks: Sequence[Look], *criteria: Criterion, keep: int = 40) -> Watch:
    """Watch the signal of the errors through these looks."""
    watch = Watch(started_at=OPENED)
    for bad, of in looks:
        seen = {"errors": Totals(bad=bad, of=of)}
        watch = advance(watch, seen, criteria=criteria or (ERRORS,), tick=TICK, keep=keep)
    return watch


def growing(ticks: int, bad: float, judged: float) -> list[Look]:
    """Return looks at counters that grow by so much in each tick."""
    return [(1000 + bad * tick, 50_000 + judged * tick) for tick in range(ticks + 1)]


def said(watch: Watch, *criteria: Criterion, firing: Sequence[Alert] = ()) -> Evaluation:
    return breach(watch, criteria=criteria or (ERRORS,), rules=(CRITICAL,), firing=firing, tick=TICK)


READINGS: dict[str, tuple[Look, Look, tuple[int, int]]] = {
    "what was counted since": ((10, 1000), (13, 1100), (3, 100)),
    "nothing happened": ((10, 1000), (10, 1000), (0, 0)),
    "a sum that fell: a service restarted, or a replica left": ((10, 1000), (2, 950), (0, 0)),
    "more bad than judged is nonsense": ((10, 1000), (30, 1010), (0, 0)),
    "the first look has nothing to compare with": ((NONE, NONE), (10, 1000), (0, 0)),
    "no bad counter": ((10, 1000), (NONE, 1100), (0, 0)),
    "no judged counter": ((10, 1000), (13, NONE), (0, 0)),
    "not a number, as Prometheus answers 0/0": ((10, 1000), (NAN, 1100), (0, 0)),
    "a judged that is not a number": ((10, 1000), (13, NAN), (0, 0)),
    "not a number before": ((NAN, NAN), (13, 1100), (0, 0)),
    "infinite": ((10, 1000), (13, INF), (0, 0)),
    "infinite before": ((10, INF), (13, 1100), (0, 0)),
    "negative": ((10, 1000), (-1, 1100), (0, 0)),
    "negative before": ((-5, -5), (13, 1100), (0, 0)),
}


@pytest.mark.parametrize("case", READINGS)
def test_a_reading_is(case: str) -> None:
    before, now, (bad, judged) = READINGS[case]
    reading = difference(Totals(bad=before[0], of=before[1]), Totals(bad=now[0], of=now[1]))
    assert reading == Reading(bad=bad, judged=judged)


def test_a_watch_keeps_its_window_and_everything_it_counted() -> None:
    watch = watched(growing(5, 2, 100), keep=3)
    track = watch.tracks["errors"]
    assert watch.ticks == 6
    assert track.recent == (Reading(bad=2, judged=100),) * 3
    assert (track.bad, track.judged, track.silent) == (10, 500, 0)


def test_a_look_without_data_loses_nothing_of_what_is_counted_later() -> None:
    track = watched([(0, 0), (1, 100), (NONE, NONE), (NAN, INF), (3, 300)]).tracks["errors"]
    assert [(reading.bad, reading.judged) for reading in track.recent] == [
        (0, 0),
        (1, 100),
        (0, 0),
        (0, 0),
        (2, 200),
    ]
    assert track.totals == Totals(bad=3, of=300)


def test_every_criterion_of_a_signal_has_its_own_evidence() -> None:
    loose = limit("loose", test={"compare": "limit", "max": "20%"})
    watch = watched(growing(3, 5, 100), ERRORS, loose)
    need, _ = needs(ERRORS, TICK)
    statistics: tuple[float, ...] = detector.NO_EVIDENCE
    for _ in range(3):
        statistics = detector.advance(
            statistics, bad=5, judged=100, limit=0.01, largest=detector.cap(need, 180 / 15)
        )
    assert watch.evidence["error-limit"] == pytest.approx(statistics)
    assert detector.evidence(watch.evidence["loose"]) < detector.evidence(statistics)


def test_what_is_needed_is_counted_in_ticks() -> None:
    assert needs(ERRORS, TICK) == (100 * 24 * 240, 7 * 24 * 240)


def test_healthy_means_data_and_no_suspicion() -> None:
    (found,) = said(watched(growing(3, 1, 1000))).factors
    assert found.verdict is Verdict.HEALTHY
    assert (found.bad, found.judged, found.limit) == (3, 3000, 0.01)
    assert found.reason.startswith("error-limit: 3 bad of 3000 judged (0.10%, limit 1.00%), evidence ")
    assert found.reason.endswith(" of 5.76e+05 needed, healthy")


def test_suspect_comes_before_breached_and_a_burst_is_no_breach_before_sustain() -> None:
    verdicts = [said(watched(growing(ticks, 900, 1000))).factors[0].verdict for ticks in range(1, 13)]
    assert verdicts[0] is Verdict.HEALTHY
    assert verdicts[-2:] == [Verdict.SUSPECT, Verdict.BREACHED]
    assert Verdict.BREACHED not in verdicts[:-1]


def test_a_breach_stays_one_when_the_source_falls_silent() -> None:
    looks = [*growing(12, 900, 1000), *[(NONE, NONE)] * 10]
    assert said(watched(looks)).factors[0].verdict is Verdict.BREACHED


def test_blind_without_any_data_and_after_some_silent_ticks() -> None:
    assert said(watched([(0, 0)])).factors[0].verdict is Verdict.BLIND
    seen: list[Look] = growing(3, 1, 1000)
    silent = [said(watched([*seen, *[(NONE, NONE)] * n])).factors[0].verdict for n in range(1, 6)]
    assert silent == [Verdict.HEALTHY] * (BLIND_AFTER_TICKS - 1) + [Verdict.BLIND] * 2


def test_a_source_that_answers_but_counts_nothing_is_as_silent_as_one_that_is_down() -> None:
    assert said(watched([*growing(3, 1, 1000), *[(1003, 53_000)] * 4])).factors[0].verdict is Verdict.BLIND


def test_the_first_rule_that_fires_is_named_with_its_reasons_only() -> None:
    other = limit("other", test={"compare": "limit", "max": "2%"})
    rules = (rule("quiet", "reported"), rule("first", "error-limit", "reported"), rule("second", "other"))
    criteria = (other, ERRORS, REPORTED)
    watch = watched(growing(12, 900, 1000), *criteria)
    evaluation = breach(watch, criteria=criteria, rules=rules, firing=(), tick=TICK)
    assert (evaluation.outcome, evaluation.rule) == (Outcome.FIRED, "first")
    assert [reason.partition(":")[0] for reason in evaluation.reasons] == ["error-limit"]
    assert [found.criterion for found in evaluation.factors] == ["other", "error-limit", "reported"]


def test_a_breached_criterion_that_no_rule_uses_fires_nothing_and_is_not_clear() -> None:
    watch = watched(growing(12, 900, 1000))
    evaluation = breach(watch, criteria=(ERRORS,), rules=(rule("r", "reported"),), firing=(), tick=TICK)
    assert evaluation.outcome is Outcome.INCONCLUSIVE


def test_a_window_that_looks_well_is_not_clear_while_the_evidence_still_says_otherwise() -> None:
    bad = growing(16, 900, 1000)
    watch = watched([*bad, (bad[-1][0], (bad[-1][1] or 0) + 320)], keep=1)
    assert recovery(watch, criteria=(ERRORS,)).outcome is Outcome.CLEAR
    evaluation = breach(watch, criteria=(ERRORS,), rules=(rule("r", "reported"),), firing=(), tick=TICK)
    assert evaluation.outcome is Outcome.INCONCLUSIVE


def test_an_alert_that_is_trusted_fires_without_data_and_only_while_it_fires() -> None:
    watch = watched([(NONE, NONE)], ERRORS, REPORTED)
    fired = said(watch, ERRORS, REPORTED, firing=[alert("Reported")])
    assert (fired.outcome, fired.rule, fired.reasons) == (
        Outcome.FIRED,
        "critical",
        ("alert Reported is firing",),
    )
    resolved = said(watch, ERRORS, REPORTED, firing=[alert("Reported", status="resolved"), alert("Other")])
    assert resolved.outcome is Outcome.INCONCLUSIVE
    assert resolved.factors[1].reason == "alert Reported is not firing"


def test_clear_takes_proof_below_the_limit_and_not_only_the_lack_of_a_breach() -> None:
    assert said(watched(growing(1, 0, 100))).outcome is Outcome.INCONCLUSIVE
    assert said(watched(growing(10, 1, 1000))).outcome is Outcome.CLEAR


def test_one_blind_criterion_keeps_everything_from_being_clear() -> None:
    blind = limit("blind", signal="unseen")
    watch = watched(growing(10, 1, 1000))
    assert said(watch, ERRORS, blind).outcome is Outcome.INCONCLUSIVE
    assert recovery(watch, criteria=(ERRORS, blind)).outcome is Outcome.INCONCLUSIVE


def test_alerts_alone_never_show_health() -> None:
    watch = Watch(started_at=OPENED)
    assert said(watch, REPORTED).outcome is Outcome.INCONCLUSIVE
    assert recovery(watch, criteria=(REPORTED,)).reasons == ("no signal measures recovery",)


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
    evaluation = recovery(watched(looks), criteria=(ERRORS,))
    assert (evaluation.factors[0].verdict, evaluation.outcome) == (verdict, outcome)
    assert evaluation.reasons[0].endswith(reason)


def test_recovery_takes_the_sample_that_the_playbook_asks_for() -> None:
    watch = watched(growing(4, 0, 100))
    assert recovery(watch, criteria=(limit(min_sample=400),)).outcome is Outcome.CLEAR
    assert recovery(watch, criteria=(limit(min_sample=401),)).outcome is Outcome.INCONCLUSIVE


def test_recovery_looks_at_the_window_only() -> None:
    looks: list[Look] = [(0, 0), (900, 1000), (901, 3000), (902, 5000)]
    assert recovery(watched(looks, keep=3), criteria=(ERRORS,)).outcome is Outcome.FIRED
    assert recovery(watched(looks, keep=2), criteria=(ERRORS,)).outcome is Outcome.CLEAR


def test_a_window_that_looks_well_is_no_recovery_once_the_source_is_silent() -> None:
    seen = growing(10, 1, 1000)
    silent = [recovery(watched([*seen, *[(NONE, NONE)] * n]), criteria=(ERRORS,)) for n in (3, 4)]
    assert [found.outcome for found in silent] == [Outcome.CLEAR, Outcome.INCONCLUSIVE]
    assert silent[1].factors[0].verdict is Verdict.BLIND


def test_a_watch_survives_its_way_through_json() -> None:
    watch = watched([*growing(3000, 900, 1000), (NAN, NAN)])
    assert Watch.model_validate_json(watch.model_dump_json()) == watch
