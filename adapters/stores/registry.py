"""Releases and baselines in a SQLite file."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from sqlalchemy import (
    Column,
    Integer,
    MetaData,
    Select,
    String,
    Table,
    Text,
    UniqueConstraint,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert

from adapters.stores.instants import micros
from adapters.stores.sqlite_file import SqliteFile
from backout.errors import RejectedBySystem, ReleaseUnknown
from backout.releases import BaselineRecord, ReleaseRecord, must_agree

M = TypeVar("M", bound=BaseModel)

_TABLES = MetaData()
_RELEASES = Table(
    "releases",
    _TABLES,
    Column("number", Integer, primary_key=True),
    Column("service", String, nullable=False),
    Column("release", String, nullable=False),
    Column("registered_at", Integer, nullable=False, index=True),
    Column("record", Text, nullable=False),
    UniqueConstraint("service", "release"),
)
_BASELINES = Table(
    "baselines",
    _TABLES,
    Column("number", Integer, primary_key=True),
    Column("service", String, nullable=False),
    Column("at", Integer, nullable=False),
    Column("record", Text, nullable=False),
    UniqueConstraint("service", "record"),
)


class SqliteRegistry:
    """What was released. Errors are those of `SqliteFile.reading`; `RejectedBySystem`: a foreign row."""

    def __init__(self, path: str) -> None:
        self._what = f"registry {path}"
        # FULL: what a pipeline was told that it is registered survives a power cut.
        self._file = SqliteFile(Path(path), _TABLES, synchronous="FULL")

    async def register(self, *, record: ReleaseRecord) -> bool:
        """Keep a release; False where the same registration is kept already.

        Raises:
            ReleaseDiffers: another registration of that release is kept.
        """
        told = record.registration
        row = insert(_RELEASES).values(
            service=told.service,
            release=told.release,
            registered_at=micros(record.registered_at),
            record=record.model_dump_json(),
        )
        async with self._file.writing() as connection:
            is_new = (await connection.execute(row.on_conflict_do_nothing())).rowcount == 1
            if not is_new:
                kept = (await connection.execute(_one(told.service, told.release))).scalar_one()
                must_agree(self._read(ReleaseRecord, kept).registration, told)
        return is_new

    async def release(self, *, service: str, release: str) -> ReleaseRecord | None:
        """Return a release, or None where it is not registered."""
        found = await self._records(ReleaseRecord, _one(service, release))
        return found[0] if found else None

    async def releases(self, *, service: str | None, limit: int) -> tuple[ReleaseRecord, ...]:
        """Return the newest releases first, of one service or of all."""
        columns = _RELEASES.c
        newest = select(columns.record).order_by(columns.registered_at.desc(), columns.number.desc())
        newest = newest if service is None else newest.filter_by(service=service)
        return await self._records(ReleaseRecord, newest.limit(limit))

    async def retire(self, *, service: str, release: str, at: datetime, why: str) -> None:
        """Say that a release is no longer guarded; the first time counts.

        Raises:
            ReleaseUnknown: it is not registered.
        """
        async with self._file.writing() as connection:
            row = (await connection.execute(_one(service, release))).scalar()
            if row is None:
                raise ReleaseUnknown(service=service, release=release)
            kept = self._read(ReleaseRecord, row)
            if kept.retired_at is None:
                retired = kept.model_copy(update={"retired_at": at, "retired_why": why})
                changed = update(_RELEASES).filter_by(service=service, release=release)
                await connection.execute(changed.values(record=retired.model_dump_json()))

    async def name_baseline(self, *, baseline: BaselineRecord) -> None:
        """Record the last known good release of a service; the same record twice is one."""
        row = insert(_BASELINES).values(
            service=baseline.service, at=micros(baseline.at), record=baseline.model_dump_json()
        )
        async with self._file.writing() as connection:
            await connection.execute(row.on_conflict_do_nothing())

    async def baselines(self, *, service: str) -> tuple[BaselineRecord, ...]:
        """Return what was named the baseline of a service, the newest first."""
        columns = _BASELINES.c
        newest = select(columns.record).filter_by(service=service)
        newest = newest.order_by(columns.at.desc(), columns.number.desc())
        return await self._records(BaselineRecord, newest)

    async def aclose(self) -> None:
        """Close the file."""
        await self._file.aclose()

    async def _records(self, model: type[M], query: Select[str]) -> tuple[M, ...]:
        async with self._file.reading() as connection:
            rows = (await connection.execute(query)).scalars().all()
        return tuple(self._read(model, row) for row in rows)

    def _read(self, model: type[M], row: str) -> M:
        try:
            return model.model_validate_json(row)
        except ValidationError as error:
            why = "a row was written by another version of Backout, which this one cannot read"
            raise RejectedBySystem(what=self._what, why=why) from error


def _one(service: str, release: str) -> Select[str]:
    return select(_RELEASES.c.record).filter_by(service=service, release=release)
