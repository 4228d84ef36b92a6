"""Incidents and their timelines in a SQLite file; documents as files beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Column, ForeignKeyConstraint, Integer, MetaData, String, Table, Text, func, select
from sqlalchemy.dialects.sqlite import insert

from adapters.stores.documents import DocumentFolder
from adapters.stores.sqlite_file import SqliteFile
from backout.errors import RejectedBySystem
from backout.messages import DocumentRef
from backout.timeline import Event
from backout.view import IncidentSummary

_TABLES = MetaData()
_INCIDENTS = Table(
    "incidents",
    _TABLES,
    Column("incident", String, primary_key=True),
    Column("run", String, primary_key=True),
    Column("opened_at", String, nullable=False, index=True),
    Column("summary", Text, nullable=False),
)
_EVENTS = Table(
    "events",
    _TABLES,
    Column("incident", String, primary_key=True),
    Column("run", String, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("event", String, nullable=False),
    Column("body", Text, nullable=False),
    ForeignKeyConstraint(["incident", "run"], ["incidents.incident", "incidents.run"]),
)
_DOCUMENTS = Table(
    "documents",
    _TABLES,
    Column("incident", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("location", String, nullable=False),
    Column("digest", String, nullable=False),
)
_EVENT: TypeAdapter[Event] = TypeAdapter(Event)


class SqliteStore:
    """The record of every incident. More than one process may use the file at a time."""

    def __init__(self, path: str, documents: str) -> None:
        self._what = f"store {path}"
        self._file = SqliteFile(Path(path), _TABLES, synchronous="NORMAL")
        self._documents = DocumentFolder(Path(documents))

    async def save(self, *, summary: IncidentSummary, events: Sequence[Event]) -> None:
        """Keep an incident's state and its new events.

        An event of a known number is kept as it was. A late repeat of an older save leaves the state alone.

        Raises:
            Unreachable: the file is locked, full or cannot be opened.
            RejectedBySystem: it is no SQLite file.
        """
        place = {"incident": summary.incident, "run": summary.run}
        opened_at = summary.opened_at.isoformat()
        state = insert(_INCIDENTS).values(**place, opened_at=opened_at, summary=summary.model_dump_json())
        newest = select(func.max(_EVENTS.c.seq)).filter_by(**place)
        async with self._file.writing() as connection:
            known = (await connection.execute(newest)).scalar() or 0
            if not events or events[-1].seq >= known:
                replaced = {"summary": state.excluded.summary}
                state = state.on_conflict_do_update(index_elements=["incident", "run"], set_=replaced)
            else:
                state = state.on_conflict_do_nothing()
            await connection.execute(state)
            if rows := [place | _row(event) for event in events]:
                await connection.execute(insert(_EVENTS).on_conflict_do_nothing(), rows)

    async def timeline(self, *, incident: str) -> tuple[Event, ...]:
        """Return the newest run's events in order; it raises what `save` raises."""
        newest = select(_INCIDENTS.c.run).filter_by(incident=incident)
        newest = newest.order_by(_INCIDENTS.c.opened_at.desc()).limit(1)
        events = select(_EVENTS.c.body).filter_by(incident=incident)
        events = events.where(_EVENTS.c.run == newest.scalar_subquery()).order_by(_EVENTS.c.seq)
        async with self._file.reading() as connection:
            bodies = (await connection.execute(events)).scalars().all()
        try:
            return tuple(_EVENT.validate_json(body) for body in bodies)
        except ValidationError as error:
            raise self._foreign(which=f"the timeline of {incident}") from error

    async def incidents(self, *, limit: int, incident: str | None = None) -> tuple[IncidentSummary, ...]:
        """Return the newest incidents first, those of one id or all; it raises what `save` raises."""
        newest = select(_INCIDENTS.c.summary).order_by(_INCIDENTS.c.opened_at.desc())
        newest = newest if incident is None else newest.filter_by(incident=incident)
        async with self._file.reading() as connection:
            summaries = (await connection.execute(newest.limit(limit))).scalars().all()
        try:
            return tuple(IncidentSummary.model_validate_json(summary) for summary in summaries)
        except ValidationError as error:
            raise self._foreign(which="its list of incidents") from error

    async def put_document(self, *, incident: str, name: str, text: str) -> DocumentRef:
        """Write a document as a file, and its digest into the record.

        Raises:
            RejectedBySystem: the name cannot be a file's.
            Unreachable: the folder cannot be written.
        """
        ref = await self._documents.put(incident=incident, name=name, text=text)
        row = insert(_DOCUMENTS).values(incident=incident, **ref.model_dump())
        replaced = {"location": row.excluded.location, "digest": row.excluded.digest}
        row = row.on_conflict_do_update(index_elements=["incident", "name"], set_=replaced)
        async with self._file.writing() as connection:
            await connection.execute(row)
        return ref

    async def aclose(self) -> None:
        """Close the file."""
        await self._file.aclose()

    def _foreign(self, *, which: str) -> RejectedBySystem:
        why = f"{which} was written by another version of Backout, which this one cannot read"
        return RejectedBySystem(what=self._what, why=why)


def _row(event: Event) -> dict[str, object]:
    return {"seq": event.seq, "event": event.event, "body": event.model_dump_json()}
