"""A SQLite file: how it is opened, and its transactions."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

from sqlalchemy import URL, Connection, MetaData, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from adapters.stores.private import make_file
from backout.errors import RejectedBySystem, Unreachable

BUSY_MS = 5000
"""How long a writer waits for another process."""
_PAUSES_S = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Of several that open a new file at once, SQLite keeps only one waiting and refuses the others."""


class SqliteFile:
    """One file with its tables, which are made at the first use."""

    def __init__(self, path: Path, tables: MetaData, *, synchronous: Literal["NORMAL", "FULL"]) -> None:
        self._path = path
        self._what = f"SQLite file {path}"
        self._tables = tables
        self._made = False
        self._engine = create_async_engine(URL.create("sqlite+aiosqlite", database=str(path)))
        self._writer = self._engine.execution_options(writes=True)

        @event.listens_for(self._engine.sync_engine, "connect")
        def prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
            cursor = connection.cursor()
            cursor.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
            cursor.execute("PRAGMA journal_mode = WAL")
            cursor.execute(f"PRAGMA synchronous = {synchronous}")
            cursor.execute("PRAGMA foreign_keys = ON")
            cursor.close()

        @event.listens_for(self._engine.sync_engine, "begin")
        def begin(connection: Connection) -> None:
            # The driver itself begins late, and never to read or to make tables.
            # A reader that turns into a writer can fail at once; a writer that says so first waits its turn.
            writes = connection.get_execution_options().get("writes", False)
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """One view of the file; writers go on meanwhile.

        Raises:
            Unreachable: the file is locked, full or cannot be opened.
            RejectedBySystem: it is no SQLite file.
        """
        async with self._transaction(writes=False) as connection:
            yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """One change, whole or not at all; it raises what `reading` raises."""
        async with self._transaction(writes=True) as connection:
            yield connection

    async def aclose(self) -> None:
        """Close the file."""
        await self._engine.dispose()

    @asynccontextmanager
    async def _transaction(self, *, writes: bool) -> AsyncIterator[AsyncConnection]:
        try:
            await self._make_tables()
            async with (self._writer if writes else self._engine).begin() as connection:
                yield connection
        except OperationalError as error:
            raise Unreachable(what=self._what, why=str(error.orig)) from error
        except DatabaseError as error:
            raise RejectedBySystem(what=self._what, why=str(error.orig)) from error
        except OSError as error:
            raise Unreachable(what=self._what, why=str(error)) from error

    async def _make_tables(self) -> None:
        if self._made:
            return
        # SQLite gives the files beside this one the mode that it has.
        make_file(self._path)
        for pause in _PAUSES_S:
            try:
                await self._create()
            except OperationalError as error:
                if getattr(error.orig, "sqlite_errorcode", None) != sqlite3.SQLITE_BUSY:
                    raise
                await asyncio.sleep(pause)
            else:
                return
        await self._create()

    async def _create(self) -> None:
        # Looks which are missing and makes them in one write transaction, so others may do the same at once.
        async with self._writer.begin() as connection:
            await connection.run_sync(self._tables.create_all)
        self._made = True
