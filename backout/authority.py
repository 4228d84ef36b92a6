"""Authority: may this person do this now? A pure answer with its reason; it does nothing."""

from __future__ import annotations

from collections.abc import Mapping

from backout.model import Frozen
from backout.people import AUTHORISES, MOST_NOTES, NEEDS_REASON, Act, Action, Actor, ReleaseRight, Role
from backout.playbook import Playbook
from backout.rules import Rule
from backout.severity import Severity
from backout.view import Ask, Briefing, IncidentOutcome, Question
from backout.votes import Unclear, lacking, meant, shipped


class Allowed(Frozen):
    """Yes, by the right of this role."""

    right: str


class Refused(Frozen):
    """No, and why."""

    reason: str


def rights(playbook: Playbook) -> Mapping[str, Role]:
    """Return the roles with their rights; who may break the glass stands under `break_glass` alone."""
    glass = playbook.break_glass.roles if playbook.break_glass else ()

    def of(name: str, role: Role) -> Role:
        listed = tuple(action for action in role.may if action is not Action.BREAK_GLASS)
        return role.model_copy(update={"may": (*listed, *((Action.BREAK_GLASS,) if name in glass else ()))})

    return {name: of(name, role) for name, role in playbook.roles.items()}


def may(
    actor: Actor, action: Action | ReleaseRight, roles: Mapping[str, Role], only: tuple[str, ...] = ()
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
    """Say whether this act is right here and now: the right, the moment, the person, the reason, the subject.

    `roles` are those of the playbook, with `rights`.
    """
    asked = meant(act.action, act.subject, brief.asks)
    only = asked.roles if asked and act.action in {Action.APPROVE, Action.REJECT} else ()
    question = next((one for one in brief.questions if one.judgment == act.judgment), None)
    if act.action is Action.JUDGE and question:
        only = question.roles
    answer = may(act.actor, act.action, roles, only)
    if isinstance(answer, Refused):
        return answer
    problem = (
        _untimely(act.action, brief, asked)
        or _own(act, brief)
        or _incomplete(act, brief, asked)
        or _unheard_of(act, brief, question)
    )
    return Refused(reason=problem) if problem else answer


def is_moment(action: Action, brief: Briefing, asked: Ask | None = None) -> bool:
    """Say whether this is the moment for an act, whoever does it; `asked` is what it is about."""
    return not _untimely(action, brief, asked)


def _untimely(action: Action, brief: Briefing, asked: Ask | Unclear | None) -> str:
    """Say why this is not the moment for the act; empty where it is."""
    if brief.summary.outcome is not IncidentOutcome.OPEN:
        return "the incident is over"
    match action:
        case Action.ACKNOWLEDGE if brief.acknowledged_by:
            return f"{brief.acknowledged_by} has acknowledged already"
        case Action.HOLD if brief.held:
            return f"the incident is held already: {brief.held}"
        case Action.RESUME | Action.RETRY | Action.CLOSE if not brief.held:
            return f"the incident is not held, so there is nothing to {action.value}; hold it first"
        case Action.SKIP | Action.ABORT if brief.summary.phase == "postmortem":
            return "the postmortem is being written; it cannot be left out"
        case Action.NOTE if brief.notes >= MOST_NOTES:
            return (
                f"the timeline has {MOST_NOTES} notes already; write elsewhere and link it in the postmortem"
            )
        case Action.APPROVE | Action.REJECT | Action.TICK | Action.OVERRIDE | Action.BREAK_GLASS if not asked:
            return f"nothing waits for anybody to {_TO_DO.get(action, action.value)} it now"
        case _:
            return _no_way(action, brief) or _waits_already(action, brief) or _too_late(brief, asked)


def _no_way(action: Action, brief: Briefing) -> str:
    """Say why exposure cannot be taken off at once, or cannot come back; empty where it can."""
    match action:
        case Action.COME_BACK if not (brief.held and brief.can_come_back):
            return "exposure can come back only where the revert is held because users recovered at a stage"
        case Action.EMERGENCY if not brief.can_take_off:
            return "this playbook has no revert step, so there is nothing to take exposure off by"
        case Action.EMERGENCY if brief.emergency and not brief.held:
            return f"{brief.emergency} has called the emergency already: everything is being taken off"
        case _:
            return ""


_TO_DO = {Action.BREAK_GLASS: "break the glass for"}


def _waits_already(action: Action, brief: Briefing) -> str:
    """Say that somebody did the same before, where that waits for the consent of others."""
    waiting = next((ask for ask in brief.asks if ask.carries_out is action), None)
    if waiting is None:
        return ""
    return f"{action.value} waits for {lacking(waiting)} already: '{waiting.headline}', code {waiting.code}"


def _too_late(brief: Briefing, asked: Ask | Unclear | None) -> str:
    """Say why what others are asked to consent to cannot be carried out any more."""
    if not isinstance(asked, Ask) or asked.carries_out is None:
        return ""
    others = brief.model_copy(update={"asks": tuple(ask for ask in brief.asks if ask != asked)})
    return _untimely(asked.carries_out, others, None)


def _own(act: Act, brief: Briefing) -> str:
    """Say that people do not authorise what concerns the release that they shipped."""
    if act.action not in AUTHORISES or not shipped(act.actor, brief.shipped_by):
        return ""
    what = _TO_DO.get(act.action, act.action.value)
    return f"{act.actor.name} shipped this release, so somebody else must {what} it"


def _incomplete(act: Act, brief: Briefing, asked: Ask | Unclear | None) -> str:
    """Say what the act lacks, or which vote it repeats; empty where it is complete."""
    if act.action in NEEDS_REASON and not act.reason.strip():
        return f"{act.action.value} needs a reason"
    if isinstance(asked, Unclear):
        return asked.reason
    match act.action:
        case Action.SEVERITY:
            return _bad_severity(act, brief)
        case Action.APPROVE | Action.BREAK_GLASS if asked:
            return _repeated(act, asked)
        case Action.TICK if asked:
            return _bad_tick(act, asked)
        case _:
            return ""


def _repeated(act: Act, asked: Ask) -> str:
    # Who has approved may still reject: a person who sees the error must be able to take it back.
    if act.action is Action.APPROVE and act.actor.person in asked.approved_by:
        return f"{act.actor.name} has approved this already; it needs distinct people"
    if act.action is Action.BREAK_GLASS and act.actor.person in asked.broken_by:
        return (
            f"{act.actor.name} has broken the glass for this already; it takes somebody else, of another role"
        )
    return ""


def _bad_severity(act: Act, brief: Briefing) -> str:
    if act.severity is None:
        return f"say how bad it is: {', '.join(Severity)}"
    now = brief.summary.severity
    return f"the severity is {now.value} already" if act.severity is now else ""


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
    """Return the roles whose approvals count for a rule: those that it names, or all with the right.

    Those that it requires are always among them.
    """
    return named(rule.approve_by, rule.required, playbook)


def named(by: tuple[str, ...], required: tuple[str, ...], playbook: Playbook) -> tuple[str, ...]:
    """Return the roles whose approvals count where these are named and these required."""
    return tuple(dict.fromkeys((*(by or playbook.holders(Action.APPROVE)), *required)))


def human_rule(playbook: Playbook) -> Rule:
    """Return the rule of a revert that no fired rule backs: people decide, by the largest quorum."""
    strictest = max(playbook.rules, key=lambda rule: (rule.quorum, len(rule.required)))
    return strictest.model_copy(update={"id": "human-decision", "authority": "approve"})
