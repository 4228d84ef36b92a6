"""No rule reverts on too little: whatever way through its condition is open, lint finds it by walking it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backout.lint import lint
from backout.lint_reverts import revert_problems
from backout.problems import Problem
from tests.invariants.properties import quickly
from tests.unit.linted import LANGUAGE, TEMPLATES, Changes, changed

INVESTIGATE = (
    "would revert, but fairness takes an investigation first: write 'do: pause_and_investigate', or "
    "'authority: approve' with two roles in approve_by and 'quorum: 2'"
)
NO_DRIFT = (
    "would revert, but drift only says that the inputs changed; write 'do: hold' or 'do: page', or add "
    "another criterion with 'all_of'"
)
ONE_OUTPUT = (
    "would revert unasked, but one output is not enough for that; write 'authority: approve', or 'do: hold'"
)
NO_OCCASION = (
    "would revert, but an external event says nothing against this release; add a criterion with 'all_of', "
    "or use it in a veto"
)
TO_JUDGE = "would revert unasked, but to judge is not to approve; write 'authority: approve'"

TWO_ROLES = {"authority": "approve", "approve_by": ["safety", "product"], "quorum": 2}
AUTO, ACK, APPROVE = {"authority": "auto"}, {"authority": "ack"}, {"authority": "approve"}


def problems(when: object, authority: object) -> list[Problem]:
    """Return what lint says of a rule with this condition, in the place of the playbook's fourth rule."""
    assert isinstance(authority, dict)
    playbook = changed({"rules.3": {"id": "combined", "when": when, **authority}}, LANGUAGE)
    return [problem for problem in revert_problems(playbook) if problem.path[:2] == ("rules", 3)]


def any_of(*parts: object) -> dict[str, object]:
    return {"any_of": list(parts)}


def all_of(*parts: object) -> dict[str, object]:
    return {"all_of": list(parts)}


def at_least(number: int, *parts: object) -> dict[str, object]:
    return {"at_least": number, "of": list(parts)}


@pytest.mark.parametrize(
    ("when", "authority", "message"),
    [
        (any_of("language-gap"), AUTO, f"'language-gap' alone {INVESTIGATE}"),
        (any_of("language-gap"), ACK, f"'language-gap' alone {INVESTIGATE}"),
        (any_of("language-gap"), APPROVE, f"'language-gap' alone {INVESTIGATE}"),
        (any_of("language-gap"), {**TWO_ROLES, "quorum": 1}, f"'language-gap' alone {INVESTIGATE}"),
        (
            any_of("language-gap"),
            {**TWO_ROLES, "approve_by": ["safety", "safety"]},
            f"'language-gap' alone {INVESTIGATE}",
        ),
        (
            all_of(any_of("error-limit", "language-gap"), at_least(1, "language-gap", "slow-limit")),
            ACK,
            f"'language-gap' alone {INVESTIGATE}",
        ),
        (all_of("language-gap", "provider-outage"), ACK, f"'language-gap' alone {INVESTIGATE}"),
        (
            at_least(2, "language-gap", "topic-drift", "slow-limit"),
            ACK,
            f"'language-gap' alone {INVESTIGATE}",
        ),
        (any_of("error-limit", "topic-drift"), ACK, f"'topic-drift' alone {NO_DRIFT}"),
        (any_of("topic-drift"), TWO_ROLES, f"'topic-drift' alone {NO_DRIFT}"),
        (any_of("one-severe"), AUTO, f"'one-severe' alone {ONE_OUTPUT}"),
        (at_least(2, "one-severe", "topic-drift"), AUTO, f"'one-severe' alone {ONE_OUTPUT}"),
        (any_of("provider-outage"), APPROVE, f"'provider-outage' alone {NO_OCCASION}"),
        (any_of("safety-view.stop"), AUTO, f"'safety-view.stop' alone {TO_JUDGE}"),
        (all_of("safety-view.stop", "one-severe"), AUTO, f"'safety-view.stop' alone {TO_JUDGE}"),
    ],
)
def test_a_way_to_revert_on_too_little_is_refused(when: object, authority: object, message: str) -> None:
    assert [problem.message for problem in problems(when, authority)] == [message]


