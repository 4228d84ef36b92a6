"""Evaluation reports: JSON lines, each with the verdicts on one output. Lines may be added at any time.

The verdict `unsafe` is the counters `unsafe.bad` and `unsafe.judged`; a value is a distribution.
"""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from glob import glob
from pathlib import Path
from typing import NamedTuple

from adapters.sources.courses import Course, read_off, ticks
from adapters.sources.report_files import Line, Tail
from adapters.sources.report_lines import LineBroken, read_line
from adapters.sources.report_series import Kind, Range, Series, Told
from adapters.sources.selector import QueryBroken, Selector, parse_selector
from adapters.sources.tally import tally
from adapters.stores.instants import micros
from backout.counting import STALE, Counted, Query
from backout.errors import Unreachable
from backout.model import format_duration

_NAMED = 20
"""Names that are told to somebody who asked for another one."""
_TWICE = "each output was told before, with other labels; outputs of other releases need ids of their own"
_COUNTERS = {"bad": Range(low=1.0), "judged": Range()}


class _Wanted(NamedTuple):
    """What a query asks for."""

    kind: Kind
    selector: Selector
    range: Range
    series: Sequence[Series] = ()


class Reports:
    """Counts since the first line; what was read once is not read again."""

    def __init__(self, path: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Read the file of that path, or every file of that pattern, from the first look on."""
        self._path = path
        self._what = f"report {path}"
        self._now = now
        self._lock = threading.Lock()
        self._tails: dict[str, Tail] = {}
        self._told = Told()

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
            self._read_on()
            return tuple(self._counted(query) for query in queries)

    def _history(self, queries: Sequence[Query], instants: Sequence[int]) -> tuple[tuple[Counted, ...], ...]:
        with self._lock:
            self._read_on()
            return tuple(self._course(query, instants) for query in queries)

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
        return "; ".join(filter(None, (said, told)))

    def _read_on(self) -> None:
        try:
            for path in self._files():
                tail = self._tails.setdefault(path, Tail(path))
                for line in tail.new_lines():
                    self._take(tail, line)
        except OSError as error:
            raise Unreachable(what=self._what, why=str(error)) from error

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
            self._told.add(read_line(line, self._now()))
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
