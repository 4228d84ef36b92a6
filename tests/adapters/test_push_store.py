"""Pushes are taken once, durably, by one process while another one looks."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import sqlite3
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.sources.push import PushedCounts
from adapters.stores import pushes as store_of_pushes
from adapters.stores.memory import MemoryPushes
from adapters.stores.pushes import SqlitePushes
from backout.counting import Counted, Query
from backout.errors import PushRefused
from backout.ports import PushStore
from backout.pushes import Push
from tests.adapters.asking import count, counts
from tests.adapters.pushing import MONTH, at, history, push


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "state" / "pushes.db")


@pytest.fixture
async def store(path: str) -> AsyncIterator[SqlitePushes]:
    store = SqlitePushes(path, MONTH)
    yield store
    await store.aclose()


@pytest.fixture
async def source(path: str) -> AsyncIterator[PushedCounts]:
    source = PushedCounts(path)
    yield source
    await source.aclose()


@pytest.fixture(params=["memory", "sqlite"])
async def any_store(request: pytest.FixtureRequest, path: str) -> AsyncIterator[PushStore]:
    if request.param == "memory":
        yield MemoryPushes()
        return
    store = SqlitePushes(path, MONTH)
    yield store
    await store.aclose()


async def test_the_same_push_twice_is_one(any_store: PushStore) -> None:
    assert await any_store.take(push=push("k"))
    assert not await any_store.take(push=push("k", now=3))
    assert await any_store.take(push=push("l"))


@pytest.mark.parametrize(
    "other", [push("k", a_judged=11), push("k", labels="release=r2"), push("k", made=-1)]
)
async def test_a_key_with_another_content_is_refused(any_store: PushStore, other: Push) -> None:
    await any_store.take(push=push("k"))
    with pytest.raises(PushRefused, match="key 'k' was pushed before, with another content"):
        await any_store.take(push=other)
    assert not await any_store.take(push=push("k"))


async def test_a_refused_push_counts_nothing(store: SqlitePushes, source: PushedCounts) -> None:
    await store.take(push=push("k"))
    with pytest.raises(PushRefused):
        await store.take(push=push("k", a_judged=99))
    assert await count(source, "a.judged") == 10


async def test_old_pushes_are_forgotten_and_their_counts_are_not(path: str, source: PushedCounts) -> None:
    store = SqlitePushes(path, timedelta(minutes=10))
    await store.take(push=push("k", now=0))
    await store.take(push=push("l", now=8))
    await store.take(push=push("m", now=11))
    assert await count(source, "a.judged") == 30
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT key FROM pushes ORDER BY key").fetchall() == [("l",), ("m",)]
        assert connection.execute("SELECT count(*) FROM samples").fetchone() == (4,)
    assert await history(source, "a.judged", -1, 0, 1) == [{}, {"": 10}, {"": 10}]
    (then,) = await source.history(
        queries=[Query(text="a.judged")], start=at(-1), end=at(-1), tick=timedelta(minutes=1)
    )
    assert then == (Counted(problem="pushes of that time are forgotten"),)
    await store.aclose()


async def test_a_key_is_known_as_long_as_pushes_are_kept(path: str) -> None:
    store = SqlitePushes(path, timedelta(minutes=10))
    await store.take(push=push("k", now=0))
    assert not await store.take(push=push("k", now=30))
    await store.take(push=push("l", now=31))
    assert await store.take(push=push("k", now=32))
    await store.aclose()


async def test_labels_of_too_many_values_are_refused(
    store: SqlitePushes, source: PushedCounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_of_pushes, "SERIES_LIMIT", 3)
    await store.take(push=push("k", labels="user=1"))
    with pytest.raises(
        PushRefused, match="there are 2 series already, and 3 are the most; use labels of few"
    ):
        await store.take(push=push("l", labels="user=2"))
    await store.take(push=push("m", labels="user=1"))
    await store.take(push=push("n", labels="user=2", a_bad=1))
    assert await count(source, "a.judged") == 20


async def test_a_push_without_a_time_of_receipt_is_refused(store: SqlitePushes) -> None:
    with pytest.raises(PushRefused, match="it has no time at which it was received"):
        await store.take(push=Push(source="s", key="k", counts={"a": 1}))


async def test_the_file_is_for_this_account_alone(store: SqlitePushes, path: str) -> None:
    await store.take(push=push("k"))
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600  # noqa: PTH116  # it cannot block


async def test_pushes_at_the_same_time_are_all_counted(path: str, source: PushedCounts) -> None:
    stores = [SqlitePushes(path, MONTH) for _ in range(3)]
    async with asyncio.TaskGroup() as group:
        for number in range(30):
            group.create_task(stores[number % 3].take(push=push(f"k{number % 25}")))
    assert await count(source, "a.judged") == 250
    for store in stores:
        await store.aclose()


def _send(path: str, sender: int, done: Callable[[], None]) -> None:
    async def send() -> None:
        store = SqlitePushes(path, MONTH)
        for number in range(20):
            await store.take(push=push(f"{sender}/{number}", a_judged=2, a_bad=1))
        await store.aclose()

    asyncio.run(send())
    done()


async def test_processes_write_while_another_one_reads_and_no_look_sees_half_a_push(
    path: str, source: PushedCounts
) -> None:
    spawn = multiprocessing.get_context("spawn")
    finished = [spawn.Event() for _ in range(2)]
    senders = [
        spawn.Process(target=_send, args=(path, sender, done.set)) for sender, done in enumerate(finished)
    ]
    for process in senders:
        process.start()
    seen: list[float] = [0]
    while not all(done.is_set() for done in finished):
        judged, bad = await counts(source, "a.judged", "a.bad")
        assert judged == (None if bad is None else 2 * bad)
        seen.append(judged or 0)
        await asyncio.sleep(0.01)
    for process in senders:
        await asyncio.to_thread(process.join)
        assert process.exitcode == 0
    assert seen == sorted(seen)
    assert await counts(source, "a.judged", "a.bad") == [80, 40]
