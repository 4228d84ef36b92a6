"""Choices: what people can do in an incident by one tap, the most urgent first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from backout.authority import is_moment
from backout.messages import Button, Style
from backout.people import NEEDS_REASON, NEEDS_SUBJECT, Action
from backout.view import Ask, Briefing

LABELS = {
    Action.ACKNOWLEDGE: "Acknowledge",
    Action.APPROVE: "Approve",
    Action.REJECT: "Reject",
    Action.HOLD: "Hold",
    Action.RESUME: "Resume",
    Action.RETRY: "Retry step",
    Action.SKIP: "Skip step",
    Action.ABORT: "Abort",
    Action.EMERGENCY: "Emergency: all off",
    Action.COME_BACK: "Come back",
    Action.NOTE: "Note",
    Action.CLOSE: "Close",
    Action.SEVERITY: "Severity",
    Action.OVERRIDE: "Override",
    Action.BREAK_GLASS: "Break glass",
}
"""What is written on a button. A tick names an item and a judgment an answer: they are typed."""
_STYLES: dict[Action, Style] = {
    Action.ACKNOWLEDGE: "primary",
    Action.APPROVE: "primary",
    Action.ABORT: "danger",
    Action.EMERGENCY: "danger",
    Action.OVERRIDE: "danger",
    Action.BREAK_GLASS: "danger",
}
_ALWAYS = (
    Action.HOLD,
    Action.EMERGENCY,
    Action.RESUME,
    Action.COME_BACK,
    Action.RETRY,
    Action.SKIP,
    Action.ABORT,
    Action.CLOSE,
    Action.SEVERITY,
    Action.NOTE,
)
"""What people can do beside answering, as far as it is the moment for it."""
LONGEST_QUESTION = 300
"""Characters of what people are asked before a tap counts."""
_NEVER = datetime.max.replace(tzinfo=UTC)


def buttons_of(brief: Briefing) -> tuple[Button, ...]:
    """Return a button for everything that can be done now, the most urgent first; none once it is over.

    Who taps is not known before: whether they have the right is decided then.
    """
    asks = sorted(brief.asks, key=lambda ask: ask.until or _NEVER)
    found: dict[tuple[Action, str], Button] = {}
    for action, ask in _wanted(asks):
        code = ask.code if ask and action in NEEDS_SUBJECT else ""
        if action in LABELS and is_moment(action, brief, ask):
            found[action, code] = _button(action, ask if code else None, brief)
    coded = [action for action, code in found if code]
    return tuple(
        _told_apart(button) if coded.count(button.action) > 1 else button for button in found.values()
    )


def _wanted(asks: list[Ask]) -> Iterator[tuple[Action, Ask | None]]:
    yield Action.ACKNOWLEDGE, None
    yield from ((action, ask) for ask in asks for action in ask.actions)
    yield from ((action, None) for action in _ALWAYS)


def _button(action: Action, ask: Ask | None, brief: Briefing) -> Button:
    return Button(
        action=action,
        incident=brief.summary.incident,
        code=ask.code if ask else "",
        seen=brief.seen,
        run=brief.summary.run,
        label=f"{LABELS[action]} …" if action in NEEDS_REASON else LABELS[action],
        style=_STYLES.get(action, ""),
        confirm=_question(action, ask, brief),
    )


def _question(action: Action, ask: Ask | None, brief: Briefing) -> str:
    """Return what people are asked before a tap moves the world; a form that asks for a reason is enough."""
    match action:
        case Action.APPROVE if ask:
            asked = f"You approve {ask.code}: {ask.headline}"
        case Action.RESUME:
            asked = f"{brief.summary.service} {brief.summary.release} goes on with step {brief.step}."
        case Action.RETRY:
            asked = f"Step {brief.step} of {brief.summary.service} {brief.summary.release} runs again."
        case _:
            return ""
    return asked if len(asked) <= LONGEST_QUESTION else f"{asked[: LONGEST_QUESTION - 1]}…"


def _told_apart(button: Button) -> Button:
    return button.model_copy(update={"label": f"{button.label} {button.code}"}) if button.code else button
