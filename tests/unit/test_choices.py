"""Buttons of what can be done now: all of it, nothing else, the most urgent first."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from backout.authority import Refused, decide
from backout.buttons import action_id_of, button_of, value_of
from backout.choices import LABELS, LONGEST_QUESTION, buttons_of
from backout.people import MOST_NOTES, NEEDS_REASON, Act, Action, Actor, Role
from backout.view import Ask, Briefing, IncidentOutcome, Phase
from tests.unit.views import approval, at, briefing

OTHER_PLAN = "sha256:" + "b" * 64
ANYBODY = Actor(person="x", name="X", roles=("all",), via="slack")
EVERYTHING = {"all": Role(may=tuple(Action))}


def actions(brief: Briefing) -> list[Action]:
    return [button.action for button in buttons_of(brief)]


def closed(brief: Briefing) -> Briefing:
    over = brief.summary.model_copy(update={"outcome": IncidentOutcome.RECOVERED, "phase": Phase.CLOSED})
    return brief.model_copy(update={"summary": over})


def test_an_incident_that_nobody_owns_can_be_acknowledged_first() -> None:
    assert actions(briefing()) == [
        Action.ACKNOWLEDGE,
        Action.HOLD,
        Action.EMERGENCY,
        Action.SKIP,
        Action.ABORT,
        Action.SEVERITY,
        Action.NOTE,
    ]


def test_what_is_asked_comes_before_what_is_always_possible_the_sooner_the_first() -> None:
    late = approval(subject=OTHER_PLAN, until=at(60))
    asks = {"late": late, "soon": approval(until=at(5)), "own": Ask(what="?", actions=(Action.ACKNOWLEDGE,))}
    owned = briefing(asks=asks).model_copy(update={"acknowledged_by": "Ann"})
    shown = [(button.action, button.code) for button in buttons_of(owned)][:5]
    soon, later = "a" * 8, "b" * 8
    assert shown == [
        (Action.APPROVE, soon),
        (Action.REJECT, soon),
        (Action.APPROVE, later),
        (Action.REJECT, later),
        (Action.HOLD, ""),
    ]


def test_a_hold_that_a_window_waits_for_comes_first_and_once() -> None:
    window = approval(actions=(Action.HOLD, Action.APPROVE, Action.REJECT))
    owned = briefing(asks={"approve": window}).model_copy(update={"acknowledged_by": "Ann"})
    assert actions(owned)[:3] == [Action.HOLD, Action.APPROVE, Action.REJECT]
    assert actions(owned).count(Action.HOLD) == 1


def test_a_held_incident_can_be_resumed_retried_and_closed_but_not_held() -> None:
    held = briefing().model_copy(update={"held": "Ann: look first", "acknowledged_by": "Ann"})
    assert {Action.RESUME, Action.RETRY, Action.CLOSE} < set(actions(held))
    assert not {Action.HOLD, Action.ACKNOWLEDGE} & set(actions(held))


def test_nothing_can_be_done_once_it_is_over() -> None:
    assert buttons_of(closed(briefing(asks={"approve": approval()}))) == ()


def test_the_postmortem_cannot_be_skipped_and_notes_have_an_end() -> None:
    brief = briefing()
    writing = brief.summary.model_copy(update={"phase": Phase.POSTMORTEM})
    late = brief.model_copy(update={"summary": writing, "notes": MOST_NOTES})
    assert not {Action.SKIP, Action.ABORT, Action.NOTE} & set(actions(late))


def test_ticks_and_judgments_are_typed() -> None:
    tick = Ask(what="?", actions=(Action.TICK, Action.JUDGE), items=("one",))
    assert not {Action.TICK, Action.JUDGE} & set(actions(briefing(asks={"tick": tick})))


@pytest.mark.parametrize("held", ["", "Ann: look first"])
@pytest.mark.parametrize("owner", ["", "Ann"])
def test_whatever_has_a_button_is_accepted_from_somebody_with_every_right(held: str, owner: str) -> None:
    asks = {"a": approval(roles=("all",)), "b": approval(subject=OTHER_PLAN, roles=("all",))}
    brief = briefing(asks=asks).model_copy(update={"held": held, "acknowledged_by": owner})
    for button in buttons_of(brief):
        severity = {"severity": "minor"} if button.action is Action.SEVERITY else {}
        reason = "because" if button.action in NEEDS_REASON else ""
        given = {"id": "1", "action": button.action, "actor": ANYBODY, "reason": reason, **severity}
        act = Act.model_validate({**given, "subject": button.code or None})
        assert not isinstance(decide(act, brief, EVERYTHING), Refused)


def test_a_button_comes_back_as_it_was_without_its_looks() -> None:
    brief = briefing(asks={"approve": approval()}).model_copy(update={"seen": 17})
    for button in buttons_of(brief):
        back = button_of(action_id_of(button), value_of(button))
        assert back == button.model_copy(update={"label": "", "style": "", "confirm": ""})
        assert (back.seen, back.run, back.incident) == (17, "run-1", "incident/chat/r2")


def test_labels_say_when_a_form_opens_and_which_plan_is_meant_where_there_are_two() -> None:
    one = {button.action: button.label for button in buttons_of(briefing(asks={"a": approval()}))}
    both = briefing(asks={"a": approval(), "b": approval(subject=OTHER_PLAN)})
    two = [button.label for button in buttons_of(both) if button.action is Action.REJECT]
    assert (one[Action.APPROVE], one[Action.REJECT], one[Action.HOLD]) == ("Approve", "Reject …", "Hold")
    assert two == ["Reject … aaaaaaaa", "Reject … bbbbbbbb"]


def test_only_a_tap_that_moves_the_world_and_needs_no_reason_is_asked_about() -> None:
    held = briefing(asks={"a": approval(what="Revert r2\n" + "x" * 999)}).model_copy(update={"held": "h"})
    asked = {button.action: button.confirm for button in buttons_of(held) if button.confirm}
    assert asked == {
        Action.APPROVE: "You approve aaaaaaaa: Revert r2",
        Action.RESUME: "chat r2 goes on with step detect.",
        Action.RETRY: "Step detect of chat r2 runs again.",
    }


def test_a_long_question_is_cut_to_what_slack_takes() -> None:
    brief = briefing(asks={"a": approval(what="x" * 999)})
    (button,) = (button for button in buttons_of(brief) if button.action is Action.APPROVE)
    assert len(button.confirm) == LONGEST_QUESTION


def test_every_action_that_is_not_typed_has_a_label() -> None:
    assert set(Action) - set(LABELS) == {Action.TICK, Action.JUDGE}


def test_a_question_without_an_end_waits_behind_those_with_one() -> None:
    far = datetime(9000, 1, 1, tzinfo=UTC)
    asks = {"never": approval(subject=OTHER_PLAN, until=None), "far": approval(until=far)}
    coded = [button.code for button in buttons_of(briefing(asks=asks)) if button.action is Action.APPROVE]
    assert coded == ["a" * 8, "b" * 8]
