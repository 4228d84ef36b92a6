"""The demo's people: who answers what, and in which order."""

from __future__ import annotations

from backout.people import Action
from backout.view import Ask, IncidentView
from demo.people import Answer, commands, next_answer
from tests.unit.demo_world import PEOPLE, a_view

PLAN, NOTICE = "sha256:" + "4f1a2b3c" * 8, "sha256:" + "99aabbcc" * 8
OWN_IT = Ask(what="Do you own it?", actions=(Action.ACKNOWLEDGE,), roles=("on_call", "incident_commander"))
REVERT = Ask(
    what="Revert?",
    actions=(Action.APPROVE, Action.REJECT),
    subject=PLAN,
    quorum=2,
    roles=("incident_commander", "product_owner"),
)


def view(step: str, *asks: Ask) -> IncidentView:
    return a_view(step, asks=asks)


def answer(person: str, action: Action, about: str) -> Answer:
    code = about.removeprefix("sha256:")[:8] if action is Action.APPROVE else ""
    return Answer(person=person, action=action, about=about, code=code)


def test_the_owner_of_the_step_answers_first() -> None:
    notice = REVERT.model_copy(update={"subject": NOTICE, "quorum": 1})
    assert next_answer(view("revert", REVERT), people=PEOPLE, given=()) == answer("bob", Action.APPROVE, PLAN)
    assert next_answer(view("notify", notice), people=PEOPLE, given=()) == answer(
        "carol", Action.APPROVE, NOTICE
    )


def test_an_acknowledgement_is_the_on_calls() -> None:
    assert next_answer(view("escalate", OWN_IT), people=PEOPLE, given=()) == answer(
        "alice", Action.ACKNOWLEDGE, "Do you own it?"
    )


def test_nobody_approves_the_same_plan_twice() -> None:
    bob = answer("bob", Action.APPROVE, PLAN)
    second = next_answer(view("revert", REVERT), people=PEOPLE, given=[bob])
    assert second == answer("carol", Action.APPROVE, PLAN)
    assert second is not None
    assert next_answer(view("revert", REVERT), people=PEOPLE, given=[bob, second]) is None
    voted = REVERT.model_copy(update={"approved_by": ("bob", "carol")})
    assert next_answer(view("revert", voted), people=PEOPLE, given=()) is None


def test_a_question_that_the_story_has_no_answer_for_stays_open() -> None:
    held = Ask(what="Held: what now?", actions=(Action.RESUME, Action.ABORT), roles=("incident_commander",))
    assert next_answer(view("revert", held), people=PEOPLE, given=()) is None


def test_whoever_watches_is_shown_every_answer_that_somebody_may_give() -> None:
    voted = REVERT.model_copy(update={"approved_by": ("bob",)})
    assert commands(voted, people=PEOPLE, cli="backout", state="x") == [
        "backout approve 4f1a2b3c --as carol --state x",
        "backout reject 4f1a2b3c --as carol --reason why --state x",
    ]
    assert commands(OWN_IT, people=PEOPLE, cli="backout", state="x") == [
        "backout ack --as alice --state x",
        "backout ack --as bob --state x",
    ]
