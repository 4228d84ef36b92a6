"""A queue that is drained, and two places that say the same: over HTTP, in files, in SQL, in sources."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from aiohttp import web

from adapters.memory import MemoryWorld
from backout.errors import RejectedBySystem, Unreachable
from tests.adapters.checked import Checks, secret

Serve: TypeAlias = Callable[[Callable[[web.Request], Awaitable[web.StreamResponse]]], Awaitable[str]]
ENCODER = {"embedding": {"digest": "sha256:ab", "size": 768}, "versions": [3, "v3"], "none": None}


class Queue:
    """A queue whose depth is asked by HTTP: one answer after the other, the last one for ever."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.depths: list[object] = [0]
        self.asked = 0


@pytest.fixture
async def queue(serve: Serve) -> Queue:
    async def answer(request: web.Request) -> web.StreamResponse:
        line.asked += 1
        if request.path == "/down":
            return web.Response(status=503)
        if request.path == "/silent":
            await asyncio.Event().wait()
        depth = line.depths.pop(0) if len(line.depths) > 1 else line.depths[0]
        return web.json_response({"queue": {"messages": depth}})

    line = Queue(await serve(answer))
    return line


async def drained(checks: Checks, queue: Queue, path: str = "/q", **config: Any) -> tuple[bool, str]:  # noqa: ANN401
    count = {"kind": "http", "url": queue.address + path, "field": "queue.messages"}
    result = await checks.run(**{"kind": "drained", "count": count, "apart": "10ms"} | config)
    return result.passed, result.found.removeprefix(f"queue.messages of {queue.address}/q: ")


@pytest.mark.parametrize(
    ("depths", "at_most", "passed", "found"),
    [
        ([0], 0, True, "0, then 0 (at most 0)"),
        ([3, 0], 3, True, "3, then 0 (at most 3)"),
        ([12, 0], 0, False, "12 (at most 0)"),
        ([0, 7, 0], 0, False, "0, then 7 (at most 0)"),
        (["0"], 0, False, '"0" is no number, which is no data'),
        ([None], 0, False, "the field is null, which is no data"),
        ([False], 0, False, "false is no number, which is no data"),
        ([10**400], 0, False, f"1{'0' * 199} is too large a number, which is no data"),
    ],
    ids=[
        "empty twice",
        "few enough",
        "still full",
        "empty for a moment",
        "a text",
        "nothing",
        "a truth value",
        "more than can be counted",
    ],
)
async def test_a_queue_must_be_empty_at_two_looks_in_a_row(
    checks: Checks, queue: Queue, depths: list[object], at_most: float, *, passed: bool, found: str
) -> None:
    queue.depths = depths
    assert await drained(checks, queue, at_most=at_most) == (passed, found)


async def test_a_queue_that_cannot_be_seen_is_no_failed_check(
    checks: Checks, queue: Queue, closed_address: str
) -> None:
    with pytest.raises(Unreachable, match="answered 503"):
        await drained(checks, queue, "/down")
    with pytest.raises(Unreachable, match=r"no (whole )?answer .*within 0\.2 s"):
        await drained(checks, queue, "/silent", timeout="200ms")
    with pytest.raises(Unreachable):
        await drained(checks, Queue(closed_address))


async def test_the_second_look_must_be_over_in_time_too(checks: Checks, queue: Queue) -> None:
    with pytest.raises(Unreachable, match=r"no answer within 0\.3 s"):
        await drained(checks, queue, apart="1m", timeout="300ms")
    assert queue.asked == 1


async def test_a_queue_is_counted_by_a_source_of_the_site(checks: Checks) -> None:
    world = MemoryWorld()
    checks.sources["metrics"] = world.source
    world.source.change("queue.r2", baseline=0, candidate=0)
    config = {"kind": "drained", "apart": "1ms"}
    count = {"kind": "source", "source": "metrics", "query": "queue.$release"}
    assert (await checks.run(count=count, **config)).found == "'queue.r2': 0, then 0 (at most 0)"
    lost = await checks.run(count=count | {"query": "other"}, **config)
    assert not lost.passed
    assert lost.found.startswith("'other': it does not count 'other'")
    world.source.unreachable = True
    with pytest.raises(Unreachable):
        await checks.run(count=count, **config)