@pytest.mark.parametrize(
    ("when", "authority"),
    [
        (any_of("language-gap"), TWO_ROLES),
        (any_of("language-gap"), {"do": "pause_and_investigate"}),
        (any_of("topic-drift"), {"do": "page"}),
        (any_of("topic-drift"), {"do": "hold"}),
        (all_of("topic-drift", "error-limit"), AUTO),
        (all_of("language-gap", "error-limit"), AUTO),
        (at_least(2, "language-gap", "error-limit", "slow-limit"), AUTO),
        (any_of("one-severe"), APPROVE),
        (any_of("one-severe"), {"do": "hold"}),
        (all_of("one-severe", "unsafe-limit"), AUTO),
        (all_of("provider-outage", "error-limit"), AUTO),
        (any_of("safety-view.stop"), APPROVE),
        (all_of("safety-view.worried", "error-limit"), AUTO),
    ],
)
def test_a_rule_that_takes_enough_is_let_pass(when: object, authority: object) -> None:
    assert problems(when, authority) == []


def test_the_place_is_that_of_the_name_that_is_enough() -> None:
    (problem,) = problems(all_of(any_of("error-limit", "language-gap")), ACK)
    assert problem.path == ("rules", 3, "when", "all_of", 0, "any_of", 1)


def test_where_it_takes_several_the_place_is_the_condition() -> None:
    gaps = {"id": "slow-gap", "signal": "slow", "test": {"compare": "gap", "by": "region", "max_ratio": 2}}
    both = all_of("language-gap", "slow-gap")
    playbook = changed({"criteria.10": gaps, "rules.3": {"id": "combined", "when": both, **ACK}}, LANGUAGE)
    told = lint(playbook, templates=TEMPLATES, site=None)
    assert [(one.path, one.message) for one in told if one.path[:2] == ("rules", 3)] == [
        (("rules", 3, "when"), f"'language-gap' and 'slow-gap' alone {INVESTIGATE}")
    ]


def test_what_only_observes_reverts_nothing() -> None:
    changes: Changes = {"criteria.6.mode": "observe", "rules.3.when": any_of("error-limit", "language-gap")}
    told = lint(changed(changes, LANGUAGE), templates=TEMPLATES, site=None)
    assert not [problem for problem in told if problem.path[:2] == ("rules", 3)]


WEAK = ("language-gap", "topic-drift", "one-severe", "provider-outage", "safety-view.stop")
STRONG = ("error-limit", "slow-limit", "unsafe-limit", "usefulness", "reported")


def grown(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    parts = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        parts.map(lambda some: any_of(*some)),
        parts.map(lambda some: all_of(*some)),
        parts.flatmap(lambda some: st.integers(1, len(some)).map(lambda number: at_least(number, *some))),
    )


CONDITIONS = grown(st.recursive(st.sampled_from(WEAK + STRONG), grown, max_leaves=6))


def can_be_true(when: object, names: tuple[str, ...]) -> bool:
    """Say whether these names can make a condition true, counted as if each were a thing of its own."""
    if isinstance(when, str):
        return when in names
    assert isinstance(when, dict)
    parts = when.get("any_of") or when.get("all_of") or when["of"]
    true = [part for part in parts if can_be_true(part, names)]
    if "at_least" in when:
        return len(true) >= int(when["at_least"])
    return bool(true) if "any_of" in when else len(true) == len(parts)


@given(CONDITIONS)
@quickly
def test_no_condition_hides_a_way_to_revert_unasked_on_what_is_too_little(when: object) -> None:
    told = any("alone would revert" in problem.message for problem in problems(when, AUTO))
    # Lint counts criteria on one signal once, as the rules do; here each name is a thing of its own.
    assert can_be_true(when, WEAK) or not told


@given(st.sampled_from(WEAK), CONDITIONS)
@quickly
def test_any_of_something_weak_is_always_found(weak: str, when: object) -> None:
    assert any("alone would revert" in problem.message for problem in problems(any_of(weak, when), AUTO))
