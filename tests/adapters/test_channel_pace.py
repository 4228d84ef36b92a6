"""Each channel is told things at its pace: fair, bounded, and pages before news."""

from __future__ import annotations

import asyncio
import io
from datetime import timedelta

import pytest

from adapters.channels.pace import LONGEST_WAIT, RESERVED, Pace, Paced, paced
from adapters.channels.terminal import Terminal
from adapters.memory import START, MemoryChannel, MemoryClock
from backout.errors import RateLimited
from backout.messages import Message
from backout.people import Person

SECOND = timedelta(seconds=1)
BURST = 5
ANN = Person(name="Ann")


class Room:
    """A channel at a message a second, and when its messages got through."""

    def __init__(self) -> None:
        self.clock = MemoryClock()
        self.memory = MemoryChannel()
        posts, updates = (Pace(every=SECOND, burst=BURST, clock=self.clock) for _ in range(2))
        self.channel = Paced(self.memory, what="channel room", posts=posts, updates=updates)

    async def news(self, text: str = "") -> float:
        return await self._post(text, ())

    async def page(self, text: str = "") -> float:
        return await self._post(text, (ANN,))

    async def _post(self, text: str, people: tuple[Person, ...]) -> float:
        await self.channel.post(message=Message(title="", text=text), people=people)
        return (self.clock.now() - START).total_seconds()


async def test_a_burst_goes_at_once_and_then_one_a_second() -> None:
    room = Room()
    assert [await room.page() for _ in range(8)] == [0, 0, 0, 0, 0, 1, 2, 3]


async def test_a_pause_gives_the_burst_back_and_no_more() -> None:
    room = Room()
    for _ in range(BURST):
        await room.page()
    room.clock.advance(timedelta(hours=1))
    assert [await room.page() - 3600 for _ in range(7)] == [0, 0, 0, 0, 0, 1, 2]


async def test_who_would_wait_too_long_is_told_how_long_and_takes_no_turn() -> None:
    room = Room()
    for _ in range(BURST):
        await room.page()
    room.clock.pause()  # those who wait for their turn stay asleep
    waiting = asyncio.create_task(room.page())
    await room.clock.reached(1)
    for _ in range(3):
        with pytest.raises(RateLimited, match="channel room takes no more messages for 2 s") as limited:
            await room.page()
        assert timedelta(seconds=limited.value.retry_after_s) > LONGEST_WAIT
    room.clock.go_on()
    assert await waiting == 1
    assert len(room.memory.posted) == BURST + 1


async def test_those_who_wait_get_through_in_the_order_in_which_they_came() -> None:
    room = Room()
    for _ in range(BURST):
        await room.page("at once")
    for number in range(6):
        await room.page(str(number))
    assert [message.text for message in room.memory.posted[BURST:]] == list("012345")


async def test_a_storm_of_news_leaves_room_for_a_page() -> None:
    room = Room()
    for _ in range(BURST - RESERVED):
        assert await room.news() == 0
    room.clock.pause()
    waiting = asyncio.create_task(room.news())
    await room.clock.reached(1)
    with pytest.raises(RateLimited):
        await room.news()
    assert await room.page() == 0
    room.clock.go_on()
    await waiting


async def test_what_the_system_asks_for_is_heeded_by_everybody_after_it() -> None:
    room = Room()
    room.memory.rate_limited_s = 30
    with pytest.raises(RateLimited):
        await room.page()
    room.memory.rate_limited_s = 0
    room.clock.advance(10 * SECOND)
    with pytest.raises(RateLimited, match="takes no more messages for 20 s"):
        await room.page()
    assert room.memory.arrivals == 1
    room.clock.advance(20 * SECOND)
    assert [await room.page() for _ in range(3)] == [30, 31, 32]


async def test_updates_have_a_pace_of_their_own() -> None:
    room = Room()
    message = Message(title="", text="")
    for _ in range(BURST - RESERVED):
        await room.channel.update(ref="memory:1", message=message)
    assert await room.page() == 0
    await room.channel.update(ref="memory:1", message=message)
    assert room.clock.now() == START + SECOND


def test_a_pace_is_that_of_the_channels_kind() -> None:
    assert isinstance(paced(MemoryChannel(), "room", "slack"), Paced)
    terminal = Terminal(io.StringIO())
    assert paced(terminal, "room", "terminal") is terminal
