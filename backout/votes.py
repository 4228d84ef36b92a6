"""Votes: which question an act is about, and whether the approvals that a question has authorise it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from backout.model import Frozen
from backout.people import NEEDS_SUBJECT, Act, Action, Actor
from backout.view import Ask

SHORTEST_CODE = 6
"""So many digits of a digest say at least which plan or notice is meant."""


GLASS_TAKES = 2
"""So many people, each of another role, break the glass."""


class Unclear(Frozen):
    """The act does not say which of the questions it is about."""

    reason: str
    roles: tuple[str, ...]
    """Who may answer any of them."""


def meant(action: Action, subject: str | None, asks: Iterable[Ask]) -> Ask | Unclear | None:
    """Return the question that an act is about; None where nothing waits for such an act.

    Several questions may wait at the same time: each is answered by the code of what was read.
    """
    waiting = tuple(ask for ask in asks if action in ask.actions)
    if not waiting:
        return None
    if action not in NEEDS_SUBJECT:
        return waiting[0]
    found = tuple(ask for ask in waiting if subject and _is_of(subject, ask))
    if len(found) == 1:
        return found[0]
    roles = tuple(dict.fromkeys(role for ask in waiting for role in ask.roles))
    return Unclear(reason=_which(action, subject, found or waiting, is_known=bool(found)), roles=roles)


def _is_of(subject: str, ask: Ask) -> bool:
    digits = subject.lower().removeprefix("sha256:")
    return len(digits) >= SHORTEST_CODE and ask.subject.removeprefix("sha256:").startswith(digits)


def _which(action: Action, subject: str | None, asks: Sequence[Ask], *, is_known: bool) -> str:
    """Say how to name the question that is meant."""
    if not subject:
        told = "; ".join(f"{action.value} {ask.code} for '{ask.headline}'" for ask in asks)
        return f"say by its code what you {action.value}, once you have read it: {told}"
    if is_known:
        told = "; ".join(f"{ask.subject} for '{ask.headline}'" for ask in asks)
        return f"the code {subject} stands for more than one thing that waits; write more of it: {told}"
    told = "; ".join(f"'{ask.headline}', code {ask.code}" for ask in asks)
    return f"the plan has changed, or something else waits now: {told}; look again"


class Counted(Frozen):
    """What a vote came to."""

    ask: Ask
    """The question with it."""
    authorises: bool
    text: str
    """What the voter is told."""


def counted(ask: Ask, act: Act) -> Counted:
    """Count a vote that lets something happen: an approval, an override, or a hand on the glass."""
    match act.action:
        case Action.OVERRIDE:
            had = f"it had {len(ask.approved_by)} of {ask.quorum} approvals"
            return Counted(ask=ask, authorises=True, text=f"overridden, {had}: authorised")
        case Action.BREAK_GLASS:
            broken = _added(ask, act.actor, "broken", ask.glass)
            if roles_filled(broken.broken_as) < GLASS_TAKES:
                text = "first of two who break the glass; it takes somebody of another role"
                return Counted(ask=broken, authorises=False, text=text)
            return Counted(ask=broken, authorises=True, text="glass broken: authorised, and reported")
        case _:
            return _approved(_added(ask, act.actor, "approved", ask.roles))


def _approved(ask: Ask) -> Counted:
    told = f"approval {len(ask.approved_by)} of {ask.quorum}"
    if not (lacks := lacking(ask)):
        return Counted(ask=ask, authorises=True, text=f"{told}: authorised")
    more = "" if len(ask.approved_by) < ask.quorum else f"; it takes {lacks}"
    return Counted(ask=ask, authorises=False, text=f"{told}{more}")


def approved(ask: Ask, actor: Actor) -> Ask:
    """Return the question with one approval more."""
    return _added(ask, actor, "approved", ask.roles)


def _added(ask: Ask, actor: Actor, how: Literal["approved", "broken"], among: tuple[str, ...]) -> Ask:
    roles = tuple(role for role in actor.roles if role in among)
    by, of = getattr(ask, f"{how}_by"), getattr(ask, f"{how}_as")
    return ask.model_copy(update={f"{how}_by": (*by, actor.person), f"{how}_as": (*of, roles)})


def shipped(actor: Actor, by: str) -> bool:
    """Say whether this is the person who shipped the release, however the registry names them."""
    names = (actor.person, actor.name, *actor.known_as)
    return bool(by.strip()) and by.strip().casefold() in {name.strip().casefold() for name in names}


def roles_filled(votes: Sequence[Sequence[str]]) -> int:
    """Return how many distinct roles people fill at most, where each of them counts for one role only.

    `votes` has the roles of each person. It is a maximum matching: who has two roles takes the one that
    leaves the other to somebody else.
    """
    by_role: dict[str, int] = {}

    def place(person: int, tried: set[str]) -> bool:
        for role in votes[person]:
            if role in tried:
                continue
            tried.add(role)
            if role not in by_role or place(by_role[role], tried):
                by_role[role] = person
                return True
        return False

    return sum(place(person, set()) for person in range(len(votes)))


def lacking(ask: Ask) -> str:
    """Say what the approvals of an ask still lack; empty where they authorise it."""
    if len(ask.approved_by) < ask.quorum:
        return f"{ask.quorum - len(ask.approved_by)} more"
    filled = roles_filled(ask.approved_as)
    if ask.roles_needed > 1 and filled < ask.roles_needed:
        return f"{ask.roles_needed - filled} more role, filled by somebody else"
    if ask.must and not any(set(roles) & set(ask.must) for roles in ask.approved_as):
        return f"somebody who is {' or '.join(ask.must)}"
    return _absent(ask.required, ask.approved_as)


def _absent(required: tuple[str, ...], votes: Sequence[Sequence[str]]) -> str:
    """Say which required roles nobody fills yet; each takes another person."""
    counted = [[role for role in roles if role in required] for roles in votes]
    if roles_filled(counted) == len(set(required)):
        return ""
    there = {role for roles in counted for role in roles}
    missing = [role for role in dict.fromkeys(required) if role not in there]
    return f"somebody who is {' and somebody who is '.join(missing or required)}, each another person"
