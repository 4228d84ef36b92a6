"""The record is kept first and told second; a channel that is down loses none of it."""

from __future__ import annotations

import asyncio

from activities.records import RecordActivities
from adapters.channels.plain import plain
from adapters.memory import MemoryChannel, MemoryStore
from backout.people import Person
from backout.requests import PublishTimeline, WritePostmortem
from backout.view import IncidentOutcome
from tests.unit.attempts import done, failed
from tests.unit.views import BEGUN, TEMPLATES, approval, at, briefing, case_of, full_view

EVENTS = tuple(case_of(*BEGUN).timeline)


class Desk:
    """The activities over a store and a channel in memory."""

    def __init__(self, templates: dict[str, str] = TEMPLATES) -> None:
        self.store = MemoryStore()
        self.channel = MemoryChannel()
        self.records = RecordActivities(
            store=self.store,
            channels={"room": self.channel},
            directory={"ben": Person(name="Ben", roles=("commander",))},
            templates=templates,
            history="http://ui/workflows",
        )


def news(*, top: str | None = None, channel: str = "room") -> PublishTimeline:
    return PublishTimeline(events=EVENTS, brief=briefing(), channel=channel, top=top)


def postmortem(template: str = "standard") -> WritePostmortem:
    return WritePostmortem(
        template=template,
        view=full_view(),
        outcome=IncidentOutcome.RECOVERED,
        written_at=at(42),
        due=at(7200),
    )


async def test_the_first_news_open_a_thread_below_the_incidents_message() -> None:
    desk = Desk()
    published = await done(desk.records.publish_timeline, news())
    assert (published.top, published.told, published.error) == ("memory:1", True, "")
    top, thread = desk.channel.posted
    assert (top.title, top.thread) == ("MAJOR: chat r2: detect", None)
    assert (thread.title, thread.thread) == ("", "memory:1")
    assert plain(thread.text).splitlines() == [
        "21:00:00 Incident opened with playbook complete version 3",
        "21:00:00 Alert ErrorsHigh from alertmanager is firing: errors are up",
    ]
    assert await desk.store.timeline(incident="incident/chat/r2") == EVENTS


async def test_later_news_bring_the_incidents_message_up_to_date() -> None:
    desk = Desk()
    published = await done(desk.records.publish_timeline, news(top="memory:7"))
    assert published.top == "memory:7"
    assert [ref for ref, _ in desk.channel.updated] == ["memory:7"]
    assert [message.thread for message in desk.channel.posted] == ["memory:7"]


async def test_the_incidents_message_has_the_code_of_what_waits_for_approval() -> None:
    desk = Desk()
    asked = news().model_copy(update={"brief": briefing(asks={"approve": approval()})})
    await done(desk.records.publish_timeline, asked)
    assert desk.channel.posted[0].code == "aaaaaaaa"
    await done(desk.records.publish_timeline, asked.model_copy(update={"top": "memory:1"}))
    assert [message.code for _, message in desk.channel.updated] == ["aaaaaaaa"]


async def test_news_calls_nobody_and_is_escaped() -> None:
    desk = Desk()
    hostile = EVENTS[0].model_copy(update={"playbook": "<!channel>"})
    request = news().model_copy(update={"events": (hostile,)})
    await done(desk.records.publish_timeline, request)
    assert desk.channel.called == [(), ()]
    assert "&lt;!channel&gt;" in desk.channel.posted[1].text


async def test_a_channel_that_is_down_is_reported_and_the_record_is_kept() -> None:
    desk = Desk()
    desk.channel.unreachable = True
    published = await done(desk.records.publish_timeline, news())
    assert (published.top, published.told) == (None, False)
    assert "switched off" in published.error
    assert await desk.store.timeline(incident="incident/chat/r2") == EVENTS


async def test_a_channel_that_fails_midway_keeps_the_message_that_was_posted() -> None:
    desk = Desk()
    desk.channel.go_on(times=1)
    request = done(desk.records.publish_timeline, news())

    async def refuse_the_second() -> None:
        await desk.channel.reached(2)
        desk.channel.refuses = "channel_is_archived"
        desk.channel.go_on()

    published, _ = await asyncio.gather(request, refuse_the_second())
    assert (published.top, published.told) == ("memory:1", False)


async def test_a_channel_that_is_limited_or_unknown_is_reported_too() -> None:
    desk = Desk()
    desk.channel.rate_limited_s = 30
    assert "no more messages for 30 s" in (await done(desk.records.publish_timeline, news())).error
    unknown = await done(desk.records.publish_timeline, news(channel="x"))
    assert unknown.error == "Unknown channel 'x'. Known: room."


async def test_a_store_that_is_down_is_tried_again_and_nothing_is_told_before() -> None:
    desk = Desk()
    desk.store.unreachable = True
    failure = await failed(desk.records.publish_timeline, news())
    assert (failure.type, failure.non_retryable) == ("Unreachable", False)
    assert desk.channel.posted == []


async def test_the_postmortem_is_rendered_and_kept_under_the_incidents_own_name() -> None:
    desk = Desk()
    document = await done(desk.records.write_postmortem, postmortem())
    assert document.name == "postmortem-20261120T210000Z.md"
    text = desk.store.documents["incident/chat/r2", document.name]
    assert text.startswith("# Postmortem: chat r2\n")
    assert "| Outcome | **recovered** |" in text
    again = await done(desk.records.write_postmortem, postmortem())
    assert again == document
    assert len(desk.store.documents) == 1


async def test_a_postmortem_that_cannot_be_rendered_is_not_kept_by_half() -> None:
    desk = Desk({"postmortem/standard.md.j2": "# x\n{{ facts.nothing }}"})
    failure = await failed(desk.records.write_postmortem, postmortem())
    assert (failure.type, failure.non_retryable) == ("TemplateBroken", True)
    assert "nothing" in failure.message
    assert desk.store.documents == {}


async def test_an_unknown_postmortem_template_lists_the_known_ones() -> None:
    failure = await failed(Desk().records.write_postmortem, postmortem("mistyped"))
    assert "Unknown template 'postmortem/mistyped.md.j2'. Known: " in failure.message
