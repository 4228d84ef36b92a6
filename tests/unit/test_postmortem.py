"""A postmortem states what the timeline says: every number, and nothing that did not happen."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activities.records import RecordActivities
from adapters.memory import MemoryStore
from backout.evaluation import Blindness, Evaluation, Factor, Outcome, Verdict, Vetoed
from backout.people import Action
from backout.postmortem import Facts, facts
from backout.releases import Artifact
from backout.requests import WritePostmortem
from backout.timeline import AlertReceived, Event, ExposureSet, Held, SignalsJudged, StepTimedOut
from backout.view import IncidentOutcome, IncidentView
from tests.unit.views import (
    ANN,
    EVERYTHING,
    TEMPLATES,
    alert,
    at,
    counted,
    empty_view,
    factor,
    full_view,
    judged,
    stage,
    taken,
    view_of,
)

MINUTE = timedelta(minutes=1)
WELL = factor(Verdict.HEALTHY, 0, 4000)
ILL = factor(Verdict.BREACHED, 80, 4000)
MODEL = Artifact(kind="model", name="chat", digest="sha256:" + "a" * 64)


def found(*events: Event, **state: object) -> Facts:
    return facts(view_of(*events, **state))


def document(view: IncidentView) -> str:
    """Return the postmortem of an incident."""
    store = MemoryStore()
    records = RecordActivities(store=store, channels={}, templates=TEMPLATES, history="")
    request = WritePostmortem(
        template="standard", view=view, outcome=IncidentOutcome.RECOVERED, written_at=at(42), due=at(7200)
    )
    asyncio.run(records.write_postmortem(request))
    (text,) = store.documents.values()
    return text


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
    ]
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


LINES = [
    "| Outcome | **recovered** |",
    "| Severity | major |",
    "| Opened | 2026-11-20 21:00:00 UTC |",
    "| Owner | Ann |",
    "| Review due | 2026-11-25 21:00:00 UTC |",
    "Counted from 2026-11-20 20:55:00 UTC, when the first alert says that it began.",
    "| incident opened | 5m |",
    "| signals detected it | 8m |",
    "| acknowledged | 11m |",
    "| first exposure taken off | 15m |",
    "| fully reverted | 23m |",
    "| recovery shown | 38m |",
    "The candidate served **6600** requests between the opening of the incident and the end of the revert.",
    "Exposure went from 100 % to 0 % of traffic.",
    "| error-limit | breached | 90 | 3000 | 3.00% | 0.30% | 6.12e+05 | 5.76e+05 |",
    "| 2026-11-20 21:14:00 UTC | chat-exposure | 10 % | 50 % | 10 % | yes |",
    "| error-limit | healthy | 1 | 5000 | 0.02% | 0.30% |",
    "2026-11-20 21:03:00 UTC: Investigation opened by rule bias: error-limit is breached. Look at the cohort",
    "- [ ] What did the investigation by rule bias find, and whom did it reach?",
    "- Integrity check `served-version`: **failed** (12 stale entries)",
    "| 2026-11-20 21:08:00 UTC | Ben | commander | cli | approve | the errors are real |",
    "- 2026-11-20 21:03:00 UTC: Paged Ann (on_call): rule critical fired",
    "- 2026-11-20 21:41:00 UTC: to customers through status-page: We went back. Sorry.",
    "- 2026-11-20 21:04:00 UTC: **not sent** to commander through incidents: channel_not_found",
    "- [ ] Why did nobody answer on escalation policy ladder?",
    "1. 2026-11-20 21:00:00 UTC [detect] Incident opened with playbook complete version 3",
]


@pytest.mark.parametrize("line", LINES)
def test_the_document_says(line: str) -> None:
    assert line in document(full_view()).splitlines()


def test_the_document_tells_what_weighed_beside_the_numbers() -> None:
    gap = ILL.model_copy(update={"criterion": "gap", "cohort": "sw", "mode": "observe"})
    said = Evaluation(
        outcome=Outcome.FIRED,
        rule="critical",
        factors=(gap,),
        vetoed=(Vetoed(rule="combined", veto="bias_first", until=at(33)),),
        blind=(Blindness(source="judges", criteria=("drift",), since=at(1), why="it is down"),),
        observed=("rule truth would have fired",),
        context=("deploy since 2026-11-20 20:50 UTC: search",),
        not_counted=("drift: 3 judged, fewer than 200",),
    )
    event = SignalsJudged(at=at(3), sense="breach", evaluation=said)
    view = view_of(event).model_copy(update={"baseline": "r1", "artifacts": (MODEL,)})
    lines = document(view).splitlines()
    for line in (
        "The last known good release is `r1`.",
        f"- model chat: `{MODEL.digest}`",
        "| gap (sw) (only observed) | breached | 80 | 4000 | 2.00% | 0.30% | 0 | 5.76e+05 |",
        "- Held back: rule `combined` by `bias_first` until 2026-11-20 21:33:00 UTC",
        "- Blind: source `judges` since 2026-11-20 21:01:00 UTC (it is down), so drift",
        "- Only observed: rule truth would have fired",
        "- At that time: deploy since 2026-11-20 20:50 UTC: search",
        "- Not counted: drift: 3 judged, fewer than 200",
        "- [ ] Was it right that bias_first held combined back until 21:33:00 UTC?",
    ):
        assert line in lines


def test_the_document_of_an_incident_without_facts_says_so() -> None:
    text = document(empty_view())
    for said in (
        "| Owner | nobody acknowledged |",
        "| fully reverted | - |",
        "could not be counted",
        "The signals were never judged.",
        "No exposure was taken off.",
        "Recovery was not measured.",
        "Nobody acted.",
        "Nobody was told.",
    ):
        assert said in text


@given(st.lists(st.sampled_from(range(len(EVERYTHING))), unique=True), st.booleans())
@settings(deadline=None, derandomize=True, database=None, max_examples=40)
def test_whatever_happened_nothing_leaks_of_what_did_not(chosen: list[int], owned: bool) -> None:  # noqa: FBT001
    events = [EVERYTHING[number] for number in sorted(chosen)]
    exposure = next((event.after for event in reversed(events) if isinstance(event, ExposureSet)), None)
    text = document(view_of(*events, exposure=exposure, acknowledged_by="Ann" if owned else ""))
    for leak in ("None", "ndefined", "nan", "{{", "}}", "{%", "object at", "<"):
        assert leak not in text


def test_a_hostile_reason_stays_in_its_cell() -> None:
    hostile = "x | y\n\n# Outcome: fine\n| a | <img src=x>\\|"
    text = document(view_of(taken(1, Action.NOTE, ANN, hostile)))
    assert "\n# Outcome" not in text
    assert "<img" not in text
    assert "| note | x \\| y # Outcome: fine \\| a \\| &lt;img src=x>\\\\\\| |" in text
