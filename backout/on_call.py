"""Who is on call by a rota of the site file, and when that changes. It has no clock of its own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from backout.model import Frozen
from backout.rotas import WeeklyRota
from backout.zones import local, moment


class Handover(Frozen):
    """When somebody else comes on call."""

    at: datetime
    person: str | None
    """Who is on call from then on; None where nobody is."""


def on_call(rota: WeeklyRota, at: datetime) -> str | None:
    """Return who is on call at a moment; None before the first hand-over, where no override names anybody."""
    for override in reversed(rota.overrides):
        if override.start <= at < override.end:
            return override.person
    turn = _turn(rota, at)
    return rota.people[turn % len(rota.people)] if turn >= 0 else None


def next_handover(rota: WeeklyRota, at: datetime) -> Handover | None:
    """Return when somebody else than now comes on call; None where that never happens."""
    now = on_call(rota, at)
    for changed in sorted(set(_changes(rota, at))):
        person = on_call(rota, changed)
        if person != now:
            return Handover(at=changed, person=person)
    return None


def _changes(rota: WeeklyRota, at: datetime) -> Iterator[datetime]:
    """Yield moments after this one at which it may change, the first at which it does among them.

    Between the edges of overrides turns alone count, and among as many turns as there are people one is of
    somebody else, if any is.
    """
    edges = [edge for one in rota.overrides for edge in (one.start, one.end) if edge > at]
    yield from edges
    for since in (at, *edges):
        turn = max(_turn(rota, since), -1)
        yield from (_begins(rota, turn + 1 + more) for more in range(len(rota.people) + 1))


def _turn(rota: WeeklyRota, at: datetime) -> int:
    """Return the number of the turn at a moment, from 0; negative before the first."""
    turn = (local(at, rota.zone).date() - rota.start).days // rota.days
    # By its date alone the moment may lie before the hand-over of that very day.
    while _begins(rota, turn) > at:
        turn -= 1
    while _begins(rota, turn + 1) <= at:
        turn += 1
    return turn


def _begins(rota: WeeklyRota, turn: int) -> datetime:
    return moment(rota.start + timedelta(days=turn * rota.days), rota.handover, rota.zone)
