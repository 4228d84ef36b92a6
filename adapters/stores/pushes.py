"""Pushes in a SQLite file: the gateway writes it, the worker reads it.

Every counter and set of labels is a series with a running total: a look adds up nothing, and old pushes
are forgotten without lowering it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    delete,
    func,
    select,
    tuple_,
)
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.stores.instants import micros
from adapters.stores.sqlite_file import SqliteFile
from backout.errors import PushRefused
from backout.model import digest_of
from backout.pushes import Push

SERIES_LIMIT = 10_000
"""Series that one file may have: labels are for services, releases and cohorts, not for users or outputs."""
_FORGOTTEN_AT_ONCE = 1000

TABLES = MetaData()
SERIES = Table(
    "series",
    TABLES,
    Column("number", Integer, primary_key=True),
    Column("name", String, nullable=False),
    Column("labels", Text, nullable=False),
    Column("arrival", Float, nullable=False),
    Column("arrival_since", Integer),
    Column("labelled", Float, nullable=False),
    Column("labelled_since", Integer, nullable=False),
    Column("stale", Integer, nullable=False),
    UniqueConstraint("name", "labels"),
)
"""For each clock, the count so far and the instant of its first one; and how many pushes came too late."""
PUSHES = Table(
    "pushes",
    TABLES,
    Column("number", Integer, primary_key=True),
    Column("key", String, nullable=False, unique=True),
    Column("digest", String, nullable=False),
    Column("at", Integer, nullable=False, index=True),
    Column("received_at", Integer, nullable=False, index=True),
    Column("stale", Boolean, nullable=False),
)
SAMPLES = Table(
    "samples",
    TABLES,
    Column("push", ForeignKey("pushes.number", ondelete="CASCADE"), primary_key=True),
    Column("series", ForeignKey("series.number"), primary_key=True),
    Column("count", Float, nullable=False),
)
FORGOTTEN = Table(
    "forgotten", TABLES, Column("number", Integer, primary_key=True), Column("up_to", Integer, nullable=False)
)
"""One row: up to which instant pushes are forgotten, so that nothing is known of the time before."""


class SqlitePushes:
    """Takes pushes, each once. Errors are those of `SqliteFile.writing`, and `PushRefused`."""

    def __init__(self, path: str, keep: timedelta) -> None:
        # FULL: a commit is on the disk before the sender hears that it was taken.
        self._file = SqliteFile(Path(path), TABLES, synchronous="FULL")
        self._keep = keep

    async def take(self, *, push: Push) -> bool:
        """Keep a push durably; False where its key is kept already.

        Raises:
            PushRefused: its key was pushed before with another content, or its labels are too many.
        """
        if push.received_at is None:
            raise PushRefused(why="it has no time at which it was received")
        digest = digest_of(push.model_copy(update={"received_at": None}))
        async with self._file.writing() as connection:
            kept = await connection.execute(select(PUSHES.c.digest).filter_by(key=push.key))
            if (known := kept.scalar()) is not None:
                if known != digest:
                    why = f"key '{push.key}' was pushed before, with another content; a key is one push"
                    raise PushRefused(why=why)
                return False
            await _forget(connection, push.received_at - self._keep)
            await _add(connection, push, digest, push.received_at)
        return True

    async def aclose(self) -> None:
        """Close the file."""
        await self._file.aclose()


async def _add(connection: AsyncConnection, push: Push, digest: str, received: datetime) -> None:
    labels = json.dumps(push.labels, sort_keys=True)
    await _must_have_room(connection, push.counts, labels)
    times = {"at": micros(push.at or received), "received_at": micros(received)}
    row = insert(PUSHES).values(key=push.key, digest=digest, stale=push.stale, **times)
    number = (await connection.execute(row.returning(PUSHES.c.number))).scalar_one()
    for name, count in push.counts.items():
        fresh = None if push.stale else times["at"]
        found = insert(SERIES).values(
            name=name,
            labels=labels,
            arrival=0.0 if push.stale else count,
            arrival_since=fresh,
            labelled=count,
            labelled_since=times["received_at"],
            stale=int(push.stale),
        )
        mine, new = SERIES.c, found.excluded
        earliest = func.min(func.coalesce(mine.arrival_since, new.arrival_since), new.arrival_since)
        found = found.on_conflict_do_update(
            index_elements=["name", "labels"],
            set_={
                "arrival": mine.arrival + new.arrival,
                "arrival_since": func.coalesce(earliest, mine.arrival_since),
                "labelled": mine.labelled + new.labelled,
                "stale": mine.stale + new.stale,
            },
        )
        series = (await connection.execute(found.returning(SERIES.c.number))).scalar_one()
        await connection.execute(insert(SAMPLES).values(push=number, series=series, count=count))


async def _must_have_room(connection: AsyncConnection, counts: Mapping[str, float], labels: str) -> None:
    wanted = tuple_(SERIES.c.name, SERIES.c.labels).in_([(name, labels) for name in counts])
    known = (await connection.execute(select(func.count()).select_from(SERIES).where(wanted))).scalar_one()
    if known == len(counts):
        return
    size = (await connection.execute(select(func.count()).select_from(SERIES))).scalar_one()
    if size + len(counts) - known > SERIES_LIMIT:
        why = f"there are {size} series already, and {SERIES_LIMIT} are the most; use labels of few values"
        raise PushRefused(why=why)


async def _forget(connection: AsyncConnection, before: datetime) -> None:
    """Forget the oldest pushes; the totals stay."""
    old = select(PUSHES.c.number, PUSHES.c.at, PUSHES.c.received_at)
    old = old.where(PUSHES.c.received_at < micros(before)).order_by(PUSHES.c.received_at)
    rows = (await connection.execute(old.limit(_FORGOTTEN_AT_ONCE))).all()
    if not rows:
        return
    up_to = max(max(at, received) for _, at, received in rows)
    horizon = insert(FORGOTTEN).values(number=1, up_to=up_to)
    later = func.max(FORGOTTEN.c.up_to, horizon.excluded.up_to)
    horizon = horizon.on_conflict_do_update(index_elements=["number"], set_={"up_to": later})
    await connection.execute(horizon)
    await connection.execute(delete(PUSHES).where(PUSHES.c.number.in_([number for number, _, _ in rows])))
