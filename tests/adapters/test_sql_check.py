"""An assertion on a database, in SQLite and in a real PostgreSQL server."""

from __future__ import annotations

from typing import Any

import pytest

from backout.errors import RejectedBySystem, TooSlow, Unreachable
from backout.messages import CheckResult
from tests import postgres
from tests.adapters.checked import Checks, secret
from tests.adapters.feedback import World

OF_RELEASE = "FROM feedback WHERE release = :release"
FOREVER = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
    "postgresql": "SELECT count(*) FROM (SELECT pg_sleep(60)) AS sleep",
}


async def look(checks: Checks, world: World, query: str, **config: Any) -> CheckResult:  # noqa: ANN401
    return await checks.run(kind="sql", url=secret(checks, world.address), query=query, **config)


@pytest.mark.parametrize(
    ("query", "config", "passed", "seen"),
    [
        (f"SELECT 1 {OF_RELEASE} AND bad = 7", {"no_rows": True}, True, "no rows"),
        (
            f"SELECT language, bad {OF_RELEASE} AND language = 'en'",
            {"no_rows": True},
            False,
            '1 rows where none may be: "en", 1',
        ),
        (f"SELECT count(*) {OF_RELEASE}", {"expect": 4}, True, "4"),
        (f"SELECT count(*) {OF_RELEASE}", {"expect": 5}, False, "4 (expected 5)"),
        (f"SELECT count(*) {OF_RELEASE}", {"at_most": 4}, True, "4 (at most 4)"),
        (f"SELECT count(*) {OF_RELEASE}", {"at_most": 3.5}, False, "4 (at most 3.5)"),
        (
            "SELECT min(release) FROM feedback WHERE release = :baseline",
            {"expect": "$baseline"},
            True,
            '"r1"',
        ),
        (f"SELECT score {OF_RELEASE} AND score < 0.5", {"expect": 0.25}, True, "0.25"),
        (
            f"SELECT sum(bad) {OF_RELEASE} AND bad = 7",
            {"at_most": 9},
            False,
            "it yields NULL, which is no data",
        ),
        (
            f"SELECT bad {OF_RELEASE} AND bad = 7",
            {"at_most": 9},
            False,
            "it yields no row, which is no data",
        ),
        (f"SELECT bad {OF_RELEASE}", {"expect": 1}, False, "it yields more than one value, which is no data"),
        ("SELECT 1, 2", {"expect": 1}, False, "it yields more than one value, which is no data"),
        ("SELECT 'many'", {"at_most": 9}, False, '"many" is no number, which is no data'),
        ("SELECT 1", {"expect": True}, False, "1 (expected true)"),
    ],
)
async def test_a_select_is_held_against_what_is_expected(
    checks: Checks, world: World, query: str, config: dict[str, Any], *, passed: bool, seen: str
) -> None:
    result = await look(checks, world, query, **config)
    assert (result.passed, result.found.rpartition("': ")[2]) == (passed, seen)


async def test_what_was_found_is_told_only_so_far(checks: Checks, world: World) -> None:
    columns = ", ".join(["'" + "x" * 300 + "'"] * 30)
    result = await look(checks, world, f"SELECT {columns}", no_rows=True)
    assert len(result.found) == 2000


async def test_a_release_that_looks_like_sql_is_only_a_name(checks: Checks, world: World) -> None:
    query = f"SELECT count(*) {OF_RELEASE}"
    assert (await look(checks, world, query, expect=0, release="r2' OR '1'='1")).passed


async def test_a_check_of_the_baseline_asks_for_the_baseline(checks: Checks, world: World) -> None:
    assert (await look(checks, world, f"SELECT count(*) {OF_RELEASE}", expect=1, of="baseline")).passed


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("SELECT :relase", "unknown placeholder ':relase'. Known: :baseline, :release, :service"),
        ("SELECT '$release'", "would paste text into the SELECT"),
        ("SELECT :release::text", r"write CAST\(:release AS text\)"),
        ("DELETE FROM feedback", "it is no SELECT"),
        ("SELECT 1; SELECT 2", "it is several statements"),
    ],
)
async def test_a_statement_that_could_do_harm_is_refused_before_it_is_asked(
    checks: Checks, world: World, query: str, says: str
) -> None:
    with pytest.raises(RejectedBySystem, match=says):
        await look(checks, world, query, no_rows=True)


async def test_a_check_never_writes(checks: Checks, world: World) -> None:
    query = {
        "sqlite": "WITH one AS (SELECT 1) DELETE FROM feedback",
        "postgresql": "WITH gone AS (DELETE FROM feedback RETURNING 1) SELECT count(*) FROM gone",
    }
    with pytest.raises(RejectedBySystem, match="read"):
        await look(checks, world, query[world.name], no_rows=True)
    assert (await look(checks, world, "SELECT count(*) FROM feedback", expect=5)).passed


async def test_a_query_that_fails_is_refused_and_one_that_is_too_slow_is_ended(
    checks: Checks, world: World
) -> None:
    with pytest.raises(RejectedBySystem, match=r"feedbak"):
        await look(checks, world, "SELECT 1 FROM feedbak", no_rows=True)
    with pytest.raises(
        TooSlow, match=r"took too long and was ended: '.*': (interrupted|.*statement timeout)"
    ):
        await look(checks, world, FOREVER[world.name], no_rows=True, timeout="300ms")


@postgres.NEEDED
async def test_a_database_that_is_not_there_is_no_failed_check_and_its_password_is_not_told(
    checks: Checks, closed_address: str
) -> None:
    place = closed_address.removeprefix("http://")
    address = f"postgresql://backout:s3cr%40t@{place}/labels"
    with pytest.raises(Unreachable) as down:
        await look(checks, World("postgresql", address), "SELECT 1", expect=1)
    assert "s3cr" not in str(down.value)
