"""Counts of a database: what SQLite and a real PostgreSQL server answer."""

from __future__ import annotations

import math
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import psycopg
import pytest
from sqlalchemy import Engine, event

from adapters.sources import sql_rows
from adapters.sources.sql import SqlCounts
from backout.counting import Counted, Query
from backout.errors import NoHistory, RejectedBySystem, Unreachable
from backout.guard import Place
from backout.streams import asked
from tests import postgres
from tests.adapters.asking import count

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


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a PostgreSQL database with the same table."""
    with postgres.postgresql() as place:
        address = f"postgresql://{postgres.USER}:{quote(postgres.PASSWORD, safe='')}@{place}/postgres"
        with psycopg.connect(address) as connection:
            connection.execute(TABLE)
            connection.cursor().executemany("INSERT INTO feedback VALUES (%s, %s, %s, %s, %s)", ROWS)
            # Whatever zone the server's own is: it must not matter.
            connection.execute("ALTER DATABASE postgres SET timezone = 'Asia/Tokyo'")
        yield address


class World(NamedTuple):
    name: str
    address: str


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=postgres.NEEDED)])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    if request.param == "sqlite":
        return World("sqlite", sqlite_address(tmp_path / "feedback.db"))
    return World("postgresql", request.getfixturevalue("server"))


@pytest.fixture
async def source(world: World) -> AsyncIterator[SqlCounts]:
    source = SqlCounts(world.address, TIMEOUT, lambda: NOON)
    yield source
    await source.aclose()


async def look(source: SqlCounts, *texts: str, by: str | None = None) -> list[Counted]:
    """What is counted of release r2 of chat."""
    queries = [asked(Query(text=text, by=by), CHAT_R2) for text in texts]
    return list(await source.look(queries=queries))


async def problem(source: SqlCounts, text: str, *, by: str | None = None) -> str:
    (counted,) = await look(source, text, by=by)
    assert counted.counts == {}
    return counted.problem


async def test_one_number_is_the_count_and_placeholders_are_bound(source: SqlCounts) -> None:
    found = await look(source, JUDGED, f"{JUDGED} AND bad = 1", JUDGED.replace(":release", ":baseline"))
    assert [counted.total for counted in found] == [4, 2, 1]


async def test_a_name_that_looks_like_sql_is_only_a_name(source: SqlCounts) -> None:
    place = Place(service="chat", release="r2' OR '1'='1")
    (counted,) = await source.look(queries=[asked(Query(text=JUDGED), place)])
    assert counted.total == 0


async def test_each_row_is_a_cohort_and_its_count(source: SqlCounts) -> None:
    (counted,) = await look(source, BY_LANGUAGE, by="language")
    assert counted == Counted(counts={"de": 2, "en": 1, "(none)": 1})


async def test_no_cohort_at_all_is_no_data(source: SqlCounts) -> None:
    text = BY_LANGUAGE.replace(":release", "'r9'")
    assert (await problem(source, text, by="language")).endswith("it yields no row")


async def test_a_decimal_counts(source: SqlCounts) -> None:
    assert await count(source, "SELECT sum(score) FROM feedback WHERE score < 1") == 1.5


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("SELECT sum(bad) FROM feedback WHERE release = 'r9'", "it yields NULL, which counts nothing"),
        ("SELECT -3", "it yields -3, which counts nothing"),
        ("SELECT 'many'", "it yields 'many', which counts nothing"),
        ("SELECT 1 WHERE 1 = 0", "it yields no row"),
        ("SELECT bad FROM feedback", "it yields several rows where one is needed; count(*) or sum(...)"),
        ("SELECT 1, 2", "it yields 2 columns where each row must be one number"),
        ("", "it is no SELECT"),
        ("DELETE FROM feedback", "it is no SELECT"),
        ("-- SELECT\nDROP TABLE feedback", "it is no SELECT"),
        ("SELECT 1; DROP TABLE feedback", "it is several statements, and may be one SELECT only"),
        ("SELECT count(*) FROM feedback WHERE release = '$release'", "'$' would paste text into the SELECT"),
        (
            "SELECT count(*) FROM feedback WHERE release = :relase",
            "unknown placeholder ':relase'. Known: :at, ",
        ),
        ("SELECT count(*) FROM feedback WHERE at < :at::timestamp", "write CAST(:at AS timestamp)"),
        ("SELECT count(*) FROM feedbak", "feedbak"),
        ("SELECT count(* FROM feedback", "syntax"),
    ],
)
async def test_a_query_that_makes_no_sense_has_a_problem_and_spoils_no_other(
    source: SqlCounts, text: str, says: str
) -> None:
    broken, sound = await look(source, text, JUDGED)
    assert says in broken.problem
    assert (broken.counts, sound.total) == ({}, 4)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "SELECT count(*) FROM feedback",
            "it yields 1 columns where each row must be a cohort and its count",
        ),
        ("SELECT language, 1 FROM feedback", "it yields cohort 'de' twice; GROUP BY it"),
        ("SELECT language, NULL FROM feedback", "it yields NULL for cohort 'de', which counts nothing"),
    ],
)
async def test_rows_that_are_no_cohorts_are_a_problem(source: SqlCounts, text: str, says: str) -> None:
    assert says in await problem(source, text, by="language")


@pytest.mark.parametrize(
    "text",
    [
        "select count(*) from feedback;",
        " SELECT count(*) FROM feedback -- ; DROP TABLE\n",
        "/* ; */ SELECT count(*) FROM feedback WHERE release <> ';'",
        'SELECT count(*) AS "a;b" FROM feedback',
        "WITH judged AS (SELECT * FROM feedback) SELECT count(*) FROM judged",
        "SELECT count(*) FROM feedback WHERE release LIKE 'r%'",
        r"SELECT count(*) FROM feedback WHERE release <> 'a\:b'",
    ],
)
async def test_one_select_in_whatever_dress_is_asked(source: SqlCounts, text: str) -> None:
    assert await count(source, text) == 5


async def test_a_database_has_no_distributions(source: SqlCounts) -> None:
    (counted,) = await source.look(queries=[Query(text="SELECT score FROM feedback", part="values", up_to=1)])
    assert "count with two SELECTs, and use a ratio" in counted.problem


async def test_a_placeholder_without_a_value_is_a_problem(source: SqlCounts) -> None:
    (counted,) = await source.look(queries=[Query(text=JUDGED)])
    assert "nothing is bound to ':release' here" in counted.problem


async def test_a_look_is_of_now_and_history_of_each_tick(source: SqlCounts) -> None:
    assert (await look(source, UP_TO))[0].total == 3
    queries = [asked(Query(text=text), CHAT_R2) for text in (UP_TO, f"{UP_TO} AND bad = 1")]
    start, minute = NOON - timedelta(minutes=3), timedelta(minutes=1)
    judged, bad = await source.history(queries=queries, start=start, end=NOON, tick=minute)
    assert [counted.total for counted in judged] == [0, 1, 2, 3]
    assert [counted.total for counted in bad] == [0, 1, 1, 2]


async def test_without_a_moment_there_is_no_history(source: SqlCounts) -> None:
    timed, untimed = (asked(Query(text=text), CHAT_R2) for text in (UP_TO, JUDGED))
    minute = timedelta(minutes=1)
    with pytest.raises(
        NoHistory, match=r"SELECT count.* has no ':at', so database .* knows only the present"
    ):
        await source.history(queries=[untimed], start=NOON, end=NOON, tick=minute)
    both = [untimed, timed]
    first, second = await source.history(queries=both, start=NOON, end=NOON, tick=minute)
    assert first == (Counted(problem="it has no ':at', so only the present is known"),)
    assert second[0].total == 3


async def test_nothing_is_ever_written(world: World, source: SqlCounts) -> None:
    if world.name == "sqlite":
        text = "WITH one AS (SELECT 1) DELETE FROM feedback"
    else:
        text = "WITH gone AS (DELETE FROM feedback RETURNING 1) SELECT count(*) FROM gone"
    assert "read" in await problem(source, text)
    assert await count(source, "SELECT count(*) FROM feedback") == 5


async def test_a_slow_query_is_ended_by_the_database_and_is_a_problem_of_its_own(world: World) -> None:
    forever = {
        "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
        "postgresql": "SELECT count(*) FROM (SELECT pg_sleep(60)) AS sleep",
    }
    source = SqlCounts(world.address, timedelta(seconds=0.3), lambda: NOON)
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
        other.execute("CREATE EXTENSION dblink")
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
    ("rows", "by", "found"),
    [
        pytest.param([(Decimal("1.5"),)], None, {"": 1.5}, id="a decimal"),
        pytest.param([(True,)], None, {}, id="true is no number"),
        pytest.param([(math.inf,)], None, {}, id="infinite"),
        pytest.param([(math.nan,)], None, {}, id="not a number"),
        pytest.param([(10**400,)], None, {}, id="beyond every float"),
        pytest.param([("a", 1), (None, 2), (7, 3)], "x", {"a": 1, "(none)": 2, "7": 3}, id="odd cohorts"),
        pytest.param([("a", 1), ("b", math.nan)], "x", {}, id="one cohort that counts nothing"),
        pytest.param([(str(n), 1) for n in range(1000)], "x", {str(n): 1 for n in range(1000)}, id="many"),
        pytest.param([(str(n), 1) for n in range(1001)], "x", {}, id="too many"),
    ],
)
def test_only_finite_numbers_from_zero_up_count(
    rows: list[tuple[object, ...]], by: str | None, found: dict[str, float]
) -> None:
    answer = sql_rows.counted(Query(text="", by=by), rows)
    assert answer.counts == found
    assert bool(answer.problem) is not bool(found)


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
