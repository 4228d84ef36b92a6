"""The outbox in a SQLite file: what was answered 202 survives a crash and a power cut."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError
from sqlalchemy import Column, Integer, MetaData, Select, String, Table, Text, func, select, update
from sqlalchemy.dialects.sqlite import insert

from adapters.stores.sqlite_file import SqliteFile
from backout.alerts import Alert
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

_SHOWN = 64 * 1024
"""Characters of an unreadable row that are shown."""


class SqliteOutbox:
    """Alerts on their way, in the order in which they came. Errors are those of `SqliteFile.reading`."""

    def __init__(self, path: str) -> None:
        # FULL: a commit is on the disk before the sender hears 202.
        self._file = SqliteFile(Path(path), _TABLES, synchronous="FULL")

    async def put(self, *, entry: OutboxEntry) -> bool:
        """Write an entry; False where its key is kept already, other than as a dead letter."""
        row = insert(_ENTRIES).values(
            key=entry.key,
            state=entry.state,
            attempts=entry.attempts,
            why=entry.why,
            entry=entry.model_dump_json(),
        )
        again = row.on_conflict_do_update(
            index_elements=["key"],
            set_={name: row.excluded[name] for name in ("state", "attempts", "why", "entry")},
            where=(_ENTRIES.c.state == "dead") & (row.excluded.state == "pending"),
        )
        async with self._file.writing() as connection:
            return (await connection.execute(again)).rowcount == 1

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

    async def refused(self, *, key: str, why: str) -> None:
        """Make an entry a dead letter."""
        async with self._file.writing() as connection:
            await connection.execute(update(_ENTRIES).filter_by(key=key).values(state="dead", why=why))

    async def dead(self, *, limit: int) -> tuple[OutboxEntry, ...]:
        """Return the dead letters, newest first."""
        return await self._entries(_in_state("dead").order_by(_ENTRIES.c.number.desc()).limit(limit))

    async def depth(self) -> int:
        """Return how many entries are pending."""
        pending = select(func.count()).select_from(_ENTRIES).filter_by(state="pending")
        async with self._file.reading() as connection:
            return (await connection.execute(pending)).scalar_one()

    async def alerts(self, *, source: str, fingerprint: str, limit: int) -> tuple[Alert, ...]:
        """Return the alerts of a source and fingerprint that were routed once, newest first."""
        # The key begins with both: a range of the unique index, and no look at every row.
        first = f"{source}/{fingerprint}/"
        of_it = (_ENTRIES.c.key >= first) & (_ENTRIES.c.key < first[:-1] + chr(ord("/") + 1))
        newest = _SHOWN_COLUMNS.where(of_it).order_by(_ENTRIES.c.number.desc()).limit(limit)
        alerts = [entry.alert for entry in await self._entries(newest) if entry.alert]
        return tuple(alert for alert in alerts if alert.fingerprint == fingerprint)

    async def aclose(self) -> None:
        """Close the file."""
        await self._file.aclose()

    async def _entries(self, query: Select[str, str, str, int, str]) -> tuple[OutboxEntry, ...]:
        async with self._file.reading() as connection:
            rows = (await connection.execute(query)).all()
        return tuple(
            entry.model_copy(update={"state": state, "attempts": attempts, "why": why or entry.why})
            for entry, (_, _, state, attempts, why) in ((_read(row[0], row[1]), row) for row in rows)
        )


def _read(key: str, text: str) -> OutboxEntry:
    """Read a row. One that cannot be read is shown as it is: it must keep no other from its way."""
    try:
        return OutboxEntry.model_validate_json(text)
    except ValidationError:
        why = "it was written by another version of Backout, which this one cannot read"
        at = datetime.fromtimestamp(0, UTC)
        return OutboxEntry(key=key, received_at=at, source="unknown", body=text[:_SHOWN], why=why)


_SHOWN_COLUMNS = select(
    _ENTRIES.c.key, _ENTRIES.c.entry, _ENTRIES.c.state, _ENTRIES.c.attempts, _ENTRIES.c.why
)


def _in_state(state: str) -> Select[str, str, str, int, str]:
    return _SHOWN_COLUMNS.where(_ENTRIES.c.state == state)
