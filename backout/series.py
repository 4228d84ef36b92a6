"""Series: recorded rows, turned into the looks that a watch would have had."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from math import ceil

from backout.counting import Look, Totals
from backout.recorded import Row

_Counts = dict[str, dict[str, Totals]]


def looks_of_rows(rows: Iterable[Row], *, tick: timedelta) -> Iterator[Look]:
    """Yield a look for each tick, from one before the first row to the last row's.

    A row counts in the tick that ends at its time or next after it. A stream, or a cohort of it, that comes
    for the first time begins at zero one tick before.
    """
    counted: dict[tuple[str, str], tuple[float, float]] = {}
    pending: Look | None = None
    for at, added in _by_tick(rows, tick):
        before = pending or Look(at=at - tick)
        fresh = [key for key in added if key not in counted]
        yield before.model_copy(update={"totals": _with_zeros(before.totals, fresh)})
        gap = before.at + tick
        while gap < at:
            yield Look(at=gap)
            gap += tick
        now: _Counts = {}
        for key, (bad, judged) in added.items():
            was_bad, was_judged = counted.get(key, (0.0, 0.0))
            counted[key] = (was_bad + bad, was_judged + judged)
            now.setdefault(key[0], {})[key[1]] = Totals(bad=was_bad + bad, of=was_judged + judged)
        pending = Look(at=at, totals=now)
    if pending:
        yield pending


def _with_zeros(known: _Counts, fresh: Sequence[tuple[str, str]]) -> _Counts:
    found = {stream: dict(cohorts) for stream, cohorts in known.items()}
    for stream, cohort in fresh:
        found.setdefault(stream, {})[cohort] = Totals(bad=0, of=0)
    return found


def _by_tick(
    rows: Iterable[Row], tick: timedelta
) -> Iterator[tuple[datetime, dict[tuple[str, str], tuple[float, float]]]]:
    """Yield, for each tick that has rows, its end and what was counted in it by stream and cohort."""
    origin: datetime | None = None
    end: datetime | None = None
    added: dict[tuple[str, str], tuple[float, float]] = {}
    for row in rows:
        origin = origin or row.at
        at = origin + ceil((row.at - origin) / tick) * tick
        if end is not None and at != end:
            yield end, added
            added = {}
        end = at
        for stream in row.streams:
            bad, judged = added.get((stream, row.cohort), (0.0, 0.0))
            added[stream, row.cohort] = (bad + row.bad, judged + row.judged)
    if end is not None:
        yield end, added
