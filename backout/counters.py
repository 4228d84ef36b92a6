"""Counters: what they counted between two looks, also where they begin again or a replica comes and goes.

Of what is bad as much is counted as is judged. The totals of a track are those that were counted, so the
rest of the bad is in the next reading: no bad output is lost by that, and none counted twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, isfinite
from typing import NamedTuple, TypeGuard

from backout.counting import Reading, Totals
from backout.watch import Track

_MANY_TIMES = 50
"""What had left a sum comes back in a tick only where it is so many times the largest reading before."""
_SLACK = 1e-6
"""Sums of fractions differ in their last digits from look to look."""
_EMPTY = Reading()


def difference(before: Totals, now: Totals) -> Reading:
    """Return what was counted between two looks; no data, or nonsense, is a reading of nothing.

    A counter that fell is no data for one tick: a service restarted, or a replica left the sum, and then what
    is left was counted over its whole life. Taken for new, it would drown what happens now. Parts of one
    wait until they are whole.
    """
    bad, judged = _since(before, now)
    return _EMPTY if bad > judged else Reading(bad=bad, judged=judged)


def _since(before: Totals, now: Totals) -> tuple[int, int]:
    """Return how many bad and how many judged came since; none where one of the counts is not there."""
    bad, judged = _grown(before.bad, now.bad), _grown(before.of, now.of)
    return (0, 0) if bad is None or judged is None else (bad, judged)


def _grown(before: float | None, now: float | None) -> int | None:
    if not is_count(before) or not is_count(now) or now - before < -_SLACK:
        return None
    return max(0, floor(now - before + _SLACK))


def is_count(number: float | None) -> TypeGuard[float]:
    """Say whether a number counts something: NaN, infinity and what is below zero do not."""
    return number is not None and isfinite(number) and number >= 0


def has_data(totals: Totals) -> bool:
    """Say whether both counts are there."""
    return is_count(totals.bad) and is_count(totals.of)


def _fell(before: Totals, now: Totals) -> bool:
    pairs = ((before.bad, now.bad), (before.of, now.of))
    return any(is_count(a) and is_count(b) and b - a < -_SLACK for a, b in pairs)


class Count(NamedTuple):
    """What was counted; the other fields are those of a track."""

    reading: Reading
    totals: Totals
    fallen: Totals | None
    left: Reading | None


def counted(track: Track, now: Totals) -> Count:
    """Return what a counter counted since the last look at it, and what its track remembers of it."""
    before, left = track.totals, track.left
    if _fell(before, now):
        if track.fallen is None or _fell(track.fallen, now):
            return Count(_EMPTY, before, now, left)
        lost = (_grown(track.fallen.bad, before.bad), _grown(track.fallen.of, before.of))
        before, left = track.fallen, Reading(bad=lost[0] or 0, judged=lost[1] or 0)
    bad, judged = _since(before, now)
    if not judged or _is_nonsense(bad, judged, track):
        # Were the totals to move on, the bad would be lost, and what is judged of them later would count as
        # good.
        return Count(_EMPTY, before if has_data(before) else now, None, left)
    reading = Reading(bad=min(bad, judged), judged=judged)
    totals = Totals(bad=(before.bad or 0) + reading.bad, of=(before.of or 0) + reading.judged)
    rest = _without_returned(reading, left, track.recent) if left else None
    return Count(reading, totals, None, left) if rest is None else Count(rest, totals, None, None)


def _is_nonsense(bad: int, judged: int, track: Track) -> bool:
    """Say whether more are bad than the judged can explain.

    Where what is bad is seen a little before it is judged, it is ahead by what comes in a tick, and by no
    more however long that lasts. Where two different things are counted, it gets ahead further in every tick.
    By a part p of the judged it does so in fewer than 1 / p ticks: too few for a breach where p is above a
    tick's part of `sustain`.
    """
    # Since the last count, not of this tick alone: a tick is noise. The first count may be late in a watch.
    ticks = track.silent + 1 if track.seen_at else 1
    return bad - judged >= judged / ticks


def _without_returned(reading: Reading, left: Reading, recent: Sequence[Reading]) -> Reading | None:
    """Return the rest of a reading in which what had left the sum came back; None where it did not.

    A replica that is scraped again brings its whole life in one tick, and would drown what happens now.
    """
    largest = max((one.judged for one in recent), default=0)
    bad, judged = reading.bad - left.bad, reading.judged - left.judged
    came_back = left.judged > _MANY_TIMES * largest and 0 <= bad <= judged
    return Reading(bad=bad, judged=judged) if came_back else None


def waiting(counted: Totals, now: Totals) -> int:
    """Return how many bad a look showed beyond those that were counted: they wait for what is judged next."""
    return _grown(counted.bad, now.bad) or 0


def flaw(before: Totals, now: Totals) -> str:
    """Say why what a look showed was not counted; empty where there is nothing to say."""
    told = [number for number in (now.bad, now.of) if number is not None]
    if not all(is_count(number) for number in told):
        return f"{', '.join(f'{number:g}' for number in told)} is no count"
    if _fell(before, now):
        return "a counter fell (a restart, or an old answer)"
    bad, judged = _grown(before.bad, now.bad), _grown(before.of, now.of)
    if bad is not None and judged is not None and bad > judged:
        return f"{bad} bad of {judged} judged is nonsense"
    return ""
