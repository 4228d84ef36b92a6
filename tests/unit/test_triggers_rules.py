"""Rules over time: what fires, when it fires again, and what holds it back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from backout.counting import MarkedEvent
from backout.evaluation import Outcome, Verdict, Vetoed
from backout.guard import Guard
from backout.rules import Occasion, Veto
from tests.unit.guards import TICK, Eye, criterion, guard_of, limit, reported, rule
from tests.unit.stories import ALERT_A, ALERT_B, REARM, A, B, Story, minutes
from tests.unit.views import OPENED, alert


def two_rules(**fields: object) -> Guard:
    return guard_of(A, B, rules=[rule("first", "a"), rule("second", "b")], rearm=REARM, **fields)


def test_the_first_of_the_rules_that_are_true_fires_and_the_next_one_in_the_next_look() -> None:
    story = Story(two_rules())
    assert story.fired(ALERT_A, ALERT_B) == ["first"]
    assert story.fired(ALERT_A, ALERT_B) == ["second"]
    assert story.fired(ALERT_A, ALERT_B) == [None]


def test_a_rule_that_was_dealt_with_does_not_fire() -> None:
    assert Story(two_rules()).fired(ALERT_A, ALERT_B, answered=["first"]) == ["second"]


def test_a_rule_that_stays_true_fires_once() -> None:
    assert Story(two_rules()).fired(ALERT_A, lasting=minutes(30)) == ["first", *[None] * 119]


def test_a_rule_fires_again_after_cooldown_and_quiet() -> None:
    story = Story(two_rules())
    story.fired(ALERT_A)
    story.fired(lasting=minutes(6))
    assert story.fired(ALERT_A) == ["first"]


def test_a_rule_does_not_fire_again_within_its_cooldown_however_quiet_it_was() -> None:
    story = Story(two_rules())
    story.fired(ALERT_A)
    story.fired(lasting=minutes(4))
    assert story.fired(ALERT_A) == [None]


def test_a_rule_does_not_fire_again_after_its_cooldown_before_it_was_quiet() -> None:
    story = Story(two_rules())
    story.fired(ALERT_A, lasting=minutes(6))
    story.fired(lasting=minutes(1))
    assert story.fired(ALERT_A) == [None]
    story.fired(lasting=minutes(2.25))
    assert story.fired(ALERT_A) == ["first"]


def test_a_time_in_which_nobody_looked_is_no_quiet() -> None:
    story = Story(two_rules())
    story.fired(ALERT_A)
    story.eye.now += minutes(60)
    assert story.fired(ALERT_A, lasting=minutes(1)) == [None] * 4


def test_a_rule_on_an_event_fires_again_for_a_new_event_and_not_for_the_old_one() -> None:
    severe = criterion("severe", "severe", {"compare": "event"})
    eye = Eye(guard_of(severe, rules=[rule("zero", "severe")], rearm=REARM))
    assert eye.see({"severe": (1, 1)}).rule == "zero"
    assert {eye.see({"severe": (0, 0)}).rule for _ in range(60)} == {None}
    assert eye.see({"severe": (1, 1)}).rule == "zero"


@pytest.mark.parametrize("back", [timedelta(hours=1), timedelta(days=30)])
def test_a_clock_that_is_set_back_delays_no_rule_and_lengthens_no_veto(back: timedelta) -> None:
    story = Story(two_rules())
    story.fired(ALERT_A)
    story.eye.now -= back
    story.fired(lasting=minutes(6))
    assert story.fired(ALERT_A) == ["first"]
    story = Story(vetoed())
    story.fired(ALERT_A, ALERT_B)
    story.eye.now -= back
    assert set(story.fired(ALERT_A, ALERT_B, lasting=minutes(10))) == {None}
    assert story.fired(ALERT_A, ALERT_B) == ["first"]


def test_what_counted_because_it_was_so_says_until_when() -> None:
    recent = rule("recent", when={"all_of": ["error-limit", "a"], "within": "10m"})
    eye = Eye(guard_of(limit(evidence={"sustain": "1m"}), A, rules=[recent]))
    eye.see({"errors": (90, 100)}, times=6)
    until = eye.now - TICK
    eye.see({"errors": (0, 100_000)})
    (reason, of_alert) = eye.see({"errors": (0, 100_000)}, firing=[ALERT_A]).reasons
    assert "healthy" in reason
    assert reason.endswith(
        f" (but suspect or more until {until:%H:%M:%S}, breached until {until:%H:%M:%S} UTC)"
    )
    assert of_alert == "alert A is firing"


def test_a_suspicion_that_passed_counts_within_its_time_at_the_level_hold() -> None:
    error = limit(evidence={"sustain": "3m"})
    when = {"all_of": ["error-limit", "a"], "within": "5m", "level": "hold"}
    eye = Eye(guard_of(error, A, rules=[rule("recent", when=when)]))
    assert eye.see({"errors": (90, 100)}, times=10).factors[0].verdict is Verdict.SUSPECT
    eye.see({"errors": (0, 100_000)}, times=10)
    assert eye.watch.breached_at == {}
    assert eye.see({"errors": (0, 100)}, firing=[ALERT_A]).rule == "recent"
    late = Eye(eye.guard)
    late.see({"errors": (90, 100)}, times=10)
    late.see({"errors": (0, 100_000)}, times=21)
    assert late.see({"errors": (0, 100)}, firing=[ALERT_A]).rule is None


def test_a_reason_that_counts_twice_is_told_once() -> None:
    when = {"all_of": ["a", {"any_of": ["a", "b"]}]}
    eye = Eye(guard_of(A, B, rules=[rule("twice", when=when)]))
    assert eye.see({}, firing=[ALERT_A]).reasons == ("alert A is firing",)


VETO = Veto.model_validate(
    {
        "id": "known-cause",
        "when": {"any_of": ["b"]},
        "blocks": ["first"],
        "max_hold": "10m",
        "decide_by": ["safety_lead", "on_call"],
    }
)


def vetoed(**fields: object) -> Guard:
    rules = [rule("critical", "c"), rule("first", "a")]
    veto = Veto.model_validate({**VETO.model_dump(), **fields})
    return guard_of(A, B, reported("c", "C"), rules=rules, vetoes=(veto,), rearm=REARM)


def test_a_veto_holds_a_rule_back_and_says_until_when() -> None:
    story = Story(vetoed())
    said = story.eye.see({}, firing=[ALERT_A, ALERT_B])
    assert (said.outcome, said.rule) == (Outcome.INCONCLUSIVE, None)
    assert said.vetoed == (Vetoed(rule="first", veto="known-cause", until=OPENED + minutes(10)),)
    assert story.eye.watch.fired_at == {}


def test_a_veto_that_is_not_true_any_more_lets_the_rule_fire_as_if_it_had_never_been() -> None:
    story = Story(vetoed())
    story.fired(ALERT_A, ALERT_B, lasting=minutes(3))
    said = story.eye.see({}, firing=[ALERT_A])
    assert (said.rule, said.decide_by, said.vetoed) == ("first", (), ())


def test_a_veto_that_has_run_out_leaves_the_decision_to_its_roles() -> None:
    story = Story(vetoed())
    assert set(story.fired(ALERT_A, ALERT_B, lasting=minutes(10))) == {None}
    said = story.eye.see({}, firing=[ALERT_A, ALERT_B])
    assert (said.rule, said.decide_by, said.vetoed) == ("first", ("safety_lead", "on_call"), ())


def test_a_veto_holds_from_when_it_became_true_and_not_from_when_the_rule_did() -> None:
    story = Story(vetoed())
    story.fired(ALERT_B, lasting=minutes(10))
    assert story.eye.see({}, firing=[ALERT_A, ALERT_B]).decide_by == ("safety_lead", "on_call")


def test_a_veto_that_comes_and_goes_is_no_longer_held_for_that() -> None:
    story = Story(vetoed())
    for _ in range(20):
        story.fired(ALERT_B, lasting=minutes(0.25))
        story.fired(lasting=minutes(0.25))
    assert story.fired(ALERT_A, ALERT_B) == ["first"]


def test_a_veto_that_was_untrue_for_the_time_of_quiet_begins_anew() -> None:
    story = Story(vetoed())
    story.fired(ALERT_B, lasting=minutes(11))
    story.fired(lasting=minutes(3))
    assert story.fired(ALERT_A, ALERT_B) == [None]


def test_a_rule_that_is_true_ends_the_vetoes_that_make_an_exception_for_it() -> None:
    charlie = alert("C", fingerprint="f3")
    story = Story(vetoed(unless=["critical"]))
    assert story.fired(ALERT_A, ALERT_B, charlie) == ["critical"]
    assert story.fired(ALERT_A, ALERT_B, charlie) == ["first"]
    story = Story(vetoed())
    assert story.fired(ALERT_A, ALERT_B, charlie) == ["critical"]
    assert story.fired(ALERT_A, ALERT_B, charlie) == [None]


def test_an_external_event_vetoes_while_it_goes_on_and_no_longer_than_it_may() -> None:
    guard = vetoed(when={"any_of": ["outage"]}).model_copy(
        update={"occasions": {"outage": Occasion(kind="provider_outage", lasts=minutes(3))}}
    )
    going_on = MarkedEvent(key="1", kind="provider_outage", what="all answers are slow", start=OPENED)
    story = Story(guard, events=(going_on, going_on.model_copy(update={"kind": "deploy"})))
    assert story.fired(ALERT_A, lasting=minutes(3)) == [None] * 12
    said = story.eye.see({}, firing=[ALERT_A], **story.always)
    assert said.rule == "first"
    assert said.context == (
        "provider_outage since 2026-11-20 21:00 UTC: all answers are slow",
        "deploy since 2026-11-20 21:00 UTC: all answers are slow",
    )


def test_an_external_event_that_has_ended_or_is_of_another_kind_counts_no_longer() -> None:
    guard = guard_of(A, rules=[rule("listens", "down")], occasions={"down": Occasion(kind="outage")})
    event = MarkedEvent(key="1", kind="outage", what="it", start=OPENED, end=OPENED + minutes(1))
    assert Story(guard, events=(event,)).fired() == ["listens"]
    said = Eye(guard).see({}, events=(event, event.model_copy(update={"kind": "deploy"})))
    assert said.reasons == ("outage since 2026-11-20 21:00 UTC: it",)
    late = Story(guard, events=(event,))
    late.eye.now = OPENED + minutes(1)
    assert late.fired() == [None]
    assert Story(guard, events=(event.model_copy(update={"kind": "deploy"}),)).fired() == [None]
