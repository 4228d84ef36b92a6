"""What an audience was promised outlives fresh histories and dead workers, and its record stays small."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from adapters.memory import MemoryWorld
from backout.case import Case
from backout.communications import Owed
from backout.timeline_notices import NoticeDropped, NoticeOverdue
from tests.workflows.communicated import HOURLY, STEPS, minutes, paged, sent, told
from tests.workflows.conftest import started
from tests.workflows.engine import Engine, running
from tests.workflows.playbooks import CHECK, POSTMORTEM, playbook
from workflows.communicating import MOST_NOTICES


@pytest.fixture
async def short_histories() -> AsyncIterator[WorkflowEnvironment]:
    """Return a server that finds a history long after eighty events."""
    async with started({"limit.historyCount.suggestContinueAsNew": "80"}) as environment:
        yield environment


async def test_a_series_goes_on_in_fresh_histories_and_says_nothing_twice(
    short_histories: WorkflowEnvironment,
) -> None:
    async with running(short_histories.client) as engine:
        engine.world.check.passes = False
        incident = await engine.open(playbook(CHECK, POSTMORTEM, communications=[HOURLY], remind="4d"))
        view = await incident.until(lambda view: len(told(view)) >= 30)
        now = (await incident.handle.describe()).run_id
        overdue = [event.due for event in await incident.events(NoticeOverdue)]
        await incident.end()
    due = [event.due for event in told(view) if event.due]
    assert now != view.summary.run
    # The server that skips time jumps when a history passes into a fresh one: what was due then comes late.
    assert all(after > before for before, after in pairwise(due))
    assert all((moment - due[0]) % timedelta(hours=1) == timedelta(0) for moment in due)
    assert {event.due for event in told(view) if event.late} <= set(overdue)
    keys = [one.key for one in engine.world.channel.posted if one.title.startswith("chat:")]
    assert len(keys) == len(set(keys))
    # Made from the place of the notice, not of the activity: a fresh history has other activities.
    place = f"{view.summary.incident}@{view.summary.run}/updates/"
    assert keys[: len(due)] == [f"{place}{moment:%Y%m%dT%H%M%S.%fZ}" for moment in due]


async def test_a_worker_that_forgets_everything_between_two_tasks_sends_each_notice_once(
    skipping: Client,
) -> None:
    engine = Engine(skipping, MemoryWorld())
    async with engine.worker(max_cached_workflows=0):
        incident = await engine.open(playbook(*STEPS, communications=[HOURLY]))
        summary = await incident.result()
        messages = await sent(incident)
        overdue = await incident.events(NoticeOverdue)
    assert minutes([one.due for one in messages if one.due], summary.opened_at) == [30, 90, 150, 210, 270]
    assert overdue == []


async def test_a_notice_that_was_due_while_no_worker_ran_is_sent_late_and_the_owner_is_called(
    waiting: Client,
) -> None:
    engine = Engine(waiting, MemoryWorld())
    often = {**HOURLY, "channel": "pager", "within": "1s", "every": "2s"}
    engine.world.pager.go_on(times=1)  # the second notice is left to the second worker
    async with engine.worker():
        incident = await engine.open(playbook(*STEPS, communications=[often]))
        view = await incident.until(told)
    (notice,) = view.notices
    left = notice.due + timedelta(seconds=1) - datetime.now(UTC)
    await asyncio.sleep(max(0, left.total_seconds()))
    engine.world.pager.go_on()
    async with engine.worker():
        view = await incident.until(lambda view: len(told(view)) > 1)
        calls = await paged(incident, "is overdue")
        overdue = await incident.events(NoticeOverdue)
        await incident.end()
    assert told(view)[1].due == notice.due
    assert told(view)[1].late >= timedelta(seconds=1)
    assert overdue[0].due == notice.due
    assert len(calls) <= len(overdue)


async def test_an_incident_with_too_many_notices_says_so_and_calls_the_owner(skipping: Client) -> None:
    async with running(skipping) as engine:
        plan = playbook(*STEPS, communications=[HOURLY])
        now = datetime.now(UTC)
        before = {"updates": Owed(due=now + timedelta(hours=1), number=MOST_NOTICES, sent=MOST_NOTICES - 1)}
        incident = await engine.open(plan, carried=Case(run="first", opened_at=now, owed=before))
        await incident.result()
        messages = await sent(incident)
        dropped = await incident.events(NoticeDropped)
        calls = await paged(incident, "people must tell customers by hand")
    assert len(messages) == 1
    assert len(dropped) == 1
    assert [event.roles for event in calls] == [("product",)]
