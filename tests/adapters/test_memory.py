from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from adapters.memory import START, Change, MemoryClock, MemoryWorld
from backout import ports
from backout.counting import UNLABELLED, Counted, Query
from backout.errors import NoHistory, RateLimited, RejectedBySystem, UnknownName, Unreachable
from backout.messages import Message
from backout.people import Person
from tests.adapters.asking import answer, count, counts, problem, values

SECOND = timedelta(seconds=1)


def test_the_fake_world_has_the_shape_of_every_port() -> None:
    world = MemoryWorld()
    shapes: tuple[
        ports.Clock,
        ports.Target,
        ports.Source,
        ports.Channel,
        ports.Check,
        ports.Store,
        ports.Outbox,
    ] = (world.clock, world.target, world.source, world.channel, world.check, world.store, world.outbox)
    assert all(shapes)


async def test_a_sleep_moves_the_virtual_clock_by_its_duration() -> None:
    clock = MemoryClock()
    await clock.sleep(duration=timedelta(hours=6))
    assert clock.now() == START + timedelta(hours=6)


async def test_sleeps_at_the_same_time_take_as_long_as_the_longest() -> None:
    clock = MemoryClock()
    await asyncio.gather(clock.sleep(duration=3 * SECOND), clock.sleep(duration=10 * SECOND))
    assert clock.now() == START + 10 * SECOND


async def test_a_sleep_lets_others_run() -> None:
    clock = MemoryClock()
    turns = 0

    async def other() -> None:
        nonlocal turns
        while turns < 9:
            turns += 1
            await asyncio.sleep(0)

    others = asyncio.create_task(other())
    await clock.sleep(duration=SECOND)
    assert turns > 0
    await others


async def test_a_paused_clock_keeps_sleepers_asleep_until_it_goes_on() -> None:
    clock = MemoryClock()
    clock.pause()
    sleeper = asyncio.create_task(clock.sleep(duration=SECOND))
    await clock.reached(1)
    await asyncio.sleep(0)
    assert not sleeper.done()
    assert clock.now() == START
    clock.go_on()
    await sleeper
    assert clock.now() == START + SECOND


async def test_a_paused_sleep_can_be_cancelled() -> None:
    clock = MemoryClock()
    clock.pause()
    sleeper = asyncio.create_task(clock.sleep(duration=SECOND))
    await clock.reached(1)
    sleeper.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sleeper
    assert clock.now() == START


async def test_the_clock_can_stop_in_the_sleep_that_a_test_names() -> None:
    clock = MemoryClock()
    clock.go_on(times=2)

    async def soak() -> None:
        for _ in range(5):
            await clock.sleep(duration=SECOND)

    soaking = asyncio.create_task(soak())
    await clock.reached(3)
    await asyncio.sleep(0)
    assert clock.now() == START + 2 * SECOND
    clock.go_on()
    await soaking
    assert clock.now() == START + 5 * SECOND


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


async def test_a_source_that_knows_only_the_present_says_so() -> None:
    world = MemoryWorld()
    world.source.knows_history = False
    with pytest.raises(NoHistory, match="source memory knows only the present"):
        await world.source.history(queries=[Query(text="bad")], start=START, end=START, tick=SECOND)


async def test_a_target_that_lies_reads_back_another_percent() -> None:
    world = MemoryWorld()
    world.target.lies = 100
    set_to = await world.target.set(service="chat", release="r2", percent=0, key="a")
    assert set_to.percent == 100
    assert world.target.changes == [Change("r2", 0, "a")]


async def test_a_lost_answer_leaves_its_effect_and_the_repeat_adds_none() -> None:
    world = MemoryWorld()
    world.target.loses_answers = 1
    with pytest.raises(Unreachable, match="the answer was lost"):
        await world.target.set(service="chat", release="r2", percent=10, key="a")
    again = await world.target.set(service="chat", release="r2", percent=10, key="a")
    assert again.percent == 10
    assert world.target.changes == [Change("r2", 10, "a")]


async def test_a_system_that_fails_some_times_recovers_by_itself() -> None:
    target = MemoryWorld().target
    target.fail_times = 2
    for _ in range(2):
        with pytest.raises(Unreachable, match="target memory did not answer"):
            await target.read(service="chat", release="r2")
    assert (await target.read(service="chat", release="r2")).percent == 100


async def test_a_system_that_is_off_or_refuses_says_so_on_every_call() -> None:
    world = MemoryWorld()
    world.check.unreachable = True
    world.target.refuses = "frozen"
    for _ in range(2):
        with pytest.raises(Unreachable):
            await world.check.run(service="chat", release="r2")
        with pytest.raises(RejectedBySystem, match="frozen"):
            await world.target.set(service="chat", release="r2", percent=0, key="a")
    assert world.target.changes == []


async def test_a_call_can_be_stopped_midway_and_cancelled_before_its_effect() -> None:
    target = MemoryWorld().target
    target.pause()
    call = asyncio.create_task(target.set(service="chat", release="r2", percent=0, key="a"))
    await target.reached(1)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert target.changes == []


async def test_a_channel_keeps_messages_calls_and_updates() -> None:
    channel = MemoryWorld().channel
    message = Message(title="Bad release", text="r2")
    alice = Person(name="Alice")
    posted = await channel.post(message=message, people=[alice])
    await channel.update(ref=posted.ref, message=message)
    assert channel.posted == [message]
    assert channel.called == [(alice,)]
    assert channel.updated == [(posted.ref, message)]


async def test_a_limited_channel_says_how_long_to_wait() -> None:
    channel = MemoryWorld().channel
    channel.rate_limited_s = 30
    with pytest.raises(RateLimited, match="takes no more messages for 30 s") as limited:
        await channel.post(message=Message(title="", text=""), people=[])
    assert limited.value.retry_after_s == 30
    assert channel.posted == []


async def test_a_check_finds_what_it_is_told_to_find() -> None:
    check = MemoryWorld().check
    assert (await check.run(service="chat", release="r2")).passed
    check.passes, check.found = False, "3 stale prompts"
    result = await check.run(service="chat", release="r2")
    assert (result.passed, result.found) == (False, "3 stale prompts")


async def test_the_target_lists_the_releases_that_it_knows() -> None:
    with pytest.raises(UnknownName, match=r"Unknown release 'chat/r9'\. Known: chat/r2"):
        await MemoryWorld().target.read(service="chat", release="r9")
