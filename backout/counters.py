"""Counters: what they counted between two looks, also where they begin again or a replica comes and goes."""

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
    bad, judged = _grown(before.bad, now.bad), _grown(before.of, now.of)
    if bad is None or judged is None or bad > judged:
        return Reading()
    return Reading(bad=bad, judged=judged)


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
    reading = difference(before, now)
    if not reading.judged:
        # Also where more are bad than judged: what is bad may be seen a look before it is judged. Were the
        # totals to move on, the bad would be lost, and what is judged of them later would count as good.
        return Count(reading, before if has_data(before) else now, None, left)
    totals = Totals(bad=(before.bad or 0) + reading.bad, of=(before.of or 0) + reading.judged)
    rest = _without_returned(reading, left, track.recent) if left else None
    return Count(reading, totals, None, left) if rest is None else Count(rest, totals, None, None)


def _without_returned(reading: Reading, left: Reading, recent: Sequence[Reading]) -> Reading | None:
    """Return the rest of a reading in which what had left the sum came back; None where it did not.

    A replica that is scraped again brings its whole life in one tick, and would drown what happens now.
    """
    largest = max((one.judged for one in recent), default=0)
    bad, judged = reading.bad - left.bad, reading.judged - left.judged
    came_back = left.judged > _MANY_TIMES * largest and 0 <= bad <= judged
    return Reading(bad=bad, judged=judged) if came_back else None


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
