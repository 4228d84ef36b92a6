"""What people say to the rules: their answers to judgments, and alerts without any data."""

from __future__ import annotations

from typing import Any

import pytest

from backout.evaluation import Outcome, Vetoed
from backout.guard import Guard, Judged
from backout.rules import Do, Judgment
from backout.triggers import by_people
from tests.unit.guards import Eye, guard_of, limit, reported, rule
from tests.unit.stories import ALERT_A, ALERT_B, REARM, A, B, Story, minutes
from tests.unit.views import OPENED

JUDGMENT = Judgment.model_validate(
    {
        "id": "view",
        "by": ["safety_lead", "product_owner"],
        "ask": "Is this new?",
        "expires": "30m",
        "answers": {
            "fine": "carry on",
            "concerned": "weaker evidence suffices",
            "stop": "revert now",
            "known": "hold off",
        },
    }
)


def answer(what: str, *, since: float = 0, lasting: float = 30, by: str = "Sue") -> Judged:
    at = OPENED + minutes(since)
    return Judged(judgment="view", answer=what, by=by, at=at, until=at + minutes(lasting), reason="I saw it")


def asked(*rules: Any) -> Guard:  # noqa: ANN401
    return guard_of(A, B, rules=rules or [rule("first", "a")], judgments=(JUDGMENT,), rearm=REARM)


def test_revert_now_fires_without_a_rule_and_wants_the_approval_of_its_roles() -> None:
    said = Eye(asked()).see({}, judged=[answer("stop")])
    assert (said.outcome, said.rule, said.do) == (Outcome.FIRED, None, Do.REVERT)
    assert said.decide_by == ("safety_lead", "product_owner")
    assert said.reasons == ("view.stop says Sue until 2026-11-20 21:30 UTC: I saw it",)


def test_revert_now_fires_once_for_each_answer_and_not_where_it_was_dealt_with() -> None:
    eye = Eye(asked())
    found = [eye.see({}, judged=[answer("stop")]).outcome is Outcome.FIRED for _ in range(3)]
    assert found == [True, False, False]
    again = answer("stop", since=0.5)
    assert eye.see({}, judged=[answer("stop"), again]).outcome is Outcome.FIRED
    dealt_with = Eye(asked()).see({}, judged=[answer("stop")], answered=["view.stop"])
    assert dealt_with.outcome is Outcome.INCONCLUSIVE


def test_revert_now_comes_before_a_rule_that_does_not_revert_and_after_one_that_does() -> None:
    page = rule("page", "a", do="page")
    eye = Eye(asked(page))
    first, second = (eye.see({}, judged=[answer("stop")], firing=[ALERT_A]) for _ in range(2))
    assert (first.rule, first.do, second.rule, second.do) == (None, Do.REVERT, "page", Do.PAGE)
    assert Eye(asked()).see({}, judged=[answer("stop")], firing=[ALERT_A]).rule == "first"


def test_hold_off_holds_back_every_rule_that_reverts_until_it_expires() -> None:
    story = Story(asked(rule("first", "a"), rule("page", "b", do="page")), judged=[answer("known")])
    said = story.eye.see({}, firing=[ALERT_A, ALERT_B], judged=[answer("known")])
    assert said.rule == "page"
    assert said.vetoed == (Vetoed(rule="first", veto="view", until=OPENED + minutes(30)),)
    assert set(story.fired(ALERT_A, lasting=minutes(29.75))) == {None}
    said = story.eye.see({}, firing=[ALERT_A], judged=[answer("known")])
    assert (said.rule, said.decide_by) == ("first", ())


def test_carry_on_changes_nothing() -> None:
    assert Story(asked(), judged=[answer("fine")]).fired(ALERT_A) == ["first"]


def test_a_concern_makes_a_tenth_of_the_evidence_enough() -> None:
    error = limit(evidence={"false_alarm": "100d", "false_hold": "100d", "sustain": "3m"})
    guard = guard_of(error, judgments=(JUDGMENT,))

    def ticks(**told: Any) -> int:  # noqa: ANN401
        eye = Eye(guard)
        return next(n for n in range(1, 40) if eye.see({"errors": (50, 100)}, **told).rule)

    concerned = [answer("concerned")]
    assert ticks() == 12
    assert ticks(judged=concerned) == 10
    eye = Eye(guard)
    eye.see({"errors": (1, 100)})
    plain, weaker = eye.see({"errors": (1, 100)}), eye.see({"errors": (1, 100)}, judged=concerned)
    assert weaker.factors[0].need == pytest.approx(plain.factors[0].need / 10)


