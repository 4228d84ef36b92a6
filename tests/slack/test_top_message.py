"""The first message of an incident is its page: kept current, posted anew once deleted, news below it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.people import PeopleActivities
from activities.records import RecordActivities
from adapters.channels.plain import plain
from adapters.memory import MemoryStore
from backout.case import Case
from backout.evaluation import Outcome, Verdict
from backout.people import Person
from backout.requests import PagePeople, PublishTimeline
from backout.timeline_exposure import RequestsCounted
from backout.view import Briefing
from demo.slack.faults import Fault
from demo.slack.server import FakeSlack
from tests.slack.conftest import Open
from tests.unit.attempts import START_TO_CLOSE, done
from tests.unit.views import BEGUN, OPENING, PLAYBOOK, TEMPLATES, approval, at, case_of, factor, judged, stage

DIRECTORY = {
    "ben": Person(name="Ben", roles=("commander",), slack="U02BOB"),
    "cleo": Person(name="Cleo", roles=("product",)),
}


def brief() -> Briefing:
    counts = (RequestsCounted(at=at(1), served=1000), RequestsCounted(at=at(3), served=13_345))
    fired = judged(1, "breach", Outcome.FIRED, factor(Verdict.BREACHED, 40, 900, evidence=1e6))
    case: Case = case_of(*BEGUN, fired, *counts, stage(3, 100, 50))
    case.position = [step.name for step in PLAYBOOK.steps].index("revert")
    case.asks = {"approve": approval(approved_by=("ben",), approved_as=(("commander",),))}
    case.exposure, case.step_until = 50, at(30)
    return case.brief(OPENING.model_copy(update={"baseline": "r1"}))


class Room:
    """The activities over a channel of the fake Slack."""

    def __init__(self, slack: FakeSlack, room: Open) -> None:
        channels = {"room": room()}
        self.slack = slack
        self._records = RecordActivities(
            store=MemoryStore(),
            channels=channels,
            directory=DIRECTORY,
            templates=TEMPLATES,
            history="https://ui/workflows",
        )
        self._people = PeopleActivities(
            channels=channels, directory=DIRECTORY, templates=TEMPLATES, history="https://ui/workflows"
        )

    async def tell(self, top: str | None = None, told: Briefing | None = None) -> str:
        """Publish the first news and return the top message's reference."""
        events = tuple(case_of(*BEGUN).timeline)
        request = PublishTimeline(events=events, brief=told or brief(), channel="room", top=top)
        published = await done(self._records.publish_timeline, request)
        assert published.top
        return published.top

    async def page(self, *, thread: str | None = None, attempt: int = 1) -> str:
        """Page somebody in some attempt, and return the page's reference."""
        request = PagePeople(channel="room", roles=("commander",), why="w", brief=brief(), thread=thread)
        surroundings = ActivityEnvironment()
        surroundings.info = replace(surroundings.info, attempt=attempt, start_to_close_timeout=START_TO_CLOSE)
        return (await surroundings.run(self._people.page_people, request)).ref


async def test_the_page_of_an_incident_answers_everything_that_a_responder_asks(
    slack: FakeSlack, room: Open
) -> None:
    top = await Room(slack, room).tell()
    assert plain(slack.rooms.find(top).words).splitlines() == [
        "MAJOR: chat r2: detect",
        (
            "Waits for commander (Ben) or product (Cleo) until 2026-11-20 21:30:00 UTC: "
            "Revert r2: 50 %, 10 %, 0 % (1 of 2 approved (Ben))"
        ),
        "Signals: fired (rule critical)",
        "• error-limit is breached",
        (
            "Who is hit: 50 % of traffic is on the candidate; "
            "it served 12,345 requests since the incident began; wrong answers"
        ),
        "Baseline: r1",
        "Owned by: nobody yet",
        (
            "Now: step revert until 2026-11-20 21:30:00 UTC; "
            "this stage is watched until 2026-11-20 21:05:00 UTC, then 10 %"
        ),
        "Then: check, verify, notify, clean-up, postmortem",
        "History: https://ui/workflows/incident%2Fchat%2Fr2",
        (
            "[Acknowledge] [Approve] [Reject …] [Hold] [Emergency: all off …] "
            "[Skip step …] [Abort …] [Severity …] [Note …]"
        ),
        "Or type `/backout approve chat/r2 aaaaaaaa` `/backout reject chat/r2 aaaaaaaa <reason>`",
    ]


async def test_it_is_kept_current_with_pages_and_news_below_it(slack: FakeSlack, room: Open) -> None:
    desk = Room(slack, room)
    top = await desk.tell()
    await desk.page(thread=top)
    assert await desk.tell(top, brief().model_copy(update={"held": "Ben: look first"})) == top
    first, *below = slack.rooms.messages
    assert "*Held:* Ben: look first" in first.words
    assert {message.thread_ts for message in below} == {first.ts}
    assert "<@U02BOB>" in below[1].words


async def test_one_that_somebody_deleted_is_posted_anew_and_the_news_go_below_that(
    slack: FakeSlack, room: Open
) -> None:
    desk = Room(slack, room)
    top = await desk.tell()
    slack.rooms.messages.clear()
    anew = await desk.tell(top)
    assert anew != top
    assert [message.thread_ts for message in slack.rooms.messages] == [None, anew.partition(":")[2]]


async def test_a_page_is_looked_for_from_its_second_attempt_on(slack: FakeSlack, room: Open) -> None:
    desk = Room(slack, room)
    first = await desk.page()
    assert await desk.page(attempt=2) == first
    assert await desk.page() != first


async def test_a_page_that_slack_limits_says_when_to_try_again(slack: FakeSlack, room: Open) -> None:
    slack.faults.on.append(Fault("limited", retry_after="17", times=1))
    with pytest.raises(ApplicationError) as limited:
        await Room(slack, room).page()
    assert limited.value.next_retry_delay == timedelta(seconds=17)
    assert slack.rooms.messages == []
