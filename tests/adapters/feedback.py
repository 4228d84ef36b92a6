"""A database of users' feedback on two releases of a chat service."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from adapters.sources.sql import SqlCounts
from backout.counting import Counted, Query
from backout.guard import Place
from backout.streams import asked

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
CHAT_R2 = Place(service="chat", release="r2", baseline="r1")
TIMEOUT = timedelta(seconds=20)
TABLE = """CREATE TABLE feedback
    (release VARCHAR(20), language VARCHAR(9), bad INTEGER, score NUMERIC, at TIMESTAMP)"""
ROWS = [
    ("r2", "de", 1, "0.25", "2026-01-05 11:58:00"),
    ("r2", "de", 0, "0.75", "2026-01-05 11:59:00"),
    ("r2", "en", 1, None, "2026-01-05 12:00:00"),
    ("r2", None, 0, "NaN", "2026-01-05 12:01:00"),
    ("r1", "en", 1, "0.5", "2026-01-05 11:00:00"),
]
JUDGED = "SELECT count(*) FROM feedback WHERE release = :release"
UP_TO = f"{JUDGED} AND at <= :at"
BY_LANGUAGE = "SELECT language, count(*) FROM feedback WHERE release = :release GROUP BY language"


def sqlite_address(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(TABLE)
        connection.executemany("INSERT INTO feedback VALUES (?, ?, ?, ?, ?)", ROWS)
        connection.commit()
    return f"sqlite:///{path}"


class World(NamedTuple):
    name: str
    address: str


async def look(source: SqlCounts, *texts: str, by: str | None = None) -> list[Counted]:
    """What is counted of release r2 of chat."""
    queries = [asked(Query(text=text, by=by), CHAT_R2) for text in texts]
    return list(await source.look(queries=queries))
