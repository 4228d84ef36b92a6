"""Those who were paged elsewhere hear who owns the incident, and that it is closed."""

from __future__ import annotations

from temporalio.client import Client

from backout.people import Action
from backout.playbook import Playbook
from backout.timeline import MessageFailed, PeoplePaged
from tests.workflows.engine import running
from tests.workflows.playbooks import DETECT, ESCALATE, MANUAL, POSTMORTEM, playbook, rules

LEVELS = [{"page": ["on_call"], "via": ["pager"], "wait": "5m"}]


def paging() -> Playbook:
    return playbook(DETECT, ESCALATE, MANUAL, POSTMORTEM, rules=rules("ack"), escalation={"model": LEVELS})


async def test_who_was_paged_by_a_pager_hears_who_owns_it_and_that_it_is_closed(waiting: Client) -> None:
    async with running(waiting) as engine:
        pager = engine.world.pager
        incident = await engine.open(paging())
        await incident.until(lambda _: pager.posted)
        await incident.asked(Action.ACKNOWLEDGE)
        assert pager.updated == []
        await incident.act("alice", Action.ACKNOWLEDGE)
        await incident.until(lambda _: pager.updated)
        pager.fail_times = 2
        await incident.act("alice", Action.SKIP, reason="looked after")
        await incident.result()
        (paged,) = [event for event in await incident.events(PeoplePaged) if event.channel]
    assert (paged.channel, paged.ref) == ("pager", "memory:1")
    told = [(ref, message.state, message.title.partition(": ")[2]) for ref, message in pager.updated]
    assert told == [
        ("memory:1", "acknowledged", "owned by Alice"),
        ("memory:1", "closed", "closed, unverified"),
    ]
    assert {message.state for message in pager.posted} == {"open"}


async def test_a_pager_that_refuses_is_on_the_timeline_and_stops_nothing(waiting: Client) -> None:
    async with running(waiting) as engine:
        pager = engine.world.pager
        incident = await engine.open(paging())
        await incident.until(lambda _: pager.posted)
        await incident.asked(Action.ACKNOWLEDGE)
        pager.refuses = "the key is gone"
        await incident.act("alice", Action.ACKNOWLEDGE)
        await incident.until(lambda view: any(isinstance(event, MessageFailed) for event in view.timeline))
        await incident.act("alice", Action.SKIP, reason="looked after")
        await incident.result()
        (failed, *_) = await incident.events(MessageFailed)
    assert (failed.audience, failed.channel) == ("those who were paged", "pager")
    assert "the key is gone" in failed.error


async def test_without_a_pager_nobody_is_told(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await engine.open(playbook(DETECT, ESCALATE, POSTMORTEM, rules=rules("ack")))
        await incident.asked(Action.ACKNOWLEDGE)
        await incident.act("alice", Action.ACKNOWLEDGE)
        await incident.result()
        history = await incident.handle.fetch_history()
    names = {
        event.activity_task_scheduled_event_attributes.activity_type.name
        for event in history.events
        if event.HasField("activity_task_scheduled_event_attributes")
    }
    assert "page_people" in names
    assert "tell_paged" not in names
