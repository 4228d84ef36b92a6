"""What people's acts do to the case: each is written down, and takes effect at once or with consent."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from backout import consents, judgments, votes
from backout.case import Case, Directive
from backout.consents import Pending
from backout.people import AUTHORISES, NEEDS_SUBJECT, Act, Action, Receipt, unnamed
from backout.rules import Judgment
from backout.timeline import ActionTaken
from backout.timeline_decisions import ConsentLapsed
from backout.view import Ask

TOLD = frozenset({*AUTHORISES, Action.TICK, Action.JUDGE, Action.SEVERITY})
"""Acts whose effect is written on the timeline, beside their reason."""


def take_act(
    case: Case, act: Act, *, right: str, now: datetime, step: str, judgment: Judgment | None = None
) -> Receipt:
    """Let a person's act take effect; its right was decided before. It is written down first.

    `judgment` is the one that a `judge` answers.
    """
    ask = asked(case, act)
    subject, plan = (ask.subject, ask.plan) if ask else ("", "")
    receipt = Receipt(text=_effect(case, act, now, judgment))
    told = receipt.text if act.action in TOLD else ""
    detail = ": ".join(filter(None, (plan, told)))
    event = _taken(act, right=right, subject=subject, detail=detail, at=now)
    case.add(event, now=now, step=step)
    case.receipts[act.id] = receipt
    _carry_out(case, now=now, step=step)
    return receipt


def ask_consent(case: Case, act: Act, ask: Ask, *, right: str, now: datetime, step: str) -> Receipt:
    """Keep an act that its actor has the right to, until others have consented to it."""
    event = consents.asked(act, ask, right=right, at=now)
    case.add(event, now=now, step=step)
    case.pending[ask.subject] = Pending(act=act, right=right)
    case.asks[consents.kind(act.action)] = ask
    case.receipts[act.id] = consents.receipt(event, ask)
    return case.receipts[act.id]


def lapse(case: Case, actions: Collection[Action], why: str, *, now: datetime, step: str) -> None:
    """Give up acts of these kinds that nobody has consented to yet."""
    for subject, pending in list(case.pending.items()):
        if pending.act.action in actions:
            del case.pending[subject]
            case.asks.pop(consents.kind(pending.act.action), None)
            case.add(ConsentLapsed(at=now, action=pending.act.action, why=why), now=now, step=step)


def _carry_out(case: Case, *, now: datetime, step: str) -> None:
    """Carry out what others have consented to by now."""
    for subject in [one for one in case.pending if one in case.authorised]:
        act, right = case.pending[subject].act, case.pending.pop(subject).right
        effect = _effect(case, act, now, None)
        detail = f"carried out, with the consent that it takes: {effect}"
        event = _taken(act, right=right, subject=subject, detail=detail, at=now)
        case.add(event, now=now, step=step)


def _taken(act: Act, *, right: str, subject: str, detail: str, at: datetime) -> ActionTaken:
    return ActionTaken(
        at=at,
        act=act.id,
        action=act.action,
        actor=unnamed(act.actor),
        right=right,
        reason=act.reason,
        subject=subject,
        detail=detail,
    )


def asked(case: Case, act: Act) -> Ask | None:
    """Return the question that a vote is about; None for any other act."""
    if act.action not in NEEDS_SUBJECT:
        return None
    ask = votes.meant(act.action, act.subject, case.asks.values())
    assert isinstance(ask, Ask)  # noqa: S101  # authority knows it
    return ask


def _effect(case: Case, act: Act, now: datetime, judgment: Judgment | None) -> str:
    match act.action:
        case Action.ACKNOWLEDGE:
            case.acknowledged_by = act.actor.name
            case.asks.pop("acknowledge", None)
            return f"{act.actor.name} owns the incident now; paging stops"
        case Action.APPROVE | Action.OVERRIDE | Action.BREAK_GLASS | Action.REJECT:
            return _vote(case, act)
        case Action.JUDGE:
            return _judge(case, act, now, judgment)
        case Action.HOLD:
            case.held = f"{act.actor.name}: {act.reason or 'no reason given'}"
            # Said last, and nothing moves: what was decided a moment before is not done any more.
            case.directive, case.coming_back = None, ""
            return "held; nothing moves until somebody resumes, retries, skips or aborts"
        case Action.NOTE | Action.TICK:
            return _written(case, act)
        case Action.SEVERITY:
            before, case.severity = case.severity, act.severity
            return f"it is {case.severity} now{f', no more {before}' if before else ''}"
        case _:
            return _directed(case, act)


def _directed(case: Case, act: Act) -> str:
    """Say what becomes of the current step."""
    case.directive = Directive(act.action.value)
    if act.action is not Action.RETRY:
        # What is said last is done: nothing comes back up by what was said before it, unless that is retried.
        case.coming_back = ""
    if act.action is Action.EMERGENCY:
        case.emergency, case.held = act.actor.name, ""
        return "all exposure is being taken off at once"
    if act.action is Action.COME_BACK:
        case.coming_back = f"{act.actor.name}: {act.reason}"
    return f"{act.action.value}: taken"


def _vote(case: Case, act: Act) -> str:
    before = asked(case, act)
    assert before is not None  # noqa: S101  # only votes come here
    kind = next(kind for kind, one in case.asks.items() if one is before)
    if act.action is Action.REJECT:
        which = f"{before.plan} " if before.plan else ""
        case.rejections[before.subject] = f"{which}rejected by {act.actor.name}: {act.reason}"
        case.pending.pop(before.subject, None)
        del case.asks[kind]
        return f"rejected; {before.if_rejected}"
    counted = votes.counted(before, act)
    if counted.authorises:
        del case.asks[kind]
        case.authorised = (*case.authorised, before.subject)
    else:
        case.asks[kind] = counted.ask
    return counted.text


def _judge(case: Case, act: Act, now: datetime, judgment: Judgment | None) -> str:
    assert judgment is not None  # noqa: S101  # authority knows it
    before = (*case.judged_by_others, *case.judged.values())
    judged = case.judged[judgment.id] = judgments.answer(act, judgment, now)
    case.judged_by_others = judgments.by_others(before, case.judged)
    weight = judgment.answers[act.answer].value
    return f"{judgment.id} is {act.answer} ({weight}) until {judged.until:%H:%M:%S} UTC"


def _written(case: Case, act: Act) -> str:
    if act.action is Action.TICK:
        return _tick(case, act.item or 0)
    case.notes += 1
    return "noted on the timeline"


def _tick(case: Case, item: int) -> str:
    ask = case.asks["tick"]
    ticked = (*ask.ticked, item)
    case.asks["tick"] = ask.model_copy(update={"ticked": ticked})
    case.ticks[ask.subject] = ticked
    return f"item {item} done, {len(ask.items) - len(ticked)} to go: {ask.items[item - 1]}"
