"""Automation never passes a human decision: held or rejected stays so until a person says otherwise."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backout import case_acts
from backout.authority import human_rule
from backout.case import Case
from backout.people import Action
from backout.playbook import Playbook
from tests.invariants.properties import quickly
from tests.invariants.sources import places
from tests.unit.linted import changed
from tests.unit.views import (
    ANN,
    BEGUN,
    BEN,
    DETECTED,
    ENDED,
    PLAN,
    REVERTED,
    act,
    alert,
    approval,
    at,
    case_of,
)

DECISIONS = ("held", "rejections", "directive", "authorised", "acknowledged_by", "ending", "asks")
"""What people have said, and what waits for them to say more."""
EVENTS = (*BEGUN, *DETECTED, *REVERTED, *ENDED)


def decided() -> dict[str, Case]:
    """Return a case for each thing that people can have said."""
    return {
        "held": case_of(held="Ann: wait"),
        "rejected": case_of(rejections={PLAN: "rejected by Cleo: wrong release"}),
        "half approved": case_of(asks={"approve": approval(approved_by=("ben",))}),
        "aborted": case_of(directive="abort"),
        "on the way out": case_of(ending="aborted"),
    }


def said(case: Case) -> dict[str, object]:
    return case.model_dump(include=set(DECISIONS))


@pytest.mark.parametrize("state", decided())
@given(happened=st.lists(st.sampled_from([*range(len(EVENTS)), "alert", "resolved", "note"]), max_size=30))
@quickly
def test_whatever_happens_what_people_said_stands(state: str, happened: list[int | str]) -> None:
    case = decided()[state]
    before = said(case)
    for number, what in enumerate(happened):
        if isinstance(what, int):
            case.add(EVENTS[what], now=at(number), step="revert")
        elif what == "note":
            case_acts.take_act(
                case, act(Action.NOTE, reason="x"), right="commander", now=at(number), step="revert"
            )
        else:
            case.take_alert(alert(status="resolved" if what == "resolved" else "firing"), now=at(number))
    assert said(case) == before


@pytest.mark.parametrize("action", [Action.ACKNOWLEDGE, Action.NOTE, Action.TICK])
def test_an_act_that_decides_nothing_about_the_hold_leaves_it(action: Action) -> None:
    tick = approval(actions=(Action.TICK,), items=("a",))
    case = case_of(held="Ann: wait", rejections={PLAN: "rejected by Cleo: x"}, asks={"tick": tick})
    case_acts.take_act(case, act(action, item=1, reason="x"), right="commander", now=at(1), step="revert")
    assert (case.held, case.directive) == ("Ann: wait", None)
    assert case.rejections == {PLAN: "rejected by Cleo: x"}


def test_a_hold_stands_against_what_was_decided_a_moment_before() -> None:
    case = case_of()
    case_acts.take_act(
        case, act(Action.SKIP, BEN, reason="known"), right="commander", now=at(1), step="revert"
    )
    case_acts.take_act(case, act(Action.HOLD, ANN, reason="wait"), right="on_call", now=at(1), step="revert")
    assert (case.held, case.directive) == ("Ann: wait", None)


def test_a_rejection_leaves_nothing_of_the_vote_that_could_still_become_a_quorum() -> None:
    case = case_of(asks={"approve": approval(approved_by=("ben",))})
    case_acts.take_act(
        case, act(Action.REJECT, reason="wrong", subject=PLAN), right="commander", now=at(1), step="revert"
    )
    assert case.asks == {}
    assert case.authorised == ()


SAID = {"held", "rejections", "directive", "authorised"}
CLEARED = {
    ("backout/case_acts.py", "_effect", "directive"): "a hold takes back what was decided a moment before",
    ("backout/case_acts.py", "_directed", "held"): "a person had everything taken off, which no hold stops",
    ("backout/case.py", "start_over", "authorised"): "an alert began that nobody has looked at",
    ("backout/case.py", "start_over", "rejections"): "as above",
    (
        "workflows/announcing.py",
        "announced",
        "rejections",
    ): "a person resumed, so what is left of the window runs",
    ("workflows/authorising.py", "_begin", "rejections"): "a person resumed, so people are asked anew",
    ("workflows/giving_way.py", "give_way", "directive"): "an incident goes before a rollout, which is held",
    ("workflows/holding.py", "_taken", "directive"): "the engine does what a person decided",
    ("workflows/holding.py", "_taken", "held"): "a person decided how to go on",
    ("workflows/incident.py", "_leave", "directive"): "it was for the step that is left",
}
"""Where the code takes back what people said, and why."""


def assigned(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Yield each attribute that an assignment sets, with its value; what is taken out is set to nothing."""
    if isinstance(node, ast.Attribute) and node.attr == "pop" and isinstance(node.value, ast.Attribute):
        yield node.value.attr, ast.Constant(None)
    if not isinstance(node, ast.Assign):
        return
    for target in node.targets:
        pairs = [(target, node.value)]
        if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            pairs = list(zip(target.elts, node.value.elts, strict=True))
        yield from ((one.attr, value) for one, value in pairs if isinstance(one, ast.Attribute))


def test_what_people_said_is_taken_back_only_at_known_places_and_for_a_reason() -> None:
    cleared = {
        (place.file, place.function, name)
        for layer in ("backout", "workflows", "activities", "gateway")
        for place in places(layer)
        for name, value in assigned(place.node)
        if name in SAID and ast.unparse(value) in {"None", "''", "()", "{}"}
    }
    assert cleared == set(CLEARED)


RULE = {"id": "a", "when": {"any_of": ["error-limit"]}}
PLAYBOOKS = {
    "only automatic rules": changed({"rules": [{**RULE, "authority": "auto"}]}),
    "an approval by two": changed({"rules": [{**RULE, "authority": "approve", "quorum": 2}]}),
    "all kinds": changed({}),
}


@pytest.mark.parametrize("playbook", PLAYBOOKS.values(), ids=PLAYBOOKS)
def test_what_no_rule_has_fired_for_is_never_automatic(playbook: Playbook) -> None:
    rule = human_rule(playbook)
    assert rule.authority == "approve"
    assert rule.quorum == max(rule.quorum for rule in playbook.rules)
    assert playbook.rule(None) is None
    assert playbook.rule(rule.id) is None
