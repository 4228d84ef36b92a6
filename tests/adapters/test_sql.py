"""Counts of a database: what SELECTs yield in SQLite and in a real PostgreSQL server."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal

import pytest

from adapters.sources import sql_rows
from adapters.sources.sql import SqlCounts
from backout.counting import Counted, Query
from backout.errors import NoHistory
from backout.guard import Place
from backout.streams import asked
from tests.adapters.asking import count
from tests.adapters.feedback import (
    BY_LANGUAGE,
    CHAT_R2,
    JUDGED,
    NOON,
    TIMEOUT,
    UP_TO,
    World,
    look,
)


@pytest.fixture
async def source(world: World) -> AsyncIterator[SqlCounts]:
    source = SqlCounts(world.address, TIMEOUT, lambda: NOON)
    yield source
    await source.aclose()


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
