"""Taking everything off at once, and bringing it back: when is the moment, who may, and how it is typed."""

from __future__ import annotations

import pytest

from backout.authority import Allowed, Refused, decide
from backout.commands import VERBS, act_of, address, parse
from backout.consents import CAN_WAIT
from backout.people import AUTHORISES, Action, Role
from backout.view import Phase
from tests.unit.views import BEN, PLAN, act, approval, briefing

WAY_BACK = "exposure can come back only where the revert is held because users recovered at a stage"
CALLED = "Ann has called the emergency already: everything is being taken off"
NOWHERE = "this playbook has no revert step, so there is nothing to take exposure off by"


@pytest.mark.parametrize(
    ("action", "state", "problem"),
    [
        (Action.COME_BACK, {"held": "x", "can_come_back": True}, ""),
        (Action.COME_BACK, {"held": "x"}, WAY_BACK),
        (Action.COME_BACK, {"can_come_back": True}, WAY_BACK),
        (Action.EMERGENCY, {}, ""),
        (Action.EMERGENCY, {"held": "x"}, ""),
        (Action.EMERGENCY, {"emergency": "Ann"}, CALLED),
        (Action.EMERGENCY, {"emergency": "Ann", "held": "it failed"}, ""),
        (Action.EMERGENCY, {"can_take_off": False}, NOWHERE),
    ],
)
def test_the_moment_for_taking_all_off_and_for_coming_back(
    action: Action, state: dict[str, object], problem: str
) -> None:
    brief = briefing().model_copy(update=state)
    answer = decide(act(action, reason="because"), brief, {"commander": Role(may=(action,))})
    assert answer == (Refused(reason=problem) if problem else Allowed(right="commander"))


def test_who_shipped_the_release_may_take_it_off_and_not_authorise_anything() -> None:
    brief = briefing(asks={"approve": approval()}).model_copy(update={"shipped_by": "ben"})
    roles = {"commander": Role(may=tuple(Action))}
    assert decide(act(Action.EMERGENCY, reason="x"), brief, roles) == Allowed(right="commander")
    assert isinstance(decide(act(Action.APPROVE, subject=PLAN), brief, roles), Refused)


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.CLOSED])
def test_an_emergency_has_its_moment_in_every_phase_of_an_open_incident(phase: Phase) -> None:
    roles = {"commander": Role(may=(Action.EMERGENCY,))}
    for held in ("", "Ann: wait"):
        brief = briefing(phase=phase, held=held)
        assert decide(act(Action.EMERGENCY, reason="x"), brief, roles) == Allowed(right="commander")


@pytest.mark.parametrize(
    ("typed", "action"),
    [("emergency", Action.EMERGENCY), ("come-back", Action.COME_BACK), ("EMERGENCY", Action.EMERGENCY)],
)
def test_they_are_typed_with_the_incident_and_the_reason(typed: str, action: Action) -> None:
    command = parse(f"{typed} chat/r2 it was the provider")
    assert command.verb.does is action
    taken = act_of(command, action, address(command, ()), act_id="1", actor=BEN)
    assert (taken.action, taken.reason) == (action, "it was the provider")
    assert VERBS[typed.lower()].usage == f"{typed.lower()} [incident] <reason>"


def test_only_the_way_back_can_wait_for_consent() -> None:
    assert Action.COME_BACK in CAN_WAIT
    assert Action.EMERGENCY not in CAN_WAIT | AUTHORISES
