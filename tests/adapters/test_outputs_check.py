"""Quarantine by provenance, in SQLite and in a real PostgreSQL server."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from backout.errors import RejectedBySystem, Unreachable
from backout.messages import CheckResult
from tests.adapters.checked import Checks, secret
from tests.adapters.feedback import World

TABLE = "CREATE TABLE outputs (id VARCHAR(300), release VARCHAR(20), quarantined INTEGER)"
ROWS = [("o-3", "r2", 0), ("o-1", "r2", 0), ("o-2", "r2", 1), ("o-9", "r1", 0)]
IDS = "SELECT id FROM outputs WHERE release = :release"
MARK = "UPDATE outputs SET quarantined = 1 WHERE release = :release AND quarantined = 0"
LEFT = f"{IDS} AND quarantined = 0"


class Outputs:
    """A database of outputs, and hands in it from outside."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.do("DROP TABLE IF EXISTS outputs")
        self.do(TABLE)
        for row in ROWS:
            self.add(*row)

    def do(self, statement: str, *values: object) -> list[Any]:
        """Run a statement and return what it yields."""
        if self.world.name == "sqlite":
            with closing(sqlite3.connect(self.world.address.removeprefix("sqlite:///"))) as connection:
                rows = connection.execute(statement.replace("%s", "?"), values).fetchall()
                connection.commit()
                return rows
        with psycopg.connect(self.world.address, client_encoding="utf8") as other:
            found = other.execute(statement.encode(), values)
            return found.fetchall() if found.description else []

    def add(self, *row: object) -> None:
        """Add an output."""
        self.do("INSERT INTO outputs VALUES (%s, %s, %s)", *row)

    def marked(self) -> set[str]:
        """Return what is quarantined."""
        return {one for (one,) in self.do("SELECT id FROM outputs WHERE quarantined = 1")}


@pytest.fixture
def outputs(world: World) -> Outputs:
    return Outputs(world)


async def look(checks: Checks, outputs: Outputs, **config: Any) -> CheckResult:  # noqa: ANN401
    url = secret(checks, outputs.world.address)
    return await checks.run(**{"kind": "outputs", "url": url, "ids": IDS, "left": LEFT} | config)


async def test_all_ids_are_listed_sorted_and_what_is_not_quarantined_fails_the_check(
    checks: Checks, outputs: Outputs
) -> None:
    result = await look(checks, outputs)
    assert result.outputs == ("o-1", "o-2", "o-3")
    assert not result.passed
    assert result.found.startswith("3 outputs of r2, 2 left: ")
    assert outputs.marked() == {"o-2"}


async def test_marking_quarantines_those_of_the_release_that_are_not_yet(
    checks: Checks, outputs: Outputs
) -> None:
    result = await look(checks, outputs, mark=MARK)
    assert (result.passed, result.found) == (True, "3 outputs of r2, 2 marked now, none left")
    assert outputs.marked() == {"o-1", "o-2", "o-3"}
    again = await look(checks, outputs, mark=MARK)
    assert (again.passed, again.found) == (True, "3 outputs of r2, 0 marked now, none left")
    assert again.outputs == result.outputs


@pytest.mark.parametrize("about", [{"baseline": None}, {"baseline": "r2"}], ids=["as such", "as both"])
async def test_what_the_last_known_good_release_produced_is_never_marked(
    checks: Checks, outputs: Outputs, about: dict[str, Any]
) -> None:
    with pytest.raises(RejectedBySystem, match="whose outputs are good"):
        await look(checks, outputs, mark=MARK, **about)
    assert outputs.marked() == {"o-2"}
    assert (await look(checks, outputs, **about)).outputs == ("o-1", "o-2", "o-3")


async def test_without_left_the_outputs_are_only_listed(checks: Checks, outputs: Outputs) -> None:
    result = await look(checks, outputs, left=None)
    assert (result.passed, result.found) == (True, "3 outputs of r2")


async def test_a_release_without_outputs_leaves_none(checks: Checks, outputs: Outputs) -> None:
    result = await look(checks, outputs, mark=MARK, release="r7")
    assert (result.passed, result.outputs) == (True, ())
    assert outputs.marked() == {"o-2"}


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (None, "yields None, which is no id"),
        ("o\n1", r"yields 'o\\n1', which is no id"),
        ("x" * 201, "no id"),
    ],
    ids=["nothing", "a line break", "too long"],
)
async def test_what_is_no_id_is_refused_and_nothing_is_marked(
    checks: Checks, outputs: Outputs, bad: str | None, says: str
) -> None:
    outputs.add(bad, "r2", 0)
    with pytest.raises(RejectedBySystem, match=says):
        await look(checks, outputs, mark=MARK)
    assert outputs.marked() == {"o-2"}


async def test_more_outputs_than_can_be_listed_are_refused_and_nothing_is_marked(
    checks: Checks, outputs: Outputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.checks.outputs.MOST_OUTPUTS", 2)
    with pytest.raises(RejectedBySystem, match="more than 2 outputs"):
        await look(checks, outputs, mark=MARK)
    assert outputs.marked() == {"o-2"}


async def test_marks_are_taken_back_where_what_is_left_cannot_be_seen(
    checks: Checks, outputs: Outputs
) -> None:
    with pytest.raises(RejectedBySystem, match="quarantin"):
        await look(checks, outputs, mark=MARK, left="SELECT quarantin FROM outputs")
    assert outputs.marked() == {"o-2"}


@pytest.mark.parametrize(
    ("mark", "says"),
    [
        ("DELETE FROM outputs WHERE release = :release", "it is no UPDATE or INSERT"),
        (f"{MARK}; DROP TABLE outputs", "it is several statements"),
        ("UPDATE outputs SET quarantined = 1 WHERE release = '$release'", "would paste text"),
    ],
)
async def test_a_mark_that_could_do_harm_is_refused_before_it_is_made(
    checks: Checks, outputs: Outputs, mark: str, says: str
) -> None:
    with pytest.raises(RejectedBySystem, match=says):
        await look(checks, outputs, mark=mark)


async def test_without_a_mark_nothing_can_be_written(checks: Checks, outputs: Outputs) -> None:
    ids = {
        "sqlite": "WITH one AS (SELECT 1) DELETE FROM outputs RETURNING id",
        "postgresql": "WITH gone AS (DELETE FROM outputs RETURNING id) SELECT id FROM gone",
    }
    with pytest.raises(RejectedBySystem, match="read"):
        await look(checks, outputs, ids=ids[outputs.world.name])
    assert len(outputs.do("SELECT id FROM outputs")) == len(ROWS)


async def test_somebody_else_in_the_way_is_a_reason_to_try_again(
    checks: Checks, outputs: Outputs, tmp_path: Path
) -> None:
    if outputs.world.name == "sqlite":
        with closing(sqlite3.connect(tmp_path / "feedback.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            url = secret(checks, f"{outputs.world.address}?timeout=0.1", "IMPATIENT")
            with pytest.raises(Unreachable, match="locked"):
                await look(checks, outputs, mark=MARK, url=url)
        return
    change = f"SELECT dblink_exec('{outputs.world.address}', 'UPDATE outputs SET quarantined = 2')"  # noqa: S608
    outputs.do("CREATE EXTENSION IF NOT EXISTS dblink")
    with pytest.raises(Unreachable, match="could not serialize"):
        await look(checks, outputs, ids=f"{IDS} UNION {change}", mark=MARK)
