"""Pushed counts: taken by one process, looked at by another."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import sqlite3
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.sources.push import PushedCounts
from adapters.stores import pushes as store_of_pushes
from adapters.stores.memory import MemoryPushes
from adapters.stores.pushes import SqlitePushes
from backout.counting import Clock, Counted, Query
from backout.errors import PushRefused
from backout.ports import PushStore
from backout.pushes import Push, accepted
from tests.adapters.asking import answer, count, counts, problem, values

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
MONTH = timedelta(days=30)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def push(key: str, *, now: float = 0, made: float | None = None, labels: str = "", **told: float) -> Push:
    """A push received `now` minutes after noon, of outputs `made` minutes after noon."""
    pairs = dict(pair.split("=") for pair in labels.split()) if labels else {}
    counted = {name.replace("_", "."): number for name, number in told.items()} or {
        "a.judged": 10,
        "a.bad": 1,
    }
    made_at = None if made is None else at(made)
    one = Push(source="judges", key=key, at=made_at, labels=pairs, counts=counted)
    return accepted(one, now=at(now))


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


async def clocked(source: PushedCounts, text: str, clock: Clock) -> Counted:
    (counted,) = await source.look(queries=[Query(text=text, clock=clock)])
    return counted


async def history(
    source: PushedCounts, text: str, *minutes: float, clock: Clock = "arrival", by: str | None = None
) -> list[dict[str, float]]:
    """What was counted at these moments, one tick apart."""
    tick = timedelta(minutes=1) if len(minutes) == 1 else at(minutes[1]) - at(minutes[0])
    query = Query(text=text, clock=clock, by=by)
    (found,) = await source.history(queries=[query], start=at(minutes[0]), end=at(minutes[-1]), tick=tick)
    assert len(found) == len(minutes)
    return [counted.counts for counted in found]


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


async def test_pushes_add_up_and_repeats_count_once(store: SqlitePushes, source: PushedCounts) -> None:
    for key in ("k", "l", "k"):
        await store.take(push=push(key))
    assert await counts(source, "a.judged", "a.bad") == [20, 2]


async def test_a_refused_push_counts_nothing(store: SqlitePushes, source: PushedCounts) -> None:
    await store.take(push=push("k"))
    with pytest.raises(PushRefused):
        await store.take(push=push("k", a_judged=99))
    assert await count(source, "a.judged") == 10


async def test_without_any_push_there_is_no_data(source: PushedCounts) -> None:
    assert await problem(source, "a.judged") == "no push had a counter 'a.judged'. Known: none"
    assert await history(source, "a.judged", 0, 1) == [{}, {}]


async def test_an_unknown_counter_is_no_data_and_names_the_known_ones(
    store: SqlitePushes, source: PushedCounts
) -> None:
    await store.take(push=push("k"))
    assert await problem(source, "a.judgd") == "no push had a counter 'a.judgd'. Known: a.bad, a.judged"


async def test_a_count_of_zero_is_data(store: SqlitePushes, source: PushedCounts) -> None:
    await store.take(push=push("k", a_bad=0))
    assert await count(source, "a.bad") == 0


async def test_a_query_selects_by_labels(store: SqlitePushes, source: PushedCounts) -> None:
    await store.take(push=push("k", labels="service=chat release=r2", a_bad=3))
    await store.take(push=push("l", labels="service=chat release=r1", a_bad=4))
    await store.take(push=push("m", labels="service=image release=r2", a_bad=5))
    assert await counts(
        source, "a.bad", 'a.bad{service="chat", release="r2"}', 'a.bad{release!="r2"}', 'a.bad{release=~"r."}'
    ) == [12, 3, 4, 12]
    assert await problem(source, 'a.bad{release="r9"}') == "no push of 'a.bad' has such labels"


async def test_names_of_counters_and_labels_may_have_dots_and_dashes(
    store: SqlitePushes, source: PushedCounts
) -> None:
    one = Push(source="s", key="k", labels={"team.cost-centre": "7"}, counts={"toxic-speech.bad": 2})
    await store.take(push=accepted(one, now=NOON))
    assert await count(source, 'toxic-speech.bad{team.cost-centre="7"}') == 2


async def test_cohorts_are_told_apart_by_a_label(store: SqlitePushes, source: PushedCounts) -> None:
    for key, labels, bad in (("k", "language=de", 1), ("l", "language=en", 2), ("m", "language=de", 3)):
        await store.take(push=push(key, labels=labels, a_bad=bad))
    await store.take(push=push("n", a_bad=9))
    assert (await answer(source, "a.bad", by="language")).counts == {"de": 4, "en": 2, "(none)": 9}
    assert await problem(source, "a.bad", by="country") == "'a.bad': no series has the label 'country'"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "'' at character 1: expected a counter's name, as in name{label=\"value\"}."),
        ("a.bad{release=r2}", "at character 15: expected a value in double quotes"),
        ("sum(a.bad)", "at character 4: expected the end"),
        ('a.bad{release=~"("}', "at character 16: expected a regular expression"),
    ],
)
async def test_a_query_that_makes_no_sense_has_a_problem_and_spoils_no_other(
    store: SqlitePushes, source: PushedCounts, text: str, says: str
) -> None:
    await store.take(push=push("k"))
    broken, sound = await source.look(queries=[Query(text=text), Query(text="a.bad")])
    assert (says in broken.problem, broken.counts, sound.total) == (True, {}, 1)
    (then,) = await source.history(queries=[Query(text=text)], start=NOON, end=NOON, tick=MONTH)
    assert says in then[0].problem


async def test_pushes_have_no_distributions(store: SqlitePushes, source: PushedCounts) -> None:
    await store.take(push=push("k"))
    assert "use a ratio" in (await values(source, "a.bad", up_to=0.5)).problem


async def test_stale_pushes_count_for_late_labels_only_and_are_told(
    store: SqlitePushes, source: PushedCounts
) -> None:
    await store.take(push=push("k", now=10, made=0, a_bad=1))
    unseen = await clocked(source, "a.bad", "arrival")
    assert unseen == Counted(
        problem="late by more than 5m and not counted: 1 pushes; `clock: labelled` counts what comes late"
    )
    await store.take(push=push("l", now=10, made=5, a_bad=2))
    await store.take(push=push("m", now=10, made=4, a_bad=4))
    seen = await clocked(source, "a.bad", "arrival")
    assert seen == Counted(counts={"": 2}, note="late by more than 5m and not counted: 2 pushes")
    assert await clocked(source, "a.bad", "labelled") == Counted(counts={"": 7})


async def test_the_clocks_place_a_push_when_its_outputs_were_made_or_when_it_came(
    store: SqlitePushes, source: PushedCounts
) -> None:
    await store.take(push=push("k", now=2, made=0, a_bad=1))
    await store.take(push=push("l", now=4, made=3, a_bad=2))
    await store.take(push=push("m", now=9, made=1, a_bad=4))
    assert await history(source, "a.bad", -1, 0, 1, 2, 3, 4) == [
        {},
        {"": 1},
        {"": 1},
        {"": 1},
        {"": 3},
        {"": 3},
    ]
    labelled = await history(source, "a.bad", 1, 2, 3, 4, clock="labelled")
    assert labelled == [{}, {"": 1}, {"": 1}, {"": 3}]
    assert await history(source, "a.bad", 9, clock="labelled") == [{"": 7}]


async def test_history_begins_with_what_was_counted_before(store: SqlitePushes, source: PushedCounts) -> None:
    for minute in range(5):
        await store.take(push=push(f"k{minute}", now=minute, labels=f"language={'de' if minute else 'en'}"))
    assert await history(source, "a.judged", 2, 3, 4, 5) == [{"": 30}, {"": 40}, {"": 50}, {"": 50}]
    assert await history(source, "a.judged", 0, 1, by="language") == [{"en": 10}, {"en": 10, "de": 10}]


async def test_history_ends_where_a_look_stands(store: SqlitePushes, source: PushedCounts) -> None:
    for minute in (3, 1, 2):
        await store.take(push=push(f"k{minute}", now=minute, a_bad=minute))
    assert await history(source, "a.bad", 9) == [{"": await count(source, "a.bad")}]


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
