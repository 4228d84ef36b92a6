"""What may take a release back: no rule reverts on what only shows that something is different."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from backout.kinds import Kinds, holds, kinds
from backout.lint_conditions import Leaf, leaves
from backout.playbook import Playbook
from backout.problems import Path, Problem
from backout.rules import Do, Rule, Weight

_TWO = 2
"""Roles that decide about a revert on a fairness signal."""


@dataclass(frozen=True)
class _Weak:
    """Names that alone must not bring about what a rule does, and why."""

    names: frozenset[str]
    message: str


def revert_problems(playbook: Playbook) -> Iterator[Problem]:
    """Yield rules that would revert on too little."""
    known = kinds(playbook)
    for i, rule in enumerate(playbook.rules):
        if rule.do is Do.REVERT:
            yield from _alone(("rules", i, "when"), rule, known)
            yield from _suspicion(("rules", i, "when"), rule, known)
            yield from _held_off(("rules", i, "when"), rule, playbook)


def _alone(path: Path, rule: Rule, known: Kinds) -> Iterator[Problem]:
    """Yield the first thing that is too little, from the least on: each takes in the ones before."""
    counted: frozenset[str] = frozenset()
    for weak in _too_little(rule, known):
        counted |= weak.names
        if holds(rule.when, counted, known):
            blamed = [leaf for leaf in leaves(rule.when, path) if leaf.name in weak.names]
            names = " and ".join(f"'{name}'" for name in dict.fromkeys(leaf.name for leaf in blamed))
            place = _place(path, rule, blamed, counted - weak.names, known)
            yield Problem(path=place, message=weak.message.format(names=names), on_key=place == path)
            return


def _place(path: Path, rule: Rule, blamed: Collection[Leaf], beside: Collection[str], known: Kinds) -> Path:
    """Return the place of the one name that is enough; that of the condition where it takes several."""
    enough = [leaf for leaf in blamed if holds(rule.when, {leaf.name, *beside}, known)]
    return enough[0].path if enough else path


def _too_little(rule: Rule, known: Kinds) -> Iterator[_Weak]:
    yield _Weak(
        known.occasions,
        "{names} alone would revert, but an external event says nothing against this release; "
        "add a criterion with 'all_of', or use it in a veto",
    )
    yield _Weak(
        known.drift,
        "{names} alone would revert, but drift only says that the inputs changed; "
        "write 'do: hold' or 'do: page', or add another criterion with 'all_of'",
    )
    two = rule.authority == "approve" and rule.quorum >= _TWO and len(set(rule.approve_by)) >= _TWO
    if not two:
        yield _Weak(
            known.fairness,
            "{names} alone would revert, but fairness takes an investigation first: write "
            "'do: pause_and_investigate', or 'authority: approve' with two roles in approve_by and "
            "'quorum: 2'",
        )
    if rule.authority == "auto":
        yield _Weak(
            known.events,
            "{names} alone would revert unasked, but one output is not enough for that; "
            "write 'authority: approve', or 'do: hold'",
        )
        yield _Weak(
            known.answers,
            "{names} alone would revert unasked, but to judge is not to approve; write 'authority: approve'",
        )


def _suspicion(path: Path, rule: Rule, known: Kinds) -> Iterator[Problem]:
    if rule.authority != "auto":
        return
    for leaf in leaves(rule.when, path):
        if leaf.level == "hold" and leaf.name in known.others and holds(rule.when, {leaf.name}, known):
            msg = (
                f"the mere suspicion of '{leaf.name}' would revert unasked, once in its false_hold by "
                "mistake; write 'level: revert', or 'authority: ack'"
            )
            yield Problem(path=leaf.path, message=msg, severity="warning")


def _held_off(path: Path, rule: Rule, playbook: Playbook) -> Iterator[Problem]:
    off = {
        f"{one.id}.{answer}"
        for one in playbook.judgments
        for answer, weight in one.answers.items()
        if weight is Weight.HOLD_OFF
    }
    for leaf in leaves(rule.when, path):
        if leaf.name in off:
            msg = f"while '{leaf.name}' lasts no rule reverts, so it cannot be a reason to; take it out"
            yield Problem(path=leaf.path, message=msg)
