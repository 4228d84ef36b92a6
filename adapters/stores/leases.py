"""Leases of targets in a SQLite file: which incident may change which target of a service."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from sqlalchemy import Column, Integer, MetaData, String, Table, delete, select
from sqlalchemy.dialects.sqlite import insert

from adapters.stores.instants import micros
from adapters.stores.sqlite_file import SqliteFile

_TABLES = MetaData()
_LEASES = Table(
    "leases",
    _TABLES,
    Column("target", String, primary_key=True),
    Column("service", String, primary_key=True),
    Column("incident", String, nullable=False, index=True),
    Column("at", Integer, nullable=False),
)


class SqliteLeases:
    """Leases by target and service. Errors are those of `SqliteFile.reading`."""

    def __init__(self, path: str) -> None:
        # FULL: no power cut gives a target to a second incident.
        self._file = SqliteFile(Path(path), _TABLES, synchronous="FULL")

    async def take(
        self, *, target: str, service: str, incident: str, at: datetime, instead_of: str = ""
    ) -> str:
        """Lease a target of a service to an incident, unless another has it; return which has it then."""
        mine = {"incident": incident, "at": micros(at)}
        row = insert(_LEASES).values(target=target, service=service, **mine)
        # A write transaction from its first word on: between the look and the change nobody else comes in.
        async with self._file.writing() as connection:
            look = select(_LEASES.c.incident).filter_by(target=target, service=service)
            holder: str | None = (await connection.execute(look)).scalar()
            if holder == incident or (holder is not None and holder != instead_of):
                return holder
            key = ["target", "service"]
            await connection.execute(row.on_conflict_do_update(index_elements=key, set_=mine))
        return incident

    async def leave(self, *, incident: str) -> None:
        """Give back everything that an incident has leased."""
        async with self._file.writing() as connection:
            await connection.execute(delete(_LEASES).filter_by(incident=incident))

    async def aclose(self) -> None:
        """Close the file."""
        await self._file.aclose()
