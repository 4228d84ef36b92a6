"""A postmortem states what the timeline says: every number, and nothing that did not happen."""

from __future__ import annotations

from datetime import timedelta

import pytest

from backout.evaluation import Factor, Outcome, Verdict
from backout.people import Action
from backout.postmortem import Facts, facts
from backout.releases import Artifact
from backout.timeline import AlertReceived, Event, Held, StepTimedOut
from backout.timeline_plans import PlanChosen
from tests.unit.views import (
    alert,
    at,
    counted,
    empty_view,
    factor,
    full_view,
    judged,
    stage,
    view_of,
)

MINUTE = timedelta(minutes=1)
WELL = factor(Verdict.HEALTHY, 0, 4000)
ILL = factor(Verdict.BREACHED, 80, 4000)
MODEL = Artifact(kind="model", name="chat", digest="sha256:" + "a" * 64)


def found(*events: Event, **state: object) -> Facts:
    return facts(view_of(*events, **state))


def test_every_time_is_counted_from_the_start_of_the_first_alerts_episode() -> None:
    times = facts(full_view()).times
    assert times.started_at == at(-5)
    assert times.to_open == 5 * MINUTE
    assert times.to_detect == 8 * MINUTE
    assert times.to_acknowledge == 11 * MINUTE
    assert times.to_first_revert == 15 * MINUTE
    assert times.to_full_revert == 23 * MINUTE
    assert times.to_recovery == 38 * MINUTE


def test_what_did_not_happen_has_no_time() -> None:
    times = facts(empty_view()).times
    assert times.started_at == at(0)
    assert times.model_dump(exclude={"started_at"}) == dict.fromkeys(
        ("to_open", "to_detect", "to_acknowledge", "to_first_revert", "to_full_revert", "to_recovery")
    )


def test_the_earliest_episode_counts_in_whatever_order_alerts_came() -> None:
    late = AlertReceived(at=at(0), alert=alert("A", began=-1))
    early = AlertReceived(at=at(2), alert=alert("B", began=-30))
    assert found(late, early).times.started_at == at(-30)


def test_a_revert_that_stopped_half_way_is_no_full_revert() -> None:
    times = found(stage(10, 100, 50), stage(11, 50, 10)).times
    assert times.to_first_revert == 10 * MINUTE
    assert times.to_full_revert is None


def test_a_stage_that_somebody_else_had_set_is_no_revert_of_ours_but_the_full_one_is_seen() -> None:
    times = found(stage(10, 100, 50), stage(12, 0, 0, target=10)).times
    assert times.to_full_revert == 12 * MINUTE
    assert found(stage(12, 0, 0)).times.to_first_revert is None


def test_recovery_that_a_later_judgment_takes_back_was_none() -> None:
    by_dilution = judged(12, "recovery", Outcome.CLEAR, WELL)
    assert found(by_dilution, judged(30, "recovery", Outcome.INCONCLUSIVE)).times.to_recovery is None
    shown = found(
        by_dilution,
        judged(14, "recovery", Outcome.FIRED, ILL),
        judged(30, "recovery", Outcome.CLEAR, WELL),
        judged(50, "recovery", Outcome.CLEAR, WELL),
    )
    assert shown.times.to_recovery == 30 * MINUTE


def test_a_healthy_breach_watch_is_no_recovery_and_an_unfired_one_no_detection() -> None:
    times = found(judged(3, "breach", Outcome.CLEAR, WELL), judged(9, "recovery", Outcome.FIRED, ILL)).times
    assert (times.to_detect, times.to_recovery) == (None, None)


def test_the_blast_radius_is_the_growth_of_the_count() -> None:
    assert facts(full_view()).requests == 6600
    assert found(counted(0, 1000), counted(5, 1500), counted(9, 1700)).requests == 700


def test_a_counter_that_was_restarted_counts_from_zero() -> None:
    assert found(counted(0, 1000), counted(5, 1400), counted(9, 250), counted(12, 300)).requests == 700


