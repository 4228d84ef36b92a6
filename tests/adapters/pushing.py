"""Pushes that a test sends, and what is counted of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from adapters.sources.push import PushedCounts
from backout.counting import Clock, Counted, Query
from backout.pushes import Push, accepted

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
MONTH = timedelta(days=30)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def push(key: str, *, now: float = 0, made: float | None = None, labels: str = "", **told: float) -> Push:
    """A push received `now` minutes after noon, of outputs `made` minutes after noon."""
    pairs = dict(pair.split("=") for pair in labels.split()) if labels else {}
    counted = {name.replace("_", "."): number for name, number in told.items()} or {
        "a.judged": 10,
        "a.bad": 1,
    }
    made_at = None if made is None else at(made)
    one = Push(source="judges", key=key, at=made_at, labels=pairs, counts=counted)
    return accepted(one, now=at(now))


async def clocked(source: PushedCounts, text: str, clock: Clock) -> Counted:
    (counted,) = await source.look(queries=[Query(text=text, clock=clock)])
    return counted


async def history(
    source: PushedCounts, text: str, *minutes: float, clock: Clock = "arrival", by: str | None = None
) -> list[dict[str, float]]:
    """What was counted at these moments, one tick apart."""
    tick = timedelta(minutes=1) if len(minutes) == 1 else at(minutes[1]) - at(minutes[0])
    query = Query(text=text, clock=clock, by=by)
    (found,) = await source.history(queries=[query], start=at(minutes[0]), end=at(minutes[-1]), tick=tick)
    assert len(found) == len(minutes)
    return [counted.counts for counted in found]
