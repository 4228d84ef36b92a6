"""Consents: acts that take effect only once others have consented, such as a close that legal must see."""

from __future__ import annotations

from datetime import datetime

from backout.model import Frozen, digest_of
from backout.people import Act, Action, Receipt, unnamed
from backout.timeline_decisions import ConsentAsked
from backout.view import Ask
from backout.votes import approved, lacking, shipped

DECISIONS = frozenset(
    {Action.RESUME, Action.RETRY, Action.SKIP, Action.ABORT, Action.CLOSE, Action.COME_BACK}
)
"""Acts about the step that is taken: another one, or the step's end, leaves nothing of them to consent to."""

CAN_WAIT = DECISIONS | {Action.SEVERITY}
"""Acts that a playbook may put under the consent of others; whatever stops something never waits."""


class Pending(Frozen):
    """An act that waits for the consent of others."""

    act: Act
    right: str
    """The role that carried the actor's right."""


def kind(action: Action) -> str:
    """Return the kind of question that asks for consent to such an act: there is one at a time."""
    return f"consent/{action.value}"


def question(act: Act, roles: tuple[str, ...], *, until: datetime, shipped_by: str) -> Ask | None:
    """Return the question that others must answer before an act takes effect; None where none must.

    An actor who has one of the roles consents by acting; who shipped the release consents to nothing.
    """
    why = f": {act.reason}" if act.reason else ""
    to = f" to {act.severity.value}" if act.severity else ""
    ask = Ask(
        what=f"{act.actor.name} wants to {act.action.value}{to}{why}",
        actions=(Action.APPROVE, Action.REJECT),
        subject=digest_of(act),
        quorum=len(roles),
        roles=roles,
        required=roles,
        until=until,
        carries_out=act.action,
        if_rejected=f"{act.action.value} is not carried out",
    )
    if set(act.actor.roles) & set(roles) and not shipped(act.actor, shipped_by):
        ask = approved(ask, act.actor)
    return ask if lacking(ask) else None


def asked(act: Act, ask: Ask, *, right: str, at: datetime) -> ConsentAsked:
    """Return the event that people were asked to consent."""
    return ConsentAsked(
        at=at,
        act=act.id,
        action=act.action,
        actor=unnamed(act.actor),
        right=right,
        reason=act.reason,
        subject=ask.subject,
        roles=ask.required,
        until=ask.until or at,
    )


def receipt(event: ConsentAsked, ask: Ask) -> Receipt:
    """Return what the actor is told whose act waits."""
    waits = f"{event.action.value} is not carried out yet: it waits for {lacking(ask)}"
    until = f"until {event.until:%H:%M:%S} UTC"
    return Receipt(text=f"{waits}, {until}; they approve or reject it by the code {ask.code}")
