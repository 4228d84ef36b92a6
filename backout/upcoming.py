"""What each audience is to be told next, and what that waits for."""

from __future__ import annotations

from collections.abc import Mapping

from backout.communications import Communication, Owed, Upcoming
from backout.view import Ask

KIND = "notice/"
"""What the kinds of questions begin with that ask for the approval of a notice."""


def upcoming(
    communications: tuple[Communication, ...], owed: Mapping[str, Owed], asks: Mapping[str, Ask]
) -> tuple[Upcoming, ...]:
    """Return the next notice of each communication that owes one, the most urgent first."""
    found = [
        _next(one, owed[one.id], asks.get(f"{KIND}{one.id}"))
        for one in communications
        if one.id in owed and not owed[one.id].done
    ]
    return tuple(sorted(found, key=lambda one: one.due))


def _next(communication: Communication, owed: Owed, ask: Ask | None) -> Upcoming:
    return Upcoming(
        communication=communication.id,
        audience=communication.audience,
        due=owed.due,
        overdue=owed.overdue,
        waits_for=ask.roles if ask else (),
        code=ask.code if ask else "",
    )
