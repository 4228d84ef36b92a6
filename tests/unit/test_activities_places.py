"""What a message says of its incident, and the place that it comes from."""

from __future__ import annotations

from dataclasses import replace

from temporalio.testing import ActivityEnvironment

from activities.people import PeopleActivities
from activities.records import RecordActivities
from adapters.memory import MemoryChannel, MemoryStore
from backout.messages import State
from backout.people import Person
from backout.requests import Notice, PagePeople, PublishTimeline, SendNotice
from backout.severity import Severity
from backout.view import Briefing, Phase
from tests.unit.attempts import START_TO_CLOSE, done
from tests.unit.views import BEGUN, TEMPLATES, briefing, case_of


def closed() -> Briefing:
    brief = briefing()
    return brief.model_copy(update={"summary": brief.summary.model_copy(update={"phase": Phase.CLOSED})})


async def told(brief: Briefing) -> list[tuple[State, Severity | None]]:
    """Return what the page, the incident's message and the news say of an incident."""
    channel = MemoryChannel()
    channels, people = {"room": channel}, {"ann": Person(name="Ann", roles=("on_call",))}
    paging = PeopleActivities(channels=channels, directory=people, templates=TEMPLATES, history="")
    keeping = RecordActivities(
        store=MemoryStore(), channels=channels, directory=people, templates=TEMPLATES, history=""
    )
    await done(paging.page_people, PagePeople(channel="room", roles=("on_call",), why="w", brief=brief))
    events = tuple(case_of(*BEGUN).timeline)
    await done(keeping.publish_timeline, PublishTimeline(events=events, brief=brief, channel="room"))
    return [(message.state, message.severity) for message in channel.posted]


async def test_a_message_says_whether_somebody_owns_its_incident_and_whether_it_is_closed() -> None:
    owned = briefing().model_copy(update={"acknowledged_by": "Ann"})
    assert set(await told(briefing())) == {("open", Severity.MAJOR)}
    assert set(await told(owned)) == {("acknowledged", Severity.MAJOR)}
    assert set(await told(closed())) == {("closed", Severity.MAJOR)}


async def test_a_message_has_the_key_of_its_activity_whichever_the_attempt() -> None:
    channel = MemoryChannel()
    people = PeopleActivities(channels={"room": channel}, directory={}, templates=TEMPLATES, history="")
    notice = SendNotice(channel="room", notice=Notice(audience="all", title="T", text="t"), incident="i")
    for number, (run, activity) in enumerate((("r1", "7"), ("r1", "7"), ("r1", "8"), ("r2", "7"))):
        surroundings = ActivityEnvironment()
        surroundings.info = replace(
            surroundings.info,
            workflow_run_id=run,
            activity_id=activity,
            attempt=number + 1,
            start_to_close_timeout=START_TO_CLOSE,
        )
        await surroundings.run(people.send_notice, notice)
    first, again, other, elsewhere = (message.key for message in channel.posted)
    assert first == again
    assert len({first, other, elsewhere}) == 3
