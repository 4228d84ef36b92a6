"""An attempt that is not answered ends by itself, before the engine begins another one beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.in_time import InTime
from activities.people import PeopleActivities
from activities.records import RecordActivities
from adapters.memory import MemoryChannel, MemoryStore
from backout.people import Person
from backout.requests import Notice, PagePeople, PublishTimeline, SendNotice
from tests.unit.views import BEGUN, TEMPLATES, briefing, case_of

DIRECTORY = {"ann": Person(name="Ann", roles=("on_call",))}
NOTICE = SendNotice(channel="room", notice=Notice(audience="all", title="T", text="t"), incident="i")
PAGE = PagePeople(channel="room", roles=("on_call",), why="w", brief=briefing())
NEWS = PublishTimeline(
    events=tuple(case_of(*BEGUN).timeline), brief=briefing(), channel="room", top="memory:7"
)
P = TypeVar("P")
R = TypeVar("R")


async def short(activity: Callable[[P], Awaitable[R]], request: P) -> R:
    """Run an attempt that the engine gives a twentieth of a second; without an end it would hang."""
    surroundings = ActivityEnvironment()
    surroundings.info = replace(surroundings.info, start_to_close_timeout=timedelta(milliseconds=50))
    return await surroundings.run(activity, request)


def people(channel: MemoryChannel) -> PeopleActivities:
    return PeopleActivities(
        channels={"room": channel}, directory=DIRECTORY, templates=TEMPLATES, history="http://ui"
    )


def records(channel: MemoryChannel) -> RecordActivities:
    return RecordActivities(
        store=MemoryStore(),
        channels={"room": channel},
        directory=DIRECTORY,
        templates=TEMPLATES,
        history="http://ui",
    )


async def test_a_notice_and_a_page_that_nobody_takes_are_tried_again_and_not_told_later_too() -> None:
    channel = MemoryChannel()
    channel.pause()
    for attempt in (short(people(channel).send_notice, NOTICE), short(people(channel).page_people, PAGE)):
        with pytest.raises(ApplicationError, match="channel room did not answer: no answer within") as caught:
            await attempt
        assert not caught.value.non_retryable
    channel.go_on()
    await asyncio.sleep(0)
    assert channel.posted == []


async def test_news_that_nobody_takes_are_reported_with_the_top_message_that_is_there() -> None:
    channel = MemoryChannel()
    channel.pause()
    published = await short(records(channel).publish_timeline, NEWS)
    assert (published.top, published.told) == ("memory:7", False)
    assert "channel room did not answer: no answer within 0.04 s" in published.error
    channel.go_on()
    await asyncio.sleep(0)
    assert (channel.posted, channel.updated) == ([], [])


async def test_somebody_elses_lateness_is_not_taken_for_the_end_of_the_attempt() -> None:
    async def late(_: None) -> None:
        async with InTime().hear_of("nobody"):
            raise TimeoutError

    with pytest.raises(TimeoutError):
        await ActivityEnvironment().run(late, None)


async def test_an_attempt_without_an_end_waits() -> None:
    async def waits(answer: asyncio.Event) -> str:
        async with InTime().hear_of("somebody"):
            await answer.wait()
        return "answered"

    surroundings = ActivityEnvironment()
    surroundings.info = replace(surroundings.info, start_to_close_timeout=None)
    answer = asyncio.Event()
    waiting = asyncio.create_task(surroundings.run(waits, answer))
    await asyncio.sleep(0)
    answer.set()
    assert await waiting == "answered"
