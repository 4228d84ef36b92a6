"""What is asked of people, in words for a message: of whom by name, how far the vote is, and by when."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from backout.model import Frozen
from backout.people import Person
from backout.view import Ask
from backout.votes import lacking

MOST_NAMES = 5
"""People of one role that are named; more are counted."""


class Asked(Frozen):
    """A question to people."""

    what: str
    who: str
    """The roles that may answer, each with the people who fill it."""
    vote: str
    """How far the vote is; empty where there is none."""
    code: str
    until: datetime | None


def asked(ask: Ask, directory: Mapping[str, Person]) -> Asked:
    """Return a question with the names of the people in the directory whom it is for."""
    return Asked(
        what=ask.what,
        who=" or ".join(named(role, directory) for role in ask.roles) or "a person",
        vote=_vote(ask, directory),
        code=ask.code,
        until=ask.until,
    )


def named(role: str, directory: Mapping[str, Person]) -> str:
    """Return a role with the people who fill it, such as `on_call (Alice, Bob)`."""
    names = [person.name for person in directory.values() if role in person.roles]
    if len(names) > MOST_NAMES:
        names = [*names[:MOST_NAMES], f"{len(names) - MOST_NAMES} more"]
    return f"{role} ({', '.join(names)})" if names else role


def _vote(ask: Ask, directory: Mapping[str, Person]) -> str:
    if not ask.quorum:
        return ""
    by = ", ".join(directory[key].name if key in directory else key for key in ask.approved_by)
    counted = f"{len(ask.approved_by)} of {ask.quorum} approved{f' ({by})' if by else ''}"
    lacks = lacking(ask)
    return f"{counted}, it takes {lacks}" if lacks and len(ask.approved_by) >= ask.quorum else counted