def test_answers_are_parts_of_conditions_while_they_are_valid() -> None:
    both = rule("both", when={"all_of": ["a", "view.concerned"]})
    story = Story(asked(both), judged=[answer("concerned", since=1, lasting=1)])
    assert story.fired(ALERT_A, lasting=minutes(1)) == [None] * 4
    assert story.fired(ALERT_A) == ["both"]
    late = Story(asked(both), judged=[answer("concerned", lasting=1)])
    late.eye.now = OPENED + minutes(1)
    assert late.fired(ALERT_A) == [None]


@pytest.mark.parametrize(
    ("stricter", "other"),
    [("stop", "concerned"), ("concerned", "known"), ("known", "fine"), ("stop", "fine")],
)
def test_of_two_people_the_stricter_one_weighs_as_long_as_it_lasts(stricter: str, other: str) -> None:
    answers = [answer(stricter, lasting=5), answer(other, since=1, by="Ann")]
    eye = Eye(asked())
    for minute, weighs in ((2, stricter), (5, other)):
        eye.now = OPENED + minutes(minute)
        (told,) = eye.see({}, judged=answers).context
        assert told.startswith(f"view.{weighs} says ")


def test_an_answer_replaces_the_one_that_the_same_person_gave_before() -> None:
    answers = [answer("fine", since=1), answer("stop")]
    eye = Eye(asked())
    eye.now = OPENED + minutes(2)
    said = eye.see({}, judged=answers)
    assert said.outcome is Outcome.INCONCLUSIVE
    assert said.context == ("view.fine says Sue until 2026-11-20 21:31 UTC: I saw it",)


def test_an_answer_that_the_playbook_does_not_know_weighs_nothing_and_is_said() -> None:
    stranger = answer("stop").model_copy(update={"judgment": "other"})
    said = Eye(asked()).see({}, judged=[stranger])
    assert said.outcome is Outcome.INCONCLUSIVE
    assert said.not_counted == ("other.stop: the playbook has no such judgment and answer",)


def test_corroborated_alerts_fire_without_any_source() -> None:
    third = reported("c", "C")
    two_of_three = rule("corroborated", when={"at_least": 2, "of": ["a", "b", "c"]})
    guard = guard_of(A, B, third, rules=[two_of_three])
    assert by_people(guard, at=OPENED, firing=[ALERT_A]).outcome is Outcome.INCONCLUSIVE
    said = by_people(guard, at=OPENED, firing=[ALERT_A, ALERT_B])
    assert (said.outcome, said.rule) == (Outcome.FIRED, "corroborated")
    assert said.reasons == ("alert A is firing", "alert B is firing")


def test_people_alone_say_nothing_of_what_is_measured() -> None:
    guard = guard_of(limit(missing={"do": "hold"}), A, judgments=(JUDGMENT,))
    said = by_people(guard, at=OPENED)
    assert (said.outcome, said.do, said.blind) == (Outcome.INCONCLUSIVE, None, ())
    assert [found.criterion for found in said.factors] == ["a"]
    assert said.reasons == ("alert A is not firing",)
    assert by_people(guard, at=OPENED, firing=[ALERT_A]).rule == "every"
    assert by_people(guard, at=OPENED, firing=[ALERT_A], answered=["every"]).rule is None


def test_people_alone_can_ask_for_a_revert_or_hold_it_off() -> None:
    guard = guard_of(limit(), A, judgments=(JUDGMENT,))
    assert by_people(guard, at=OPENED, judged=[answer("stop")]).do is Do.REVERT
    said = by_people(guard, at=OPENED, judged=[answer("known")], firing=[ALERT_A])
    assert (said.outcome, said.vetoed[0].veto) == (Outcome.INCONCLUSIVE, "view")
