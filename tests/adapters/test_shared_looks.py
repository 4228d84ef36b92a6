"""Looks that come together are one look, and nobody but the source notices."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeAlias

import pytest
from aiohttp import web

from adapters.memory import START, MemorySource, MemoryWorld
from adapters.sources.prometheus import PrometheusApi
from adapters.sources.shared import SharedLooks
from backout.counting import Query
from backout.errors import NoHistory, Unreachable
from tests.adapters.asking import count, counts, problem

Serve: TypeAlias = Callable[[Callable[[web.Request], Awaitable[web.Response]]], Awaitable[str]]
Open: TypeAlias = Callable[..., PrometheusApi]
SECOND = timedelta(seconds=1)


@pytest.fixture
def behind() -> MemorySource:
    """Return a source that has counted for 10 s: 3 requests in 10 are bad."""
    world = MemoryWorld(per_s=10)
    world.clock.advance(10 * SECOND)
    return world.source


async def test_each_gets_its_own_answers_in_its_own_order_from_one_look(behind: MemorySource) -> None:
    source = SharedLooks(behind)
    found = await asyncio.gather(
        counts(source, "requests", "bad"), counts(source, "served", "bad", "served"), counts(source, "bad")
    )
    assert list(found) == [[100, 30], [100, 30, 100], [30]]
    assert behind.looks == 1


async def test_equal_queries_of_several_looks_are_asked_once(serve: Serve, api: Open) -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.query["query"])
        return web.json_response({"data": {"resultType": "scalar", "result": [0, "5"]}})

    source = SharedLooks(api(await serve(answer)))
    first, second = await asyncio.gather(counts(source, "a", "b"), counts(source, "b", "c"))
    assert first == second == [5, 5]
    assert sorted(asked) == ["a", "b", "c", "time()"]


async def test_a_query_without_an_answer_is_so_for_its_own_look_only(behind: MemorySource) -> None:
    source = SharedLooks(behind)
    said, bad = await asyncio.gather(problem(source, "latency"), count(source, "bad"))
    assert "does not count 'latency'" in said
    assert bad == 30


async def test_a_look_that_comes_later_sees_what_is_new(behind: MemorySource) -> None:
    source = SharedLooks(behind)
    assert await count(source, "requests") == 100
    behind.restart()
    assert await count(source, "requests") == 0
    assert behind.looks == 2


async def test_who_comes_while_the_source_is_asked_has_a_look_of_their_own(behind: MemorySource) -> None:
    source = SharedLooks(behind)
    behind.pause()
    first = asyncio.create_task(count(source, "requests"))
    await behind.reached(1)
    second = asyncio.create_task(count(source, "requests"))
    await behind.reached(2)
    behind.restart()
    behind.go_on()
    assert (await first, await second) == (0, 0)
    assert behind.looks == 2


async def test_a_failure_reaches_all_who_looked_and_the_next_look_is_a_new_one(behind: MemorySource) -> None:
    source = SharedLooks(behind)
    behind.fail_times = 1
    failures = await asyncio.gather(count(source, "bad"), count(source, "requests"), return_exceptions=True)
    assert [type(failure) for failure in failures] == [Unreachable, Unreachable]
    assert await count(source, "bad") == 30


@pytest.mark.parametrize("whoever", [0, 1], ids=["the first", "the second"])
async def test_whoever_gives_up_takes_nothing_from_the_others(behind: MemorySource, whoever: int) -> None:
    source = SharedLooks(behind)
    behind.pause()
    looks = [asyncio.create_task(count(source, "bad")) for _ in range(2)]
    await behind.reached(1)
    looks[whoever].cancel()
    await asyncio.sleep(0)
    behind.go_on()
    assert await looks[1 - whoever] == 30
    assert looks[whoever].cancelled()


async def test_a_look_for_which_nobody_waits_any_more_ends(behind: MemorySource) -> None:
    source = SharedLooks(behind)
    behind.pause()
    others = asyncio.all_tasks()
    gone = [asyncio.create_task(count(source, "bad")) for _ in range(2)]
    await behind.reached(1)
    for look in gone:
        look.cancel()
    await asyncio.wait(gone)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == others
    behind.go_on()
    assert await count(source, "bad") == 30


async def test_no_queries_are_not_asked(behind: MemorySource) -> None:
    assert await SharedLooks(behind).look(queries=[]) == ()
    assert behind.looks == 0


async def test_history_is_that_of_the_source_behind(behind: MemorySource) -> None:
    source = SharedLooks(behind)
    (found,) = await source.history(
        queries=[Query(text="requests")], start=START, end=START + 2 * SECOND, tick=SECOND
    )
    assert [counted.total for counted in found] == [0, 10, 20]
    behind.knows_history = False
    with pytest.raises(NoHistory):
        await source.history(queries=[Query(text="requests")], start=START, end=START, tick=SECOND)
