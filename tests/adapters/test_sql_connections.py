"""Connections to a database: they only read, end in time, come back and keep their secrets."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from sqlalchemy import Engine, event

from adapters.sources.sql import SqlCounts
from backout.errors import RejectedBySystem, Unreachable
from tests import postgres
from tests.adapters.asking import count
from tests.adapters.feedback import (
    JUDGED,
    NOON,
    TIMEOUT,
    World,
    look,
    sqlite_address,
)


@pytest.fixture
async def source(world: World) -> AsyncIterator[SqlCounts]:
    source = SqlCounts(world.address, TIMEOUT, lambda: NOON)
    yield source
    await source.aclose()


async def test_nothing_is_ever_written(world: World, source: SqlCounts) -> None:
    if world.name == "sqlite":
        text = "WITH one AS (SELECT 1) DELETE FROM feedback"
    else:
        text = "WITH gone AS (DELETE FROM feedback RETURNING 1) SELECT count(*) FROM gone"
    assert "read" in (await look(source, text))[0].problem
    assert await count(source, "SELECT count(*) FROM feedback") == 5


async def test_a_slow_query_is_ended_by_the_database_and_is_a_problem_of_its_own(world: World) -> None:
    forever = {
        "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
        "postgresql": "SELECT count(*) FROM (SELECT pg_sleep(60)) AS sleep",
    }
    source = SqlCounts(world.address, timedelta(seconds=2), lambda: NOON)
    began = time.monotonic()
    sound, slow, after = await look(source, JUDGED, forever[world.name], f"{JUDGED} AND bad = 1")
    assert time.monotonic() - began < 30
    assert sound.total == 4
    assert "interrupted" in slow.problem or "statement timeout" in slow.problem
    assert "the queries before it took the whole timeout" in after.problem
    assert await count(source, "SELECT count(*) FROM feedback") == 5
    await source.aclose()


async def test_a_file_that_is_missing_is_unreachable_and_is_not_made(tmp_path: Path) -> None:
    source = SqlCounts(f"sqlite:///{tmp_path / 'none.db'}", TIMEOUT)
    with pytest.raises(
        Unreachable, match=r"database sqlite:.*none\.db did not answer: unable to open database"
    ):
        await look(source, JUDGED)
    assert os.listdir(tmp_path) == []  # noqa: PTH208  # it cannot block
    await source.aclose()


async def test_nobody_there_is_unreachable_and_no_secret_is_told(closed_address: str) -> None:
    place = closed_address.removeprefix("http://")
    source = SqlCounts(f"postgresql://backout:s3cr%40t@{place}/labels?sslpassword=s3cret2", TIMEOUT)
    with pytest.raises(Unreachable) as down:
        await look(source, JUDGED)
    assert str(down.value).startswith(
        f"database postgresql://backout:***@{place}/labels did not answer: connect"
    )
    assert "s3cr" not in str(down.value)
    assert down.value.__cause__ is None
    await source.aclose()


@postgres.NEEDED
async def test_a_wrong_password_is_unreachable_and_not_told(server: str) -> None:
    source = SqlCounts(server.replace(quote(postgres.PASSWORD, safe=""), "wr0ng"), TIMEOUT)
    with pytest.raises(Unreachable, match=r'password authentication failed for user "backout"') as refused:
        await look(source, JUDGED)
    assert "wr0ng" not in str(refused.value)
    await source.aclose()


@postgres.NEEDED
async def test_a_driver_that_repeats_the_password_is_not_quoted(server: str) -> None:
    place = server.partition("@")[2]
    source = SqlCounts(f"postgresql://n%40me:n%40me@{place}", TIMEOUT)
    with pytest.raises(Unreachable) as refused:
        await look(source, JUDGED)
    assert str(refused.value.details["why"]).endswith('password authentication failed for user "***"')
    await source.aclose()


@postgres.NEEDED
async def test_a_connection_that_broke_is_made_again(server: str) -> None:
    source = SqlCounts(server, TIMEOUT)
    with pytest.raises(Unreachable, match=r"terminating connection"):
        await look(source, "SELECT count(*) FROM (SELECT pg_terminate_backend(pg_backend_pid())) AS gone")
    assert (await look(source, JUDGED))[0].total == 4
    with psycopg.connect(server) as other:
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    assert (await look(source, JUDGED))[0].total == 4
    await source.aclose()


@postgres.NEEDED
async def test_all_counts_of_one_look_are_of_one_moment(server: str) -> None:
    source = SqlCounts(server, TIMEOUT)
    total = "SELECT count(*) FROM moving"
    with psycopg.connect(server, autocommit=True) as other:
        other.execute("CREATE TABLE moving (n INTEGER)")
        other.execute("CREATE EXTENSION IF NOT EXISTS dblink")
        insert = f"SELECT count(*) FROM dblink_exec('{server}', 'INSERT INTO moving VALUES (1)') AS done"  # noqa: S608
        first, done, second = await look(source, total, insert, f"{total} ")
        assert (first.total, done.total, second.total) == (0, 1, 0)
        other.execute("DROP TABLE moving")
    await source.aclose()


async def test_all_counts_of_one_look_are_of_one_moment_in_sqlite_too(tmp_path: Path) -> None:
    path = tmp_path / "feedback.db"
    address = sqlite_address(path)

    def insert() -> int:
        with closing(sqlite3.connect(path)) as other:
            other.execute("PRAGMA journal_mode = WAL")
            other.execute("INSERT INTO feedback (release) VALUES ('r2')")
            other.commit()
        return 1

    def prepare(connection: sqlite3.Connection, _: object) -> None:
        connection.create_function("insert_one", 0, insert)

    insert()
    event.listen(Engine, "connect", prepare)
    source = SqlCounts(address, TIMEOUT)
    first, done, second = await look(source, JUDGED, "SELECT insert_one()", f"{JUDGED} ")
    assert (first.total, done.total, second.total) == (5, 1, 5)
    event.remove(Engine, "connect", prepare)
    await source.aclose()


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("", "write it as in postgresql://user:password@host/database"),
        ("host:5432/labels", "write it as in postgresql://"),
        ("nosuch://user:s3cret@host/labels", "write it as in postgresql://"),
        ("postgresql://user:s3cret@host:port/labels", "write it as in postgresql://"),
        ("mysql://user:s3cret@host/labels", "No module named 'MySQLdb'"),
        ("sqlite+aiosqlite:///x.db", "'sqlite+aiosqlite' is an asynchronous driver; name another"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_without_its_secret(address: str, says: str) -> None:
    with pytest.raises(RejectedBySystem) as refused:
        SqlCounts(address, TIMEOUT)
    assert says in str(refused.value)
    assert "s3cret" not in str(refused.value)
