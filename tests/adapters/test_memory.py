from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from adapters.memory import START, Change, MemoryClock, MemoryWorld
from backout import ports
from backout.errors import RateLimited, RejectedBySystem, UnknownName, Unreachable
from backout.messages import Message
from backout.people import Person
from backout.requests import RunCheck

SECOND = timedelta(seconds=1)
ASKED = RunCheck(check="memory", service="chat", release="r2")


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
            await world.check.run(asked=ASKED)
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
    assert (await check.run(asked=ASKED)).passed
    check.passes, check.found = False, "3 stale prompts"
    result = await check.run(asked=ASKED)
    assert (result.passed, result.found) == (False, "3 stale prompts")


async def test_the_target_lists_the_releases_that_it_knows() -> None:
    with pytest.raises(UnknownName, match=r"Unknown release 'chat/r9'\. Known: chat/r2"):
        await MemoryWorld().target.read(service="chat", release="r9")
