"""A database behind SQLAlchemy: transactions end in time, read unless more is asked for, and keep secrets."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias, TypeVar
from urllib.parse import quote, quote_plus

from sqlalchemy import URL, Connection, CursorResult, Engine, create_engine, event, make_url, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from backout.errors import BackoutError, RejectedBySystem, Unreachable

AT_ONCE = 4
"""Transactions that are under way at the same time, each on a connection of its own."""
GRACE_S = 1.0
"""After its timeout the database itself ends a statement; so much later nobody waits for it any more."""
_LIBPQ = frozenset({"psycopg", "psycopg2"})
_STEPS = 10_000
"""Steps of SQLite's machine between two looks at the clock."""
_IN_THE_WAY = frozenset({"40001", "40P01", "55P03"})
"""PostgreSQL: a serialization failure, a deadlock, a lock that is not to be had."""
_ENDED = frozenset({"57014", "SQLITE_INTERRUPT"})
"""PostgreSQL: the statement was cancelled; SQLite: it was interrupted."""
T = TypeVar("T")
Row: TypeAlias = Sequence[object]


class StatementFailed(BackoutError):
    """{why}."""


class StatementTooSlow(StatementFailed):
    """{why}."""


class Turn:
    """A transaction that is under way; it has the time until `ends`, on the clock that only goes forward."""

    def __init__(self, connection: Connection, ends: float, words: Callable[[Exception], str]) -> None:
        self._connection = connection
        self._ends = ends
        self._words = words

    @property
    def dialect(self) -> str:
        """Which kind of database it is, such as `postgresql`."""
        return self._connection.dialect.name

    @property
    def left_s(self) -> float:
        """The seconds that are left."""
        return self._ends - time.monotonic()

    def rows(self, statement: str, values: Mapping[str, object], *, most: int) -> Sequence[Row]:
        """Return the first rows that a statement yields.

        Raises:
            StatementFailed: it cannot be run.
            StatementTooSlow: the database ended it, as its time was over.
        """
        return self._run(statement, values, lambda result: result.fetchmany(most))

    def changed(self, statement: str, values: Mapping[str, object]) -> int:
        """Return how many rows a statement changed. It raises what `rows` raises."""
        return self._run(statement, values, lambda result: result.rowcount)

    def _run(self, statement: str, values: Mapping[str, object], take: Callable[[CursorResult[Any]], T]) -> T:
        try:
            # A savepoint: what fails in PostgreSQL would spoil the whole transaction.
            with self._connection.begin_nested():
                _limit(self._connection, self.left_s)
                return take(self._connection.execute(text(statement), dict(values)))
        except SQLAlchemyError as error:
            if isinstance(error, DBAPIError) and (error.connection_invalidated or _is_passing(error)):
                raise
            # Not chained: what the driver says may hold the password.
            failed = StatementTooSlow if _is_timeout(error) else StatementFailed
            raise failed(why=self._words(error)) from None


class Database:
    """One database; `writes` lets its transactions change something."""

    def __init__(self, url: str, timeout: timedelta, *, writes: bool = False) -> None:
        """Read the address; nothing is asked yet.

        Raises:
            RejectedBySystem: it is no address of a database, or the driver is missing.
        """
        self._timeout_s = timeout.total_seconds()
        self._url = _address(url)
        self.what = f"database {self._url.set(query={}).render_as_string(hide_password=True)}"
        """How it is called in errors."""
        self._engine = self._open(writes=writes)
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="sql")

    async def within(self, work: Callable[[Turn], T]) -> T:
        """Do the work, in a thread, within one transaction; what it raises takes everything back.

        Raises:
            Unreachable: the database does not answer, or does not let us in.
        """
        ends = time.monotonic() + self._timeout_s
        try:
            async with asyncio.timeout(self._timeout_s + GRACE_S):
                turn = partial(self._turn, work, ends)
                return await asyncio.get_running_loop().run_in_executor(self._threads, turn)
        except TimeoutError:
            raise Unreachable(what=self.what, why=f"no answer within {self._timeout_s:g} s") from None

    async def aclose(self) -> None:
        """Close the connections."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        await asyncio.to_thread(self._engine.dispose)

    def _turn(self, work: Callable[[Turn], T], ends: float) -> T:
        try:
            with self._engine.connect() as connection, connection.begin():
                if connection.dialect.name == "postgresql":
                    # So that a column without a time zone is compared as UTC.
                    connection.exec_driver_sql("SET LOCAL TIME ZONE 'UTC'")
                return work(Turn(connection, ends, self._words))
        except SQLAlchemyError as error:
            # Not chained: what the driver says may hold the password.
            raise Unreachable(what=self.what, why=self._words(error)) from None

    def _open(self, *, writes: bool) -> Engine:
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
            raise RejectedBySystem(what=self.what, why=self._words(error)) from None
        if engine.dialect.is_async:
            why = (
                f"'{self._url.drivername}' is an asynchronous driver; name another, as in postgresql+psycopg"
            )
            raise RejectedBySystem(what=self.what, why=why)
        return _prepared(engine, writes=writes)

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


def _prepared(engine: Engine, *, writes: bool) -> Engine:
    """Let every transaction be of one moment, and only read unless it may write."""
    if engine.dialect.name == "postgresql":
        return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=not writes)
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
            cursor = connection.cursor()
            cursor.execute(f"PRAGMA query_only = {'OFF' if writes else 'ON'}")
            cursor.close()

        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            # The driver itself begins no transaction to read.
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _is_passing(error: DBAPIError) -> bool:
    """Say whether somebody else was in the way, so that the same transaction may succeed later."""
    return getattr(error.orig, "sqlstate", "") in _IN_THE_WAY


def _is_timeout(error: SQLAlchemyError) -> bool:
    """Say whether the database ended the statement, as `_limit` told it to."""
    said = getattr(error, "orig", None)
    return bool(_ENDED & {getattr(said, "sqlstate", ""), getattr(said, "sqlite_errorname", "")})


def _limit(connection: Connection, seconds: float) -> None:
    """Let the database end what takes longer, where it can."""
    match connection.dialect.name:
        case "postgresql":
            connection.exec_driver_sql(f"SET LOCAL statement_timeout = {max(1, math.ceil(seconds * 1000))}")
        case "sqlite":
            ends = time.monotonic() + seconds
            driver: Any = connection.connection.driver_connection
            driver.set_progress_handler(lambda: time.monotonic() > ends, _STEPS)
        case _:
            pass
