"""Pushed counts, read from the file in which the gateway keeps them. A query is a counter and its labels."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sources.courses import Course, Step, read_off, ticks
from adapters.sources.selector import QueryBroken, Selector, parse_selector
from adapters.sources.tally import tally
from adapters.stores.instants import micros
from adapters.stores.pushes import FORGOTTEN, PUSHES, SAMPLES, SERIES, TABLES
from adapters.stores.sqlite_file import SqliteFile
from backout.counting import STALE, Counted, Query
from backout.model import format_duration

NO_VALUES = "pushes hold counts and no values; push how many were above the bound, and use a ratio"
_NAMED = 20
"""Counters that are named to somebody who asked for another one."""


class _Series(NamedTuple):
    number: int
    label: str
    """Its value of the label that tells cohorts apart."""
    total: float
    since: int | None
    """When the first of it was counted; None where none is."""
    stale: int


class PushedCounts:
    """Counters since the first push. Errors are those of `SqliteFile.reading`."""

    def __init__(self, path: str) -> None:
        self._file = SqliteFile(Path(path), TABLES, synchronous="FULL")

    async def look(self, *, queries: Sequence[Query]) -> tuple[Counted, ...]:
        """Return what each query counts now."""
        async with self._file.reading() as connection:
            return tuple([_counted(query, await _series(connection, query)) for query in queries])

    async def history(
        self, *, queries: Sequence[Query], start: datetime, end: datetime, tick: timedelta
    ) -> tuple[tuple[Counted, ...], ...]:
        """Return what each query had counted at every tick; nothing is known of what is forgotten."""
        instants = [micros(at) for at in ticks(start, end, tick)]
        async with self._file.reading() as connection:
            forgotten = (await connection.execute(select(FORGOTTEN.c.up_to))).scalar() or 0
            known = [at for at in instants if at >= forgotten]
            unknown = (Counted(problem="pushes of that time are forgotten"),) * (len(instants) - len(known))
            return tuple([unknown + await _history(connection, query, known) for query in queries])

    async def aclose(self) -> None:
        """Close the file."""
        await self._file.aclose()


async def _history(connection: AsyncConnection, query: Query, instants: Sequence[int]) -> tuple[Counted, ...]:
    found = await _series(connection, query)
    if isinstance(found, str) or not instants:
        return (_counted(query, found),) * len(instants)
    courses = await _courses(connection, query, found, since=instants[0])
    # A long history takes a while to add up; meanwhile the loop must go on.
    return await asyncio.to_thread(read_off, query, courses, instants)


async def _series(connection: AsyncConnection, query: Query) -> tuple[_Series, ...] | str:
    """Return the series that a query adds up, or why there are none."""
    if query.part == "values":
        return NO_VALUES
    try:
        selector = parse_selector(query.text, dotted=True)
    except QueryBroken as error:
        return str(error)
    mine = SERIES.c
    count, since = (mine[query.clock], mine[f"{query.clock}_since"])
    stale = mine.stale if query.clock == "arrival" else literal(0)
    wanted = select(mine.number, mine.labels, count, since, stale).filter_by(name=selector.name)
    rows = (await connection.execute(wanted)).all()
    if not rows:
        return await _unknown(connection, selector)
    told = [(json.loads(row.labels), row) for row in rows]
    return (
        tuple(
            _Series(row.number, labels.get(query.by or "", ""), *row[2:])
            for labels, row in told
            if selector.accepts(selector.name, labels)
        )
        or f"no push of '{selector.name}' has such labels"
    )


async def _unknown(connection: AsyncConnection, selector: Selector) -> str:
    names = select(SERIES.c.name).distinct().order_by(SERIES.c.name).limit(_NAMED)
    known = ", ".join((await connection.execute(names)).scalars()) or "none"
    return f"no push had a counter '{selector.name}'. Known: {known}"


def _counted(query: Query, found: tuple[_Series, ...] | str) -> Counted:
    if isinstance(found, str):
        return Counted(problem=found)
    counted = tally(query, [(one.label, one.total) for one in found if one.since is not None])
    late = sum(one.stale for one in found)
    told = f"late by more than {format_duration(STALE)} and not counted: {late} pushes" if late else ""
    if counted.counts or counted.problem:
        return counted.model_copy(update={"note": told})
    return Counted(problem=f"{told}; `clock: labelled` counts what comes late")


async def _courses(
    connection: AsyncConnection, query: Query, found: tuple[_Series, ...], *, since: int
) -> list[Course]:
    """Return how each series counted up after an instant, beginning with what it had counted by then."""
    arrival = query.clock == "arrival"
    at = PUSHES.c.at if arrival else PUSHES.c.received_at
    later = select(SAMPLES.c.series, at, SAMPLES.c.count).join(PUSHES).where(at > since).order_by(at)
    later = later.where(SAMPLES.c.series.in_([one.number for one in found]))
    later = later.where(~PUSHES.c.stale) if arrival else later
    steps: dict[int, list[Step]] = {one.number: [] for one in found}
    for number, when, count in (await connection.execute(later)).all():
        steps[number].append(Step(when, count))
    courses = []
    for one in found:
        if one.since is not None:
            before = one.total - sum(step.by for step in steps[one.number])
            courses.append(Course(one.label, [Step(one.since, before), *steps[one.number]]))
    return courses
