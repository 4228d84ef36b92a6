"""What every keeper of marked events promises, held against each of them."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.stores.marks import SqliteMarks
from adapters.stores.memory import MemoryMarks
from backout.counting import MarkedEvent
from backout.errors import RejectedBySystem
from backout.ports import Marks

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


@pytest.fixture(params=["memory", "sqlite"])
async def marks(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Marks]:
    if request.param == "memory":
        yield MemoryMarks()
        return
    marks = SqliteMarks(str(tmp_path / "state" / "store.db"))
    yield marks
    await marks.aclose()


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def event(key: str, start: float, end: float | None = None, *, service: str = "chat") -> MarkedEvent:
    ends = None if end is None else at(end)
    return MarkedEvent(
        key=key, kind="deploy", service=service, what="a new cache", start=at(start), end=ends, by="ci"
    )


async def keys(marks: Marks, start: float, end: float, service: str = "chat") -> list[str]:
    return [one.key for one in await marks.during(service=service, start=at(start), end=at(end))]


async def test_an_event_comes_back_as_it_was_marked(marks: Marks) -> None:
    marked = event("a", 0, 5)
    assert await marks.mark(event=marked)
    assert await marks.during(service="chat", start=at(1), end=at(1)) == (marked,)


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [
        pytest.param(-2, -1, False, id="wholly before"),
        pytest.param(-1, 0, True, id="up to its start"),
        pytest.param(0, 0, True, id="the moment of its start"),
        pytest.param(2, 3, True, id="within"),
        pytest.param(-9, 9, True, id="around"),
        pytest.param(4, 9, True, id="over its end"),
        pytest.param(5, 5, False, id="the moment of its end"),
        pytest.param(6, 7, False, id="wholly after"),
    ],
)
async def test_a_time_finds_the_events_that_touch_it(
    marks: Marks, start: float, end: float, *, found: bool
) -> None:
    marked = event("a", 0, 5)
    await marks.mark(event=marked)
    assert (await keys(marks, start, end) == ["a"]) is found
    if start == end:
        assert marked.covers(at(start)) is found


async def test_an_event_without_an_end_goes_on(marks: Marks) -> None:
    await marks.mark(event=event("a", 0))
    assert await keys(marks, 9999, 9999) == ["a"]
    assert await keys(marks, -2, -1) == []


async def test_the_same_key_again_replaces_the_event(marks: Marks) -> None:
    assert await marks.mark(event=event("a", 0))
    assert not await marks.mark(event=event("a", 0, 5))
    assert await keys(marks, 6, 6) == []
    assert await keys(marks, 1, 1) == ["a"]


async def test_events_of_all_services_concern_each_of_them(marks: Marks) -> None:
    await marks.mark(event=event("mine", 0))
    await marks.mark(event=event("everybody's", 1, service=""))
    await marks.mark(event=event("another's", 2, service="image"))
    assert await keys(marks, 5, 5) == ["mine", "everybody's"]
    assert await keys(marks, 5, 5, service="image") == ["everybody's", "another's"]


async def test_the_oldest_events_come_first(marks: Marks) -> None:
    for key, start in (("b", 1), ("c", 0), ("a", 1)):
        await marks.mark(event=event(key, start))
    assert await keys(marks, 5, 5) == ["c", "a", "b"]


async def test_marks_are_there_after_a_restart(tmp_path: Path) -> None:
    first = SqliteMarks(str(tmp_path / "store.db"))
    await first.mark(event=event("a", 0))
    await first.aclose()
    second = SqliteMarks(str(tmp_path / "store.db"))
    assert await keys(second, 1, 1) == ["a"]
    await second.aclose()


async def test_an_event_of_a_newer_version_is_refused_and_not_guessed(tmp_path: Path) -> None:
    marks = SqliteMarks(str(tmp_path / "store.db"))
    await marks.mark(event=event("a", 0))
    with closing(sqlite3.connect(tmp_path / "store.db")) as connection:
        connection.execute("""UPDATE marks SET event = '{"novelty": 1}'""")
        connection.commit()
    with pytest.raises(RejectedBySystem, match="written by another version of Backout"):
        await keys(marks, 1, 1)
    await marks.aclose()
