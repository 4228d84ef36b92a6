"""A person can always take over: every step can be held, retried, skipped with a reason, or aborted."""

from __future__ import annotations

import pytest

from backout.authority import Allowed, Refused, decide
from backout.case import Directive
from backout.commands import VERBS, word_of
from backout.people import Action, Role
from backout.view import IncidentOutcome, Phase
from backout.yaml_text import load_playbook
from cli.acts import ACTS
from cli.main import app
from tests.invariants.sources import ROOT
from tests.unit.linted import changed, errors
from tests.unit.views import BEN, OPENING, PLAYBOOK, act, case_of
from workflows.holding import OF_A_HOLD

PLAYBOOKS = {
    path.stem: load_playbook(path.read_text(encoding="utf-8"), file=path.name)
    for path in (ROOT / "playbooks").glob("*.yaml")
}
ROLES = {"commander": Role(may=tuple(Action))}
POSITIONS = range(len(PLAYBOOK.steps))
RUNNING = [phase for phase in Phase if phase not in {Phase.HELD, Phase.CLOSED, Phase.POSTMORTEM}]


def may(action: Action, **state: object) -> bool:
    """Say whether a person with every right may do it now."""
    brief = case_of(**state).brief(OPENING)
    return isinstance(decide(act(action, BEN, reason="because"), brief, ROLES), Allowed)


@pytest.mark.parametrize("action", list(Action))
def test_every_action_has_a_word_at_every_door(action: Action) -> None:
    (verb,) = (verb for verb in VERBS.values() if verb.does is action)
    assert ACTS[verb.name] is verb
    assert verb.name in {registered.name for registered in app.registered_commands}
    assert word_of(action) == verb.name


@pytest.mark.parametrize("name", PLAYBOOKS)
@pytest.mark.parametrize(
    "action", [*OF_A_HOLD, Action.HOLD, Action.ACKNOWLEDGE, Action.APPROVE, Action.REJECT]
)
def test_in_every_shipped_playbook_somebody_has_the_right(name: str, action: Action) -> None:
    assert any(action in role.may for role in PLAYBOOKS[name].roles.values())


@pytest.mark.parametrize("action", [*OF_A_HOLD, Action.HOLD])
def test_a_playbook_that_takes_this_right_from_everybody_is_refused(action: Action) -> None:
    roles = {
        name: {"may": [right for right in role.may if right is not action]}
        for name, role in changed({}).roles.items()
    }
    assert any(f"no role may {action}" in message for _, message in errors({"roles": roles}))


@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("phase", RUNNING)
def test_a_running_step_of_any_kind_can_be_held_skipped_and_aborted(position: int, phase: Phase) -> None:
    for action in (Action.HOLD, Action.SKIP, Action.ABORT):
        assert may(action, position=position, phase=phase)


@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("action", OF_A_HOLD)
def test_a_held_step_of_any_kind_takes_every_decision(position: int, action: Action) -> None:
    assert may(action, position=position, phase=Phase.HELD, held="the engine: it failed")


def test_a_hold_can_stop_even_the_postmortem() -> None:
    assert may(Action.HOLD, phase=Phase.POSTMORTEM, position=POSITIONS[-1])


@pytest.mark.parametrize("action", OF_A_HOLD)
def test_whoever_acknowledged_or_is_asked_no_decision_waits_for_them(action: Action) -> None:
    assert may(action, held="x", acknowledged_by="Ann")


def test_what_a_held_incident_asks_for_is_what_the_engine_obeys() -> None:
    beside = {Directive.EMERGENCY, Directive.COME_BACK}
    assert {action.value for action in OF_A_HOLD} == {str(one) for one in Directive} - beside


@pytest.mark.parametrize("action", [Action.SKIP, Action.ABORT, Action.CLOSE])
def test_what_leaves_something_out_says_why(action: Action) -> None:
    brief = case_of(held="x").brief(OPENING)
    assert decide(act(action, BEN), brief, ROLES) == Refused(reason=f"{action} needs a reason")


@pytest.mark.parametrize("outcome", [outcome for outcome in IncidentOutcome if outcome != "open"])
def test_only_the_end_is_final(outcome: IncidentOutcome) -> None:
    assert not any(may(action, outcome=outcome, held="x") for action in Action)
