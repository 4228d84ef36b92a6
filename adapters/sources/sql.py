"""A database, such as one with users' feedback or labels: each query is a SELECT that yields counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from adapters.database import Database, StatementFailed, Turn
from adapters.sources.courses import ticks
from adapters.sources.sql_rows import COHORT_LIMIT, counted
from adapters.sources.sql_text import AT, placeholders, shown, trouble_with
from backout.counting import Counted, Query
from backout.errors import NoHistory


class SqlCounts:
    """Counts of one database, in transactions that only read. All of one look are of one moment."""

    def __init__(
        self, url: str, timeout: timedelta, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """Read the address; nothing is asked yet.

        Raises:
            RejectedBySystem: it is no address of a database, or the driver is missing.
        """
        self._now = now
        self._database = Database(url, timeout)

    async def look(self, *, queries: Sequence[Query]) -> tuple[Counted, ...]:
        """Return what each query counts now.

        Raises:
            Unreachable: the database does not answer, or does not let us in.
        """
        return await self._ask(queries, self._now())

    async def history(
        self, *, queries: Sequence[Query], start: datetime, end: datetime, tick: timedelta
    ) -> tuple[tuple[Counted, ...], ...]:
        """Return what each query counted at every tick; it is asked with `:at` bound to that moment.

        Raises:
            NoHistory: no query has `:at`. One that has none is a problem of its own beside those that have.
            Unreachable: the database does not answer, or does not let us in.
        """
        timed = [query for query in dict.fromkeys(queries) if AT in placeholders(query.text)]
        if queries and not timed:
            raise NoHistory(what=f"'{shown(queries[0].text)}' has no ':at', so {self._database.what}")
        found: dict[Query, list[Counted]] = {query: [] for query in timed}
        moments = ticks(start, end, tick)
        for at in moments:
            for query, answer in zip(timed, await self._ask(timed, at), strict=True):
                found[query].append(answer)
        untimed = [Counted(problem="it has no ':at', so only the present is known")] * len(moments)
        return tuple(tuple(found.get(query, untimed)) for query in queries)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._database.aclose()

    async def _ask(self, queries: Sequence[Query], at: datetime) -> tuple[Counted, ...]:
        answers = await self._database.within(partial(_answers, queries, at))
        return tuple(answers[query] for query in queries)


def _answers(queries: Sequence[Query], at: datetime, turn: Turn) -> dict[Query, Counted]:
    return {query: _answer(turn, query, at) for query in dict.fromkeys(queries)}


def _answer(turn: Turn, query: Query, at: datetime) -> Counted:
    if why := trouble_with(query):
        return _problem(query, why)
    if turn.left_s <= 0:
        return _problem(query, "the queries before it took the whole timeout; see which of them is slow")
    values: dict[str, object] = dict(query.bound)
    if AT in placeholders(query.text):
        values[AT] = _bound_moment(at, turn.dialect)
    try:
        rows = turn.rows(query.text, values, most=COHORT_LIMIT + 1)
    except StatementFailed as failed:
        return _problem(query, str(failed))
    found = counted(query, rows)
    return _problem(query, found.problem) if found.problem else found


def _bound_moment(at: datetime, dialect: str) -> datetime | str:
    """Return a moment as it is bound. SQLite has no times; CURRENT_TIMESTAMP writes them like this."""
    moment = at.astimezone(UTC)
    return moment.strftime("%Y-%m-%d %H:%M:%S") if dialect == "sqlite" else moment


def _problem(query: Query, why: str) -> Counted:
    return Counted(problem=f"'{shown(query.text)}': {why}")
