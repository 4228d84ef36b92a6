"""The source of the fake world: what it counts, and what it remembers."""

from __future__ import annotations

from datetime import timedelta

import pytest

from adapters.memory import START, MemoryWorld
from backout.counting import UNLABELLED, Counted, Query
from backout.errors import NoHistory
from tests.adapters.asking import answer, count, counts, problem, values

SECOND = timedelta(seconds=1)


async def test_bad_answers_follow_the_exposure_of_each_moment() -> None:
    world = MemoryWorld(per_s=100)
    world.sicken(candidate=0.5)
    await world.clock.sleep(duration=10 * SECOND)
    await world.target.set(service="chat", release="r2", percent=50, key="a")
    await world.clock.sleep(duration=10 * SECOND)
    await world.target.set(service="chat", release="r2", percent=0, key="b")
    await world.clock.sleep(duration=10 * SECOND)
    # 1000 x 0.5, then 500 x 0.5 + 500 x 0.001, then 1000 x 0.001: 751.5, of which whole answers count.
    assert await counts(world.source, "bad", "requests", "served") == [751, 3000, 1500]


async def test_looking_often_and_looking_once_count_the_same() -> None:
    often, once = MemoryWorld(per_s=7), MemoryWorld(per_s=7)
    for world in (often, once):
        for step in range(40):
            await world.clock.sleep(duration=timedelta(seconds=0.3))
            world.target.put(service="chat", release="r2", percent=100 - 2 * step)
            if world is often:
                await count(world.source, "bad")
    assert await counts(often.source, "bad", "requests") == await counts(once.source, "bad", "requests")


async def test_a_healed_candidate_keeps_what_was_counted_before() -> None:
    world = MemoryWorld(per_s=100)
    await world.clock.sleep(duration=10 * SECOND)
    world.heal()
    await world.clock.sleep(duration=10 * SECOND)
    assert await count(world.source, "bad") == 301


async def test_a_blind_source_has_no_data_and_never_zero() -> None:
    world = MemoryWorld()
    world.source.blind = True
    assert await counts(world.source, "bad", "requests") == [None, None]


async def test_a_restarted_source_counts_from_zero() -> None:
    world = MemoryWorld(per_s=10)
    await world.clock.sleep(duration=10 * SECOND)
    world.source.restart()
    await world.clock.sleep(duration=SECOND)
    assert await count(world.source, "requests") == 10


async def test_a_source_names_the_queries_that_it_counts() -> None:
    said = await problem(MemoryWorld().source, "latency")
    assert said == "it does not count 'latency', only ['bad', 'requests', 'served']"


async def test_a_query_that_is_not_counted_spoils_no_other() -> None:
    world = MemoryWorld(per_s=1)
    await world.clock.sleep(duration=10 * SECOND)
    assert await counts(world.source, "latency", "requests") == [None, 10]


async def test_a_counter_has_as_many_cohorts_as_a_test_gives_it() -> None:
    world = MemoryWorld(per_s=10)
    world.source.change("judged", baseline=0.9, candidate=0.9, cohort="en")
    world.source.change("judged", baseline=0.1, candidate=0.1, cohort="de")
    await world.clock.sleep(duration=10 * SECOND)
    assert (await answer(world.source, "judged", by="language")).counts == {"en": 90, "de": 10}
    assert await count(world.source, "judged") == 100


async def test_what_has_no_cohort_is_unlabelled() -> None:
    world = MemoryWorld(per_s=10)
    await world.clock.sleep(duration=SECOND)
    assert (await answer(world.source, "requests", by="language")).counts == {UNLABELLED: 10}


async def test_a_distribution_counts_its_values_up_to_the_bounds_that_a_test_gives_it() -> None:
    world = MemoryWorld(per_s=10)
    world.source.change("latency_s", baseline=1, candidate=1)
    world.source.change("latency_s", baseline=0.9, candidate=0.5, up_to=2.5)
    await world.clock.sleep(duration=10 * SECOND)
    assert (await values(world.source, "latency_s")).total == 100
    assert (await values(world.source, "latency_s", up_to=2.5)).total == 50
    assert (await values(world.source, "latency_s", up_to=3)).problem.endswith("ends at 3.0, only at [2.5]")


async def test_history_is_what_looks_at_those_times_would_have_seen() -> None:
    world = MemoryWorld(per_s=7)
    queries = [Query(text="bad"), Query(text="requests")]
    start, seen = world.clock.now(), []
    for step in range(20):
        if step == 5:
            world.source.restart()
        world.source.blind = step in {8, 9}
        world.target.put(service="chat", release="r2", percent=100 - 4 * step)
        if step == 12:
            world.heal()
        seen.append(await world.source.look(queries=queries))
        await world.clock.sleep(duration=timedelta(seconds=1.5))
    recalled = await world.source.history(
        queries=queries, start=start, end=start + timedelta(seconds=29.9), tick=timedelta(seconds=1.5)
    )
    assert list(zip(*recalled, strict=True)) == seen
    assert Counted() in recalled[0]


async def test_history_before_there_was_anything_to_count_is_no_data() -> None:
    world = MemoryWorld()
    (recalled,) = await world.source.history(
        queries=[Query(text="bad")], start=START - SECOND, end=START, tick=SECOND
    )
    assert recalled == (Counted(), Counted(counts={"": 0}))
    world.clock.advance(SECOND)
    world.source.change("late", baseline=1, candidate=1)
    (recalled,) = await world.source.history(
        queries=[Query(text="late")], start=START, end=START + SECOND, tick=SECOND
    )
    assert recalled == (Counted(), Counted(counts={"": 0}))


async def test_a_source_that_knows_only_the_present_says_so() -> None:
    world = MemoryWorld()
    world.source.knows_history = False
    with pytest.raises(NoHistory, match="source memory knows only the present"):
        await world.source.history(queries=[Query(text="bad")], start=START, end=START, tick=SECOND)