@pytest.mark.parametrize(
    "counts", [(), (counted(0, 1000),), (counted(0, 1000), counted(5, None))], ids=["none", "one", "half"]
)
def test_without_two_counts_there_is_no_number_and_no_zero(counts: tuple[Event, ...]) -> None:
    assert found(*counts).requests is None


def test_a_gap_between_counts_is_bridged() -> None:
    assert found(counted(0, 1000), counted(5, None), counted(9, 1700)).requests == 700


def test_exposure_before_and_after_are_those_of_the_first_stage_and_of_now() -> None:
    seen = facts(full_view())
    assert (seen.exposure_before, seen.exposure_after) == (100, 0)
    assert (facts(empty_view()).exposure_before, facts(empty_view()).exposure_after) == (None, None)


def test_the_last_evaluation_of_each_sense_is_what_counts() -> None:
    seen = found(
        judged(1, "breach", Outcome.INCONCLUSIVE),
        judged(3, "breach", Outcome.FIRED, ILL),
        judged(9, "recovery", Outcome.FIRED, ILL),
        judged(20, "recovery", Outcome.CLEAR, WELL),
    )
    assert seen.fired is not None
    assert seen.fired.factors == (ILL,)
    assert seen.recovery is not None
    assert seen.recovery.factors == (WELL,)


def test_everything_else_is_taken_over_in_its_order() -> None:
    seen = facts(full_view())
    assert [one.after for one in seen.stages] == [50, 10, 0]
    assert [one.why for one in seen.stops] == ["stopped on request"]
    assert [(one.action, one.right) for one in seen.acts] == [
        (Action.ACKNOWLEDGE, "on_call"),
        (Action.APPROVE, "commander"),
        (Action.SEVERITY, "commander"),
        (Action.BREAK_GLASS, "on_call"),
    ]
    assert [(one.actor.name, one.reason) for one in seen.bypasses] == [("Ann", "nobody answers")]
    assert "Was it right that Ann went past the quorum (break_glass: nobody answers)?" in seen.questions
    assert [one.found for one in seen.checks] == ["12 stale entries"]
    assert [one.people for one in seen.pages] == [("Ann",)]
    assert [one.audience for one in seen.messages] == ["customers"]
    assert [one.audience for one in seen.unsent] == ["commander"]


def test_the_record_raises_the_questions_that_it_cannot_answer() -> None:
    blind = Factor(criterion="gap-limit", verdict=Verdict.BLIND, reason="no data")
    asked = found(
        judged(3, "breach", Outcome.FIRED, ILL, blind),
        StepTimedOut(at=at(5), step="manual", move="hold", missing="1 of 2"),
        Held(at=at(6), by="a person", why="Ann: look"),
        Held(at=at(7), by="a person", why="Ann: look"),
    ).questions
    assert asked == (
        "What was the root cause, and why did the checks before the release not find it?",
        "Why had 'gap-limit' no data, and since when?",
        "Could a signal have diverged earlier? Which one moved first?",
        "Why did step 'manual' run out of time (1 of 2)?",
        "Was it right to hold ('Ann: look')?",
        "Which thresholds, signals, rights or steps of the playbook should change? Who does it, by when?",
    )


def test_an_incident_that_no_signal_has_seen_asks_for_the_signal() -> None:
    assert "The signals fired no rule. Which signal or limit would have told it?" in found().questions


def test_what_was_done_in_the_reverts_place_is_asked_after_until_somebody_undoes_it() -> None:
    question = "Is 'strict' still in place, and who undoes it when?"
    tried = PlanChosen(at=at(3), chosen="strict", not_chosen=("revert",), by=("Ann",))
    after = PlanChosen(at=at(9), chosen="revert", not_chosen=(), by=("Ben",))
    assert question in facts(view_of(tried, after)).questions
    assert question not in facts(view_of(after)).questions
