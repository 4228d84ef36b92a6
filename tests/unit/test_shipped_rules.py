"""The shipped playbooks' rules: what each of them does, on what was counted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from backout.counting import Look, MarkedEvent, Totals
from backout.criteria import LimitTest, ReferenceTest
from backout.evaluation import Evaluation, Outcome
from backout.rules import Do
from backout.steps import ManualStep, NotifyStep, RevertStep
from backout.triggers import tick
from backout.watch import Watch
from backout.weighing import tolerated
from tests.unit.shipped import PLAYBOOKS

BEGAN = datetime(2026, 11, 20, 21, 3, 11, tzinfo=UTC)


Series = list[Totals] | dict[str, list[Totals]]
"""What a stream has counted, look after look; by cohort where it is split."""


def test_a_chat_is_reverted_unasked_for_harm_and_failure_only() -> None:
    playbook = PLAYBOOKS["conversational-agent"]
    assert [(rule.id, rule.authority, rule.quorum) for rule in playbook.rules] == [
        ("harm", "auto", 1),
        ("broken", "auto", 1),
        ("severe", "approve", 1),
        ("quality", "approve", 2),
        ("corroborated", "ack", 1),
    ]


def test_one_confirmed_severe_answer_of_a_chat_asks_at_once() -> None:
    told = said_of("conversational-agent", {"severe": [Totals(bad=0, of=0), Totals(bad=1, of=1)]})
    assert [(one.outcome, one.rule) for one in told] == [
        (Outcome.INCONCLUSIVE, None),
        (Outcome.FIRED, "severe"),
    ]


def test_two_suspect_signals_of_a_chat_wait_for_whoever_takes_the_page() -> None:
    # Twice the limit with few outputs: for some minutes suspect, and not more.
    suspect: dict[str, Series] = {
        signal: [Totals(bad=int(rate * judged * tick), of=judged * tick) for tick in range(104)]
        for signal, judged, rate in (("errors", 15, 0.04), ("unsupported", 10, 0.06))
    }
    assert {one.rule for one in said_of("conversational-agent", suspect)} == {None, "corroborated"}
    for signal, counts in suspect.items():
        assert {one.rule for one in said_of("conversational-agent", {signal: counts})} == {None}


def test_an_outage_of_the_provider_holds_back_what_it_explains_and_nothing_else() -> None:
    outage = MarkedEvent(key="1", kind="provider_outage", what="The model API is down", start=BEGAN)
    failing = [Totals(bad=10 * tick, of=100 * tick) for tick in range(80)]
    harming = {"errors": failing, "unsafe": failing}
    assert {one.rule for one in said_of("conversational-agent", {"errors": failing})} == {None, "broken"}
    held = said_of("conversational-agent", {"errors": failing}, events=(outage,))
    assert {one.rule for one in held} == {None}
    assert held[-1].vetoed[0].rule == "broken"
    assert "harm" in {one.rule for one in said_of("conversational-agent", harming, events=(outage,))}


def test_harmful_images_wait_for_the_safety_lead_alone_and_published_ones_are_sought() -> None:
    playbook = PLAYBOOKS["image-generator"]
    rule = playbook.rules[0]
    assert (rule.authority, rule.approve_by, rule.quorum) == ("approve", ("safety_lead",), 1)
    (find, _) = [step for step in playbook.steps if isinstance(step, ManualStep)]
    assert find.name == "find-published"
    assert {rule.authority for rule in playbook.rules} == {"approve", "ack"}
    assert playbook.signals["passed-moderation"].clock == "labelled"


def test_a_gap_that_the_overall_rate_misses_pauses_for_an_investigation() -> None:
    # One picture in ten is of the group that fares three times worse: overall 2.4 % instead of 2 %.
    split = {
        cohort: [Totals(bad=int(rate * judged * tick), of=judged * tick) for tick in range(120)]
        for cohort, judged, rate in (("dark", 50, 0.06), ("light", 450, 0.02))
    }
    told = said_of("image-generator", {"skin-tone/skin_tone": split})
    assert {(one.rule, one.do) for one in told} == {(None, None), ("unfair", Do.PAUSE_AND_INVESTIGATE)}


def test_a_drifting_mix_of_categories_calls_people_and_reverts_nothing() -> None:
    split = {
        category: [Totals(bad=share * 1000 * tick, of=1000 * tick) for tick in range(60)]
        for category, share in (("rare-class", 0.2), ("paraphrase", 0.6), ("negative", 0.2))
    }
    told = said_of("data-augmentation", {"categories": split})
    assert {(one.rule, one.do) for one in told} == {(None, None), ("drifting", Do.PAGE)}


def test_augmented_data_is_quarantined_before_its_source_is_reverted_at_one_stroke() -> None:
    playbook = PLAYBOOKS["data-augmentation"]
    names = [step.name for step in playbook.steps]
    assert names.index("stop-training") < names.index("quarantine") < names.index("revert")
    assert [step.stages for step in playbook.steps if isinstance(step, RevertStep)] == [(0,)]
    assert {rule.authority for rule in playbook.rules if rule.do is Do.REVERT} == {"ack"}
    assert "customers" not in {step.audience for step in playbook.steps if isinstance(step, NotifyStep)}


TRAFFIC = [
    ("conversational-agent", "unsafe-limit", 100, 3),
    ("conversational-agent", "error-limit", 100, 3),
    ("conversational-agent", "hallucination-limit", 100, 3),
    ("image-generator", "harmful-limit", 200, 10),
    ("image-generator", "failure-limit", 100, 3),
    ("image-generator", "refusal-limit", 10, 3),
    ("data-augmentation", "label-drift-limit", 50, 3),
    ("data-augmentation", "leakage-limit", 1000, 3),
    ("data-augmentation", "duplicates-doubled", 1000, 3),
    ("data-augmentation", "rejection-limit", 1000, 3),
]


@pytest.mark.parametrize(("name", "criterion_id", "per_tick", "times"), TRAFFIC)
def test_a_rate_far_above_its_limit_fires_within_the_detection_window(
    name: str, criterion_id: str, per_tick: int, times: int
) -> None:
    playbook = PLAYBOOKS[name]
    (criterion,) = (one for one in playbook.criteria if one.id == criterion_id)
    assert criterion.signal is not None
    rate = tolerated(criterion) * times
    ticks = playbook.steps[0].within // playbook.tick
    counts = [Totals(bad=int(rate * per_tick * tick), of=per_tick * tick) for tick in range(ticks)]
    told = said_of(name, {criterion.signal: counts})
    fired_after = next(n for n, one in enumerate(told) if one.outcome is Outcome.FIRED) * playbook.tick
    assert criterion.evidence.sustain <= fired_after <= playbook.steps[0].within


def said_of(
    name: str, counted: Mapping[str, Series], events: tuple[MarkedEvent, ...] = ()
) -> list[Evaluation]:
    """Return what a playbook's rules say look after look; streams that nothing is told of have no data."""
    playbook = PLAYBOOKS[name]
    whole = {key: split if isinstance(split, dict) else {"": split} for key, split in counted.items()}
    looks = len(next(iter(next(iter(whole.values())).values())))
    watch, told = Watch(started_at=BEGAN), []
    for number in range(looks):
        totals = {
            key: {cohort: counts[number] for cohort, counts in split.items()} for key, split in whole.items()
        }
        look = Look(at=BEGAN + number * playbook.tick, totals=totals, events=events)
        watch, said = tick(watch, look, guard=playbook.guard, keep=10)
        told.append(said)
    return told


def test_every_limit_of_every_playbook_is_tried_with_traffic() -> None:
    limits = {
        (name, one.id)
        for name, playbook in PLAYBOOKS.items()
        for one in playbook.criteria
        if isinstance(one.test, LimitTest | ReferenceTest)
    }
    assert {(name, criterion) for name, criterion, _, _ in TRAFFIC} == limits