@pytest.fixture
def index(tmp_path: Path) -> str:
    """The address of a database with the indexes, and what each was made with."""
    path = tmp_path / "index.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE indexes (release TEXT, encoder TEXT, version INTEGER)")
        connection.execute("INSERT INTO indexes VALUES ('r2', 'sha256:ab', 3), ('r1', 'sha256:cd', NULL)")
        connection.commit()
    return f"sqlite:///{path}"


async def paired(checks: Checks, one: dict[str, Any], other: dict[str, Any]) -> tuple[bool, str]:
    result = await checks.run(kind="pairing", one=one, other=other)
    return result.passed, result.found


@pytest.mark.parametrize(
    ("field", "query", "passed", "seen"),
    [
        ("embedding.digest", "SELECT encoder", True, ('is "sha256:ab"', 'is "sha256:ab"')),
        ("versions.0", "SELECT version", True, ("is 3", "is 3")),
        ("versions.1", "SELECT version", False, ('is "v3"', "is 3")),
        ("embedding.size", "SELECT version", False, ("is 768", "is 3")),
        ("embedding.model", "SELECT version", False, ("the field is missing, which is no data", "is 3")),
        ("none", "SELECT version", False, ("the field is null, which is no data", "is 3")),
        ("versions.0", "SELECT NULL", False, ("is 3", "it yields NULL, which is no data")),
        ("none", "SELECT NULL", False, ("null, which is no data", "NULL, which is no data")),
    ],
)
async def test_two_places_must_say_the_same_and_both_are_told(
    checks: Checks, index: str, field: str, query: str, seen: tuple[str, str], *, passed: bool
) -> None:
    (checks.folder / "encoder-r2.json").write_text(json.dumps(ENCODER))
    one = {"kind": "file", "path": "encoder-$release.json", "field": field}
    statement = f"{query} FROM indexes WHERE release = :release"
    other = {"kind": "sql", "url": secret(checks, index), "query": statement}
    same, found = await paired(checks, one, other)
    said, also = found.split("; ")
    assert same is passed
    assert said.startswith(f"{field} of encoder-r2.json")
    assert (said[-len(seen[0]) :], also[-len(seen[1]) :]) == seen


@pytest.mark.parametrize(
    ("text", "says"),
    [(None, "there is no such file"), ("{", "it is not JSON"), ("[" * 100_000, "it is not JSON")],
    ids=["no file", "no JSON", "endless nesting"],
)
async def test_a_file_that_says_nothing_is_no_data_even_where_both_say_nothing(
    checks: Checks, tmp_path: Path, text: str | None, says: str
) -> None:
    for name in ("a.json", "b.json"):
        if text is not None:
            (tmp_path / name).write_text(text)
    places = [{"kind": "file", "path": name, "field": "x"} for name in ("a.json", "b.json")]
    passed, found = await paired(checks, *places)
    assert not passed
    assert found.count(f"{says}, which is no data") == 2


async def test_a_release_never_leads_to_another_file(checks: Checks) -> None:
    places = [{"kind": "file", "path": name, "field": "x"} for name in ("a/$release", "b/$release")]
    with pytest.raises(RejectedBySystem, match=r"release '\.\.' is no part of a path"):
        await checks.run(kind="pairing", one=places[0], other=places[1], release="..")


async def test_an_address_that_does_not_have_the_document_is_no_data(
    checks: Checks, serve: Serve, tmp_path: Path
) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        assert request.headers["Authorization"] == "Bearer t0ken"
        return web.json_response(ENCODER) if request.path == "/r%2F2" else web.Response(status=404)

    address = await serve(answer)
    (tmp_path / "encoder.json").write_text(json.dumps(ENCODER))
    file = {"kind": "file", "path": "encoder.json", "field": "versions.0"}
    there = {"kind": "http", "url": f"{address}/none", "field": "versions.0"}
    there["token"] = secret(checks, "t0ken")  # type: ignore[assignment]  # any field of a place
    passed, found = await paired(checks, there, file)
    assert not passed
    assert found.startswith(f"versions.0 of {address}/none: it answers 404, which is no data; ")
