"""Authority: may this person do this now? A pure answer with its reason; it does nothing."""

from __future__ import annotations

from collections.abc import Mapping

from backout.model import Frozen
from backout.people import MOST_NOTES, NEEDS_REASON, NEEDS_SUBJECT, Act, Action, Actor, Role
from backout.playbook import Playbook
from backout.rules import Rule
from backout.view import Ask, Briefing, IncidentOutcome, Question
from backout.votes import Unclear, meant


class Allowed(Frozen):
    """Yes, by the right of this role."""

    right: str


class Refused(Frozen):
    """No, and why."""

    reason: str


def may(
    actor: Actor, action: Action, roles: Mapping[str, Role], only: tuple[str, ...] = ()
) -> Allowed | Refused:
    """Say whether one of the actor's roles carries the right; `only` narrows the roles that count."""
    holders = tuple(name for name, role in roles.items() if action in role.may and (not only or name in only))
    for name in holders:
        if name in actor.roles:
            return Allowed(right=name)
    who = " or ".join(holders) or "nobody in this playbook"
    yours = ", ".join(actor.roles) or "none"
    return Refused(reason=f"only {who} may {action.value} here; the roles of {actor.name} are: {yours}")


def decide(act: Act, brief: Briefing, roles: Mapping[str, Role]) -> Allowed | Refused:
    """Say whether this act is right here and now: the right, the moment, the reason, the subject."""
    asked = meant(act.action, act.subject, brief.asks)
    only = asked.roles if asked and act.action in NEEDS_SUBJECT else ()
    question = next((one for one in brief.questions if one.judgment == act.judgment), None)
    if act.action is Action.JUDGE and question:
        only = question.roles
    answer = may(act.actor, act.action, roles, only)
    if isinstance(answer, Refused):
        return answer
    problem = _untimely(act, brief, asked) or _incomplete(act, asked) or _unheard_of(act, brief, question)
    return Refused(reason=problem) if problem else answer


def _untimely(act: Act, brief: Briefing, asked: Ask | Unclear | None) -> str:
    """Say why this is not the moment for the act; empty where it is."""
    if brief.summary.outcome is not IncidentOutcome.OPEN:
        return "the incident is over"
    match act.action:
        case Action.ACKNOWLEDGE if brief.acknowledged_by:
            return f"{brief.acknowledged_by} has acknowledged already"
        case Action.HOLD if brief.held:
            return f"the incident is held already: {brief.held}"
        case Action.RESUME | Action.RETRY | Action.CLOSE if not brief.held:
            return f"the incident is not held, so there is nothing to {act.action.value}; hold it first"
        case Action.SKIP | Action.ABORT if brief.summary.phase == "postmortem":
            return "the postmortem is being written; it cannot be left out"
        case Action.NOTE if brief.notes >= MOST_NOTES:
            return (
                f"the timeline has {MOST_NOTES} notes already; write elsewhere and link it in the postmortem"
            )
        case Action.APPROVE | Action.REJECT | Action.TICK if asked is None:
            return f"nothing waits for anybody to {act.action.value} it now"
        case _:
            return ""


def _incomplete(act: Act, asked: Ask | Unclear | None) -> str:
    """Say what the act lacks, or which vote it repeats; empty where it is complete."""
    if act.action in NEEDS_REASON and not act.reason.strip():
        return f"{act.action.value} needs a reason"
    if asked is None:
        return ""
    if isinstance(asked, Unclear):
        return asked.reason
    match act.action:
        case Action.APPROVE:
            return _bad_vote(act, asked)
        case Action.TICK:
            return _bad_tick(act, asked)
        case _:
            return ""


def _bad_vote(act: Act, asked: Ask) -> str:
    # Who has approved may still reject: a person who sees the error must be able to take it back.
    if act.actor.person in asked.approved_by:
        return f"{act.actor.name} has approved this already; it needs distinct people"
    return ""


def _bad_tick(act: Act, asked: Ask) -> str:
    if act.item is None or not 1 <= act.item <= len(asked.items):
        return f"name the item by its number, 1 to {len(asked.items)}"
    return f"item {act.item} is ticked already" if act.item in asked.ticked else ""


def _unheard_of(act: Act, brief: Briefing, question: Question | None) -> str:
    """Say which judgment or answer there is not, with those that there are; empty where all is known."""
    if act.action is not Action.JUDGE:
        return ""
    if question is None:
        known = ", ".join(one.judgment for one in brief.questions)
        if not known:
            return "no judgment weighs in anything now: the signals are not being watched"
        return f"there is no judgment '{act.judgment}'; those that weigh now are: {known}"
    if act.answer not in question.answers:
        return (
            f"'{act.answer}' is no answer to {question.judgment}; say one of: {', '.join(question.answers)}"
        )
    return ""


def approvers(rule: Rule, playbook: Playbook) -> tuple[str, ...]:
    """Return the roles whose approvals count for a rule: those that it names, or all with the right."""
    return rule.approve_by or tuple(
        name for name, role in playbook.roles.items() if Action.APPROVE in role.may
    )


def human_rule(playbook: Playbook) -> Rule:
    """Return the rule of a revert that no fired rule backs: people decide, by the largest quorum."""
    strictest = max(playbook.rules, key=lambda rule: rule.quorum)
    return strictest.model_copy(update={"id": "human-decision", "authority": "approve"})
