"""The mandate: what a revert takes before it may begin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from backout.authority import approvers, human_rule
from backout.evaluation import Evaluation
from backout.kinds import holds, kinds
from backout.model import Duration, Frozen
from backout.playbook import Playbook
from backout.rules import Do, Rule, names_in
from backout.severity import Severity
from backout.steps import Move


class Mandate(Frozen):
    """What a revert takes before it may begin."""

    because: str
    """The rule, or `human-decision`."""
    authority: Literal["auto", "ack", "approve"]
    """auto: nothing. ack: an owner. approve: a quorum."""
    roles: tuple[str, ...]
    """Whose approvals count."""
    quorum: int
    roles_needed: int = 1
    must: tuple[str, ...] = ()
    """Roles of which one must be among those who approve."""
    required: tuple[str, ...] = ()
    """Roles that must each be among them."""
    veto_window: Duration | None = None
    """auto: so long it is announced first; nothing where it is None."""
    within: Duration | None = None
    """How long they have; as long as the step where it is None."""
    on_timeout: Move | None = None
    """What their silence means; as the step says where it is None."""

    @property
    def takes(self) -> str:
        """Whose authority it takes, in words: where that changes, approvals that were given do not count."""
        if self.authority != "approve":
            return self.authority
        told = [f"approve: {self.quorum} of {', '.join(self.roles)}"]
        told += [f"in {self.roles_needed} roles"] if self.roles_needed > 1 else []
        told += [f"one of {', '.join(self.must)}"] if self.must else []
        return "; ".join((*told, *(f"with {role}" for role in self.required)))


def mandate(
    said: Evaluation | None,
    playbook: Playbook,
    answered: Sequence[str] = (),
    severity: Severity | None = None,
) -> Mandate:
    """Return what a revert takes, on this evaluation and after people answered these rules.

    How long an approval may take, and what silence means, depends on the severity that the incident has now,
    where the rule says nothing of it.

    A rule that wants an investigation, answered or not, leaves the revert to two people in two roles, and so
    does one that reverts on fairness alone.
    """
    found = _without_times(said, playbook, answered)
    usual = playbook.approvals.get(severity or playbook.severity)
    if usual is None or found.authority != "approve":
        return found
    times = {"within": found.within or usual.within, "on_timeout": found.on_timeout or usual.on_timeout}
    return found.model_copy(update=times)


def _without_times(said: Evaluation | None, playbook: Playbook, answered: Sequence[str]) -> Mandate:
    """Return what a revert takes, with the times that its rule names itself."""
    fired = playbook.rule(said.rule if said else None)
    if said is not None and fired is not None and fired.do is Do.REVERT:
        own = _in_two_roles(fired, playbook) if _is_of_fairness(fired, playbook) else _of(fired, playbook)
        return _after_veto(own, said.decide_by)
    for rule in playbook.rules:
        if rule.do is Do.PAUSE_AND_INVESTIGATE and (rule == fired or rule.id in answered):
            return _in_two_roles(rule, playbook)
    return _of(human_rule(playbook), playbook)


def _is_of_fairness(rule: Rule, playbook: Playbook) -> bool:
    """Say whether fairness makes the rule true, alone or with what says nothing against the release."""
    known = kinds(playbook)
    named = known.fairness.intersection(names_in(rule.when))
    return bool(named) and holds(rule.when, named | known.weak, known)


def _in_two_roles(rule: Rule, playbook: Playbook) -> Mandate:
    two = {"authority": "approve", "roles_needed": 2, "quorum": max(2, rule.quorum)}
    return _of(rule, playbook).model_copy(update=two)


def _of(rule: Rule, playbook: Playbook) -> Mandate:
    return Mandate(
        because=rule.id,
        authority=rule.authority,
        roles=approvers(rule, playbook),
        quorum=rule.quorum,
        required=rule.required,
        veto_window=rule.veto_window if rule.authority == "auto" else None,
        within=rule.approve_within,
        on_timeout=rule.on_timeout,
    )


def _after_veto(own: Mandate, by: tuple[str, ...]) -> Mandate:
    """Return what a rule takes after a veto on it has run out: the deciding roles, beside its own."""
    if not by:
        return own
    if own.authority != "approve":
        return own.model_copy(update={"authority": "approve", "roles": by, "must": by, "quorum": 1})
    return own.model_copy(update={"roles": tuple(dict.fromkeys((*own.roles, *by))), "must": by})
