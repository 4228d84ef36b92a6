"""Quarantines in a SQLite file: what must not be released again, and who lifted what."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from pydantic import ValidationError
from sqlalchemy import Column, Index, Integer, MetaData, String, Table, Text, select, text, update
from sqlalchemy.dialects.sqlite import insert

from adapters.stores.instants import micros
from adapters.stores.sqlite_file import SqliteFile
from backout.errors import RejectedBySystem
from backout.releases import Quarantine

_TABLES = MetaData()
_QUARANTINES = Table(
    "quarantines",
    _TABLES,
    Column("number", Integer, primary_key=True),
    Column("service", String, nullable=False),
    Column("release", String, nullable=False),
    Column("incident", String, nullable=False),
    Column("at", Integer, nullable=False),
    Column("lifted_at", Integer),
    Column("record", Text, nullable=False),
)
_IN_FORCE = text("lifted_at IS NULL")
# What was lifted stays on record, and the release may be quarantined anew.
Index(
    "one_in_force",
    _QUARANTINES.c.service,
    _QUARANTINES.c.release,
    _QUARANTINES.c.incident,
    unique=True,
    sqlite_where=_IN_FORCE,
)


class SqliteQuarantines:
    """Quarantines by release. Errors are those of `SqliteFile.reading`; `RejectedBySystem`: a foreign row."""

    def __init__(self, path: str) -> None:
        self._what = f"quarantines {path}"
        # FULL: what an incident was told that it is quarantined survives a power cut.
        self._file = SqliteFile(Path(path), _TABLES, synchronous="FULL")

    async def quarantine(self, *, quarantine: Quarantine) -> Quarantine:
        """Keep a quarantine; return what is in force: it, or the one of the same release and incident."""
        place = quarantine.model_dump(include={"service", "release", "incident"})
        row = {"at": micros(quarantine.at), "record": quarantine.model_dump_json()}
        kept = select(_QUARANTINES.c.record).where(_IN_FORCE).filter_by(**place)
        async with self._file.writing() as connection:
            await connection.execute(insert(_QUARANTINES).values(**place, **row).on_conflict_do_nothing())
            return self._read((await connection.execute(kept)).scalar_one())

    async def quarantines(self, *, service: str | None) -> tuple[Quarantine, ...]:
        """Return what is quarantined now, the newest first: of a service, or all."""
        columns = _QUARANTINES.c
        newest = select(columns.record).where(_IN_FORCE).order_by(columns.at.desc(), columns.number.desc())
        if service is not None:
            newest = newest.filter_by(service=service)
        async with self._file.reading() as connection:
            rows = (await connection.execute(newest)).scalars().all()
        return tuple(map(self._read, rows))

    async def lift(self, *, service: str, release: str, by: str, why: str, at: datetime) -> bool:
        """Lift the quarantines of a release; False where none is kept."""
        columns = _QUARANTINES.c
        meant = select(columns.number, columns.record).where(_IN_FORCE)
        meant = meant.filter_by(service=service, release=release)
        lifted = {"lifted_at": at, "lifted_by": by, "lifted_why": why}
        async with self._file.writing() as connection:
            rows = (await connection.execute(meant)).all()
            for number, record in rows:
                kept = self._read(record).model_copy(update=lifted)
                row = {"lifted_at": micros(at), "record": kept.model_dump_json()}
                await connection.execute(update(_QUARANTINES).filter_by(number=number).values(row))
        return bool(rows)

    async def aclose(self) -> None:
        """Close the file."""
        await self._file.aclose()

    def _read(self, row: str) -> Quarantine:
        try:
            return Quarantine.model_validate_json(row)
        except ValidationError as error:
            why = "a row was written by another version of Backout, which this one cannot read"
            raise RejectedBySystem(what=self._what, why=why) from error
