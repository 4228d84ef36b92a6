"""Marked external events in a SQLite file."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from pydantic import ValidationError
from sqlalchemy import Column, Integer, MetaData, String, Table, Text, or_, select
from sqlalchemy.dialects.sqlite import insert

from adapters.stores.instants import micros
from adapters.stores.sqlite_file import SqliteFile
from backout.counting import MarkedEvent
from backout.errors import RejectedBySystem

_TABLES = MetaData()
_MARKS = Table(
    "marks",
    _TABLES,
    Column("key", String, primary_key=True),
    Column("service", String, nullable=False),
    Column("start", Integer, nullable=False),
    Column("end", Integer, index=True),
    Column("event", Text, nullable=False),
)


class SqliteMarks:
    """External events by key. Errors are those of `SqliteFile.reading`."""

    def __init__(self, path: str) -> None:
        self._what = f"marks {path}"
        # FULL: what a pipeline was told that it is marked survives a power cut.
        self._file = SqliteFile(Path(path), _TABLES, synchronous="FULL")

    async def mark(self, *, event: MarkedEvent) -> bool:
        """Keep an event; one of a known key is replaced. Say whether it is new."""
        told = {
            "service": event.service,
            "start": micros(event.start),
            "end": None if event.end is None else micros(event.end),
            "event": event.model_dump_json(),
        }
        row = insert(_MARKS).values(key=event.key, **told)
        async with self._file.writing() as connection:
            known = (await connection.execute(select(_MARKS.c.key).filter_by(key=event.key))).scalar()
            await connection.execute(row.on_conflict_do_update(index_elements=["key"], set_=told))
        return known is None

    async def during(self, *, service: str, start: datetime, end: datetime) -> tuple[MarkedEvent, ...]:
        """Return the events of a service, and those of all services, that touch this time, oldest first.

        Raises:
            RejectedBySystem: an event was written by another version.
        """
        mine = _MARKS.c
        touching = select(mine.event).where(mine.service.in_(["", service]), mine.start <= micros(end))
        touching = touching.where(or_(mine.end.is_(None), mine.end > micros(start)))
        async with self._file.reading() as connection:
            rows = (await connection.execute(touching.order_by(mine.start, mine.key))).scalars().all()
        try:
            return tuple(MarkedEvent.model_validate_json(row) for row in rows)
        except ValidationError as error:
            why = "an event was written by another version of Backout, which this one cannot read"
            raise RejectedBySystem(what=self._what, why=why) from error

    async def aclose(self) -> None:
        """Close the file."""
        await self._file.aclose()
