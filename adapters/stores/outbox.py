"""The outbox in a SQLite file: what was answered 202 survives a crash and a power cut."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError
from sqlalchemy import Column, Integer, MetaData, Select, String, Table, Text, func, select, update
from sqlalchemy.dialects.sqlite import insert

from adapters.stores.sqlite_file import SqliteFile
from backout.errors import RejectedBySystem
from backout.outbox import OutboxEntry

_TABLES = MetaData()
_ENTRIES = Table(
    "outbox",
    _TABLES,
    Column("number", Integer, primary_key=True),
    Column("key", String, nullable=False, unique=True),
    Column("state", String, nullable=False, index=True),
    Column("attempts", Integer, nullable=False),
    Column("why", Text, nullable=False),
    Column("entry", Text, nullable=False),
)


class SqliteOutbox:
    """Alerts on their way, in the order in which they came. Errors are those of `SqliteFile.reading`."""

    def __init__(self, path: str) -> None:
        # FULL: a commit is on the disk before the sender hears 202.
        self._what = f"outbox {path}"
        self._file = SqliteFile(Path(path), _TABLES, synchronous="FULL")

    async def put(self, *, entry: OutboxEntry) -> bool:
        """Write an entry; False where its key is kept already."""
        row = insert(_ENTRIES).values(
            key=entry.key,
            state=entry.state,
            attempts=entry.attempts,
            why=entry.why,
            entry=entry.model_dump_json(),
        )
        async with self._file.writing() as connection:
            done = await connection.execute(row.on_conflict_do_nothing(index_elements=["key"]))
            return done.rowcount == 1

    async def pending(self, *, limit: int) -> tuple[OutboxEntry, ...]:
        """Return what is to be delivered, oldest first."""
        return await self._entries(_in_state("pending").order_by(_ENTRIES.c.number).limit(limit))

    async def delivered(self, *, key: str) -> None:
        """Mark an entry as delivered."""
        async with self._file.writing() as connection:
            await connection.execute(update(_ENTRIES).filter_by(key=key).values(state="delivered"))

    async def failed(self, *, key: str, why: str) -> None:
        """Count a delivery that did not work."""
        counted = update(_ENTRIES).filter_by(key=key).values(attempts=_ENTRIES.c.attempts + 1, why=why)
        async with self._file.writing() as connection:
            await connection.execute(counted)

    async def dead(self, *, limit: int) -> tuple[OutboxEntry, ...]:
        """Return the dead letters, newest first."""
        return await self._entries(_in_state("dead").order_by(_ENTRIES.c.number.desc()).limit(limit))

    async def depth(self) -> int:
        """Return how many entries are pending."""
        pending = select(func.count()).select_from(_ENTRIES).filter_by(state="pending")
        async with self._file.reading() as connection:
            return (await connection.execute(pending)).scalar_one()

    async def aclose(self) -> None:
        """Close the file."""
        await self._file.aclose()

    async def _entries(self, query: Select[str, str, int, str]) -> tuple[OutboxEntry, ...]:
        async with self._file.reading() as connection:
            rows = (await connection.execute(query)).all()
        try:
            entries = [(OutboxEntry.model_validate_json(entry), changed) for entry, *changed in rows]
        except ValidationError as error:
            why = "an entry was written by another version of Backout, which this one cannot read"
            raise RejectedBySystem(what=self._what, why=why) from error
        return tuple(
            entry.model_copy(update=dict(zip(("state", "attempts", "why"), changed, strict=True)))
            for entry, changed in entries
        )


def _in_state(state: str) -> Select[str, str, int, str]:
    columns = _ENTRIES.c
    return select(columns.entry, columns.state, columns.attempts, columns.why).where(columns.state == state)
