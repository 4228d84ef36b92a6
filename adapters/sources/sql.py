"""A database, such as one with users' feedback or labels: each query is a SELECT that yields counts."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from adapters.sources.courses import ticks
from adapters.sources.sql_rows import COHORT_LIMIT, counted
from adapters.sources.sql_text import AT, placeholders, shown, trouble_with
from backout.counting import Counted, Query
from backout.errors import NoHistory, RejectedBySystem, Unreachable

AT_ONCE = 4
"""Looks that are under way at the same time, each on a connection of its own."""
GRACE_S = 1.0
"""After its timeout the database itself ends a SELECT; so much later nobody waits for it any more."""
_LIBPQ = frozenset({"psycopg", "psycopg2"})
_STEPS = 10_000
"""Steps of SQLite's machine between two looks at the clock."""


class SqlCounts:
    """Counts of one database, in transactions that only read. All of one look are of one moment."""

    def __init__(
        self, url: str, timeout: timedelta, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """Read the address; nothing is asked yet.

        Raises:
            RejectedBySystem: it is no address of a database, or the driver is missing.
        """
        self._timeout_s = timeout.total_seconds()
        self._now = now
        self._url = _address(url)
        self._what = f"database {self._url.set(query={}).render_as_string(hide_password=True)}"
        self._engine = self._open()
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="sql")

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
        timed = [query for query in dict.fromkeys(queries) if AT in placeholders(query)]
        if queries and not timed:
            raise NoHistory(what=f"'{shown(queries[0].text)}' has no ':at', so {self._what}")
        found: dict[Query, list[Counted]] = {query: [] for query in timed}
        moments = ticks(start, end, tick)
        for at in moments:
            for query, answer in zip(timed, await self._ask(timed, at), strict=True):
                found[query].append(answer)
        untimed = [Counted(problem="it has no ':at', so only the present is known")] * len(moments)
        return tuple(tuple(found.get(query, untimed)) for query in queries)

    async def aclose(self) -> None:
        """Close the connections."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        await asyncio.to_thread(self._engine.dispose)

    async def _ask(self, queries: Sequence[Query], at: datetime) -> tuple[Counted, ...]:
        ends = time.monotonic() + self._timeout_s
        answers = partial(self._answers, queries, at, ends)
        try:
            async with asyncio.timeout(self._timeout_s + GRACE_S):
                return await asyncio.get_running_loop().run_in_executor(self._threads, answers)
        except TimeoutError:
            raise Unreachable(what=self._what, why=f"no answer within {self._timeout_s:g} s") from None

    def _answers(self, queries: Sequence[Query], at: datetime, ends: float) -> tuple[Counted, ...]:
        answers: dict[Query, Counted] = {}
        try:
            with self._engine.connect() as connection, connection.begin():
                if connection.dialect.name == "postgresql":
                    # So that a column without a time zone is compared as UTC.
                    connection.exec_driver_sql("SET LOCAL TIME ZONE 'UTC'")
                for query in dict.fromkeys(queries):
                    answers[query] = self._answer(connection, query, at, ends)
        except SQLAlchemyError as error:
            # Not chained: what the driver says may hold the password.
            raise Unreachable(what=self._what, why=self._words(error)) from None
        return tuple(answers[query] for query in queries)

    def _answer(self, connection: Connection, query: Query, at: datetime, ends: float) -> Counted:
        if why := trouble_with(query):
            return _problem(query, why)
        left_s = ends - time.monotonic()
        if left_s <= 0:
            return _problem(query, "the queries before it took the whole timeout; see which of them is slow")
        values: dict[str, object] = dict(query.bound)
        if AT in placeholders(query):
            values[AT] = _bound_moment(at, connection.dialect.name)
        try:
            # A savepoint: what fails in PostgreSQL would spoil the whole transaction.
            with connection.begin_nested():
                _limit(connection, left_s)
                rows = connection.execute(text(query.text), values).fetchmany(COHORT_LIMIT + 1)
        except SQLAlchemyError as error:
            if isinstance(error, DBAPIError) and error.connection_invalidated:
                raise
            return _problem(query, self._words(error))
        found = counted(query, rows)
        return _problem(query, found.problem) if found.problem else found

    def _open(self) -> Engine:
        seconds = max(2, math.ceil(self._timeout_s))
        options: dict[str, Any] = {}
        if self._url.get_dialect().driver in _LIBPQ:
            options = {
                "connect_timeout": seconds,
                "tcp_user_timeout": seconds * 1000,
                "client_encoding": "utf8",
            }
        try:
            engine = create_engine(
                self._url, pool_pre_ping=True, pool_size=AT_ONCE, max_overflow=0, connect_args=options
            )
        except (ImportError, TypeError, SQLAlchemyError) as error:
            raise RejectedBySystem(what=self._what, why=self._words(error)) from None
        if engine.dialect.is_async:
            why = (
                f"'{self._url.drivername}' is an asynchronous driver; name another, as in postgresql+psycopg"
            )
            raise RejectedBySystem(what=self._what, why=why)
        return _read_only(engine)

    def _words(self, error: Exception) -> str:
        """Return the first line of what a driver says, without the password."""
        said = str(getattr(error, "orig", None) or error).strip().partition("\n")[0].rstrip(".")
        password = str(self._url.password or "")
        for secret in filter(None, (password, quote(password, safe=""), quote_plus(password))):
            said = said.replace(secret, "***")
        return said or type(error).__name__


def _address(url: str) -> URL:
    try:
        found = make_url(url)
        found.get_dialect()
    except (ArgumentError, ImportError, ValueError):
        why = "its address is none; write it as in postgresql://user:password@host/database"
        raise RejectedBySystem(what="a database", why=why) from None
    if (
        found.get_backend_name() != "sqlite"
        or found.database in (None, "", ":memory:")
        or "uri" in found.query
    ):
        return found
    # Opened by a plain path, a file that is missing would be made.
    path = quote(str(Path(str(found.database)).absolute()))
    return found.set(database=f"file:{path}", query={**found.query, "mode": "rw", "uri": "true"})


def _read_only(engine: Engine) -> Engine:
    if engine.dialect.name == "postgresql":
        return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
            cursor = connection.cursor()
            cursor.execute("PRAGMA query_only = ON")
            cursor.close()

        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            # The driver itself begins no transaction to read.
            connection.exec_driver_sql("BEGIN")

    return engine


def _limit(connection: Connection, seconds: float) -> None:
    """Let the database end what takes longer, where it can."""
    match connection.dialect.name:
        case "postgresql":
            connection.exec_driver_sql(f"SET LOCAL statement_timeout = {math.ceil(seconds * 1000)}")
        case "sqlite":
            ends = time.monotonic() + seconds
            driver: Any = connection.connection.driver_connection
            driver.set_progress_handler(lambda: time.monotonic() > ends, _STEPS)
        case _:
            pass


def _bound_moment(at: datetime, dialect: str) -> datetime | str:
    """Return a moment as it is bound. SQLite has no times; CURRENT_TIMESTAMP writes them like this."""
    moment = at.astimezone(UTC)
    return moment.strftime("%Y-%m-%d %H:%M:%S") if dialect == "sqlite" else moment


def _problem(query: Query, why: str) -> Counted:
    return Counted(problem=f"'{shown(query.text)}': {why}")
