"""Evaluation reports: JSON lines, each with the verdicts on one output. Lines may be added at any time.

The verdict `unsafe` is the counters `unsafe.bad` and `unsafe.judged`; a value is a distribution.
"""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from glob import glob
from heapq import heapify, heappop, heapreplace
from pathlib import Path
from typing import NamedTuple

from adapters.sources.courses import Course, read_off, ticks
from adapters.sources.report_files import Line, Tail
from adapters.sources.report_lines import LineBroken, read_line
from adapters.sources.report_series import ALL, BAD, Kind, Range, Series, Told
from adapters.sources.selector import QueryBroken, Selector, parse_selector
from adapters.sources.tally import tally
from adapters.stores.instants import micros
from backout.counting import STALE, Counted, Query
from backout.errors import Unreachable
from backout.model import format_duration

_NAMED = 20
"""Names that are told to somebody who asked for another one."""
_TWICE = "each output was told before, with other labels; outputs of other releases need ids of their own"
_COUNTERS = {"bad": BAD, "judged": ALL}
_AT_ONCE = 5000
"""Lines that are read of one file before it is another's turn."""


class _Wanted(NamedTuple):
    """What a query asks for."""

    kind: Kind
    selector: Selector
    range: Range
    series: Sequence[Series] = ()


class Reports:
    """Counts since the first line; what was read once is not read again."""

    def __init__(
        self,
        path: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        keep: timedelta | None = None,
    ) -> None:
        """Read the file of that path, or every file of that pattern, from the first look on.

        Of outputs that were produced longer ago than `keep` only the totals are kept: None keeps everything.
        """
        self._path = path
        self._keep = keep
        self._what = f"report {path}"
        self._now = now
        self._lock = threading.Lock()
        self._tails: dict[str, Tail] = {}
        self._told = Told(keep)
        self._too_old = 0

    async def look(self, *, queries: Sequence[Query]) -> tuple[Counted, ...]:
        """Return what each query counts now.

        Raises:
            Unreachable: there is no such file, or it cannot be read.
        """
        # A long report takes a while to read; meanwhile the loop must go on heartbeating.
        return await asyncio.to_thread(self._look, queries)

    async def history(
        self, *, queries: Sequence[Query], start: datetime, end: datetime, tick: timedelta
    ) -> tuple[tuple[Counted, ...], ...]:
        """Return what each query had counted at every tick; it raises what `look` raises."""
        instants = [micros(at) for at in ticks(start, end, tick)]
        return await asyncio.to_thread(self._history, queries, instants)

    def _look(self, queries: Sequence[Query]) -> tuple[Counted, ...]:
        with self._lock:
            self._read_on(queries)
            return tuple(self._counted(query) for query in queries)

    def _history(self, queries: Sequence[Query], instants: Sequence[int]) -> tuple[tuple[Counted, ...], ...]:
        with self._lock:
            self._read_on(queries)
            known = [at for at in instants if at >= self._told.since]
            unknown = (Counted(problem=self._forgotten()),) * (len(instants) - len(known))
            return tuple(unknown + self._course(query, known) for query in queries)

    def _counted(self, query: Query) -> Counted:
        found = self._find(query)
        if isinstance(found, str):
            return Counted(problem=self._with_refusals(found))
        told = [(_label(one, query), one.count(query.clock, found.range)) for one in found.series]
        late = sum(count.seen - count.judged for _, count in told)
        said = f"late by more than {format_duration(STALE)} and not counted: {late} verdicts" if late else ""
        counted = tally(query, [(label, count.inside) for label, count in told if count.judged])
        if counted.counts:
            return counted.model_copy(update={"note": self._with_refusals(said)})
        why = counted.problem or (f"{said}; `clock: labelled` counts what comes late" if said else _TWICE)
        return Counted(problem=self._with_refusals(why))

    def _course(self, query: Query, instants: Sequence[int]) -> tuple[Counted, ...]:
        found = self._find(query)
        if isinstance(found, str):
            return (Counted(problem=self._with_refusals(found)),) * len(instants)
        since = instants[0] if instants else 0
        courses = [
            Course(_label(one, query), one.course(query.clock, found.range, since)) for one in found.series
        ]
        return read_off(query, courses, instants)

    def _find(self, query: Query) -> _Wanted | str:
        """Return what is asked for with the series that have it, or why there are none."""
        try:
            wanted = _wanted(query)
        except QueryBroken as error:
            return str(error)
        if wanted is None:
            return f"'{query.text}' is no counter; write NAME.bad or NAME.judged, with the name of a verdict"
        kind, name = wanted.kind, wanted.selector.name
        named = self._told.named(kind, name)
        if not named:
            known = ", ".join(self._told.names(kind)[:_NAMED]) or "none"
            return f"no line has a {kind} '{name}'. Known: {known}"
        series = [one for one in named if wanted.selector.accepts(name, one.labels)]
        return wanted._replace(series=series) if series else f"no {kind} '{name}' has such labels"

    def _with_refusals(self, said: str) -> str:
        """Add which lines do not count."""
        refused = [first for tail in self._tails.values() for first in tail.refused]
        count = sum(tail.refusals for tail in self._tails.values())
        told = f"broken lines that are not counted: {count}, such as {refused[0]}" if refused else ""
        late = f"too old, or told again, and not counted: {self._too_old} lines; {self._forgotten()}"
        return "; ".join(filter(None, (said, told, late if self._too_old else "")))

    def _forgotten(self) -> str:
        return f"outputs are forgotten after {format_duration(self._keep or timedelta())} (`keep`)"

    def _read_on(self, queries: Sequence[Query]) -> None:
        for query in queries:
            with suppress(QueryBroken):
                if wanted := _wanted(query):
                    self._told.ask(wanted.kind, wanted.selector.name, wanted.range)
        try:
            self._tails = {path: self._tails.get(path) or Tail(path) for path in self._files()}
            self._read_in_turn(self._tails.values())
        except OSError as error:
            raise Unreachable(what=self._what, why=str(error)) from error

    def _read_in_turn(self, tails: Collection[Tail]) -> None:
        """Read what is new: in turns, so that no file makes the lines of another too old."""
        turns = [(tail.newest, tail.path) for tail in tails]
        heapify(turns)
        while turns:
            self._told.forget(turns[0][0])
            tail = self._tails[turns[0][1]]
            if self._read_some(tail) == _AT_ONCE:
                heapreplace(turns, (tail.newest, tail.path))
            else:
                heappop(turns)
        self._told.forget(max(tail.newest for tail in tails))

    def _read_some(self, tail: Tail) -> int:
        count = 0
        for line in tail.new_lines(_AT_ONCE):
            self._take(tail, line)
            count += 1
        return count

    def _files(self) -> Sequence[str]:
        is_one = Path(self._path).is_file()
        found = [self._path] if is_one else sorted(filter(_is_file, glob(self._path, recursive=True)))  # noqa: PTH207  # a pattern from the root
        if not found:
            raise Unreachable(what=self._what, why="there is no such file")
        return found

    def _take(self, tail: Tail, line: Line) -> None:
        if line.text is not None and not line.text.strip():
            return
        try:
            said = read_line(line, self._now())
            at = micros(said.at)
            if at < self._told.since:
                self._too_old += 1
                return
            tail.newest = max(tail.newest, at)
            self._told.add(said)
        except LineBroken as error:
            tail.refuse(line, str(error))


def _is_file(path: str) -> bool:
    return Path(path).is_file()


def _wanted(query: Query) -> _Wanted | None:
    selector = parse_selector(query.text, dotted=True)
    if query.part == "values":
        high = math.inf if query.up_to is None else query.up_to
        return _Wanted("value", selector, Range(high=high))
    name, _, counter = selector.name.rpartition(".")
    if not name or counter not in _COUNTERS:
        return None
    return _Wanted("verdict", selector._replace(name=name), _COUNTERS[counter])


def _label(series: Series, query: Query) -> str:
    return series.labels.get(query.by or "", "")
