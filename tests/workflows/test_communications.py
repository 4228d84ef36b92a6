"""Each audience is told in time, again and again, whatever the steps do and whatever holds them."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from temporalio.client import Client

from backout.people import Action
from backout.timeline import IncidentEnded, MessageFailed, SignalsJudged
from backout.timeline_exposure import ExposureSet
from backout.timeline_notices import NoticeDropped, NoticeOverdue
from backout.view import IncidentOutcome
from tests.workflows.communicated import HOURLY, STEPS, minutes, sent, told
from tests.workflows.engine import alert, running
from tests.workflows.playbooks import CHECK, DETECT, POSTMORTEM, REVERT, VERIFY, playbook


async def test_the_first_comes_within_its_time_of_the_revert_then_every_hour_until_verified(
    skipping: Client,
) -> None:
    async with running(skipping) as engine:
        updates = {**HOURLY, "after": "reverting", "until": "verified"}
        # The watches of this world run on its own clock: a soak of hours is a wait on the server's.
        steps = (DETECT, REVERT, {**STEPS[0], "within": "2h40m"}, VERIFY, POSTMORTEM)
        incident = await engine.open(playbook(*steps, communications=[updates]), alert("ProviderDown"))
        summary = await incident.result()
        messages = await sent(incident)
        (began, *_) = [event.at for event in await incident.events(ExposureSet)]
        verified = (await incident.events(SignalsJudged))[-1].at
    assert summary.outcome is IncidentOutcome.RECOVERED
    assert minutes([event.due for event in messages if event.due], began) == [30, 90, 150]
    assert all(event.due and event.at <= event.due for event in messages)
    assert all(event.at < verified for event in messages)
    assert {(event.communication, event.audience, event.channel) for event in messages} == {
        ("updates", "customers", "room")
    }
    assert "We will tell you more by" in messages[0].text


async def test_a_series_that_lasts_until_the_end_has_a_last_word_before_it(skipping: Client) -> None:
    async with running(skipping) as engine:
        incident = await engine.open(playbook(*STEPS, communications=[HOURLY]))
        summary = await incident.result()
        messages = await sent(incident)
        (ended,) = await incident.events(IncidentEnded)
    due = minutes([event.due for event in messages if event.due], summary.opened_at)
    assert due == [30, 90, 150, 210, 270]
    assert messages[-1].text.startswith("chat: we have ended our work on this problem\n")
    assert minutes([messages[-1].at], summary.opened_at) == [255]
    assert messages[-1].seq < ended.seq
    assert all("We will tell you more" in event.text for event in messages[:-1])
    assert "We will tell you more" not in messages[-1].text


async def test_what_needs_no_approval_is_sent_at_once_and_later_on_with_fresh_facts(skipping: Client) -> None:
    async with running(skipping) as engine:
        incident = await engine.open(playbook(*STEPS, communications=[HOURLY]))
        summary = await incident.result()
        messages = await sent(incident)
    assert messages[0].at - summary.opened_at < timedelta(minutes=1)
    assert minutes([event.at for event in messages[1:4]], summary.opened_at) == [89, 149, 209]


@pytest.mark.parametrize("until", ["closed", "verified"])
async def test_what_comes_after_something_that_never_happens_is_never_owed(
    skipping: Client, until: str
) -> None:
    async with running(skipping) as engine:
        never = {**HOURLY, "after": "acknowledged", "until": until}
        incident = await engine.open(playbook(*STEPS, communications=[never]))
        await incident.result()
        nothing = [*await sent(incident), *await incident.events(NoticeDropped)]
    assert nothing == []


async def test_a_series_that_ends_earlier_has_no_last_word(skipping: Client) -> None:
    async with running(skipping) as engine:
        incident = await engine.open(playbook(*STEPS, communications=[{**HOURLY, "until": "verified"}]))
        summary = await incident.result()
        messages = await sent(incident)
        dropped = await incident.events(NoticeDropped)
    assert minutes([event.due for event in messages if event.due], summary.opened_at) == [30, 90, 150, 210]
    assert dropped == []


async def test_what_is_sent_once_is_sent_once(skipping: Client) -> None:
    async with running(skipping) as engine:
        incident = await engine.open(playbook(*STEPS, communications=[{**HOURLY, "every": None}]))
        await incident.result()
        messages = await sent(incident)
    assert len(messages) == 1


async def test_a_hold_stops_no_notice(skipping: Client) -> None:
    async with running(skipping) as engine:
        engine.world.check.passes = False
        incident = await engine.open(playbook(CHECK, POSTMORTEM, communications=[HOURLY], remind="4d"))
        view = await incident.until(lambda view: len(told(view)) >= 24)
        await incident.end()
    assert view.held
    due = [event.due for event in told(view) if event.due]
    assert all(after - before == timedelta(hours=1) for before, after in pairwise(due))


async def test_an_abort_ends_the_series_with_a_last_word(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await engine.open(playbook(*STEPS, communications=[HOURLY]))
        await incident.until(lambda view: len(told(view)) == 1)
        await incident.act("alice", Action.ABORT, reason="the provider rolled back")
        summary = await incident.result()
        messages = await sent(incident)
    assert summary.outcome is IncidentOutcome.ABORTED
    assert [event.text.partition("\n")[0] for event in messages] == [
        "chat: we are looking into a problem",
        "chat: we have ended our work on this problem",
    ]


async def test_a_false_alarm_is_told_as_one(skipping: Client) -> None:
    async with running(skipping) as engine:
        engine.world.source.change("bad", baseline=0, candidate=0)
        incident = await engine.open(playbook(DETECT, REVERT, VERIFY, POSTMORTEM, communications=[HOURLY]))
        summary = await incident.result()
        messages = await sent(incident)
    assert summary.outcome is IncidentOutcome.FALSE_ALARM
    assert messages[-1].text.startswith("chat: there was no problem\n")


async def test_a_channel_that_is_down_is_named_once_and_told_when_it_is_back(skipping: Client) -> None:
    async with running(skipping) as engine:
        engine.world.channel.unreachable = True
        incident = await engine.open(playbook(*STEPS, communications=[{**HOURLY, "every": None}]))
        await incident.until(lambda view: any(isinstance(e, NoticeOverdue) for e in view.timeline))
        engine.world.channel.unreachable = False
        summary = await incident.result()
        (message,) = await sent(incident)
        failed = [one for one in await incident.events(MessageFailed) if one.audience == "customers"]
        (overdue,) = await incident.events(NoticeOverdue)
    assert len(failed) == 1
    assert overdue.why == failed[0].error
    assert message.late > timedelta(0)
    assert minutes([overdue.due], summary.opened_at) == [30]
