"""An incident may wait for weeks, and operators of the engine may touch it: it goes on where it stood."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from backout.people import Action
from backout.timeline import Held, PeoplePaged
from backout.timeline_paging import LadderEnded
from backout.view import IncidentOutcome, Phase
from tests.workflows.conftest import started
from tests.workflows.engine import PATIENCE_S, Engine, Incidents, alert, running
from tests.workflows.playbooks import CHECK, DETECT, ESCALATE, POSTMORTEM, REVERT, playbook


@pytest.fixture
async def short_histories() -> AsyncIterator[WorkflowEnvironment]:
    """Return a server that finds a history long after sixty events."""
    async with started({"limit.historyCount.suggestContinueAsNew": "60"}) as environment:
        with environment.with_time_skipping_disabled():
            yield environment


async def test_a_held_incident_goes_on_in_a_fresh_history_with_its_whole_case(
    short_histories: WorkflowEnvironment,
) -> None:
    async with running(short_histories.client) as engine:
        engine.world.check.passes = False
        incident = await engine.open(playbook(CHECK, POSTMORTEM))
        first = (await incident.handle.describe()).run_id
        await incident.asked(Action.RETRY)
        await short_histories.fast_forward(incident.handle, timedelta(days=90))
        view = await incident.asked(Action.RETRY)
        now = (await incident.handle.describe()).run_id
        engine.world.check.passes = True
        await incident.act("alice", Action.RETRY)
        summary = await incident.result()
        held = await incident.events(Held)
        paged = await incident.events(PeoplePaged)
    assert now != first
    assert (summary.run, summary.outcome) == (first, IncidentOutcome.UNVERIFIED)
    assert view.held
    assert len(held) == 1
    assert len(paged) > 5


async def test_a_cancel_in_temporal_holds_the_incident_and_stops_the_revert(waiting: Client) -> None:
    async with running(waiting) as engine:
        engine.world.clock.pause()
        incident = await engine.open(playbook(DETECT, REVERT, POSTMORTEM), alert("ProviderDown"))
        await engine.world.clock.reached(1)
        await incident.handle.cancel()
        view = await incident.asked(Action.RESUME)
        engine.world.clock.go_on()
        await incident.act("bob", Action.RESUME)
        summary = await incident.result()
    assert view.summary.phase is Phase.HELD
    assert "cancelled the workflow in Temporal" in view.held
    assert summary.exposure == 0


async def test_a_channel_that_stays_down_for_weeks_ends_no_incident(
    short_histories: WorkflowEnvironment,
) -> None:
    async with running(short_histories.client) as engine:
        engine.world.check.passes = False
        engine.world.channel.unreachable = True
        incident = await engine.open(playbook(CHECK, POSTMORTEM))
        await incident.asked(Action.RETRY)
        await short_histories.fast_forward(incident.handle, timedelta(days=20))
        length = (await incident.handle.describe()).history_length
        engine.world.channel.unreachable = False
        engine.world.check.passes = True
        await incident.act("alice", Action.RETRY)
        summary = await incident.result()
    assert summary.outcome is IncidentOutcome.UNVERIFIED
    assert length < 300


async def held_with_a_page_under_way(engine: Engine) -> Incidents:
    """Return a long incident that is held while a pager does not answer."""
    ladder = {"model": [{"page": ["on_call"], "via": ["pager"], "wait": "5m"}]}
    engine.world.check.passes = False
    engine.world.pager.pause()
    check = {**CHECK, "on_failure": "escalate"}
    incident = await engine.open(playbook(check, POSTMORTEM, escalation=ladder))
    await incident.asked(Action.RETRY)
    await engine.world.pager.reached(1)
    for number in range(40):
        await incident.handle.signal("alert", alert(fingerprint=f"f{number}"))
    return incident


async def by_pager(incident: Incidents) -> list[PeoplePaged]:
    return [one for one in await incident.events(PeoplePaged) if one.channel == "pager"]


async def test_a_page_that_is_under_way_delays_nobody_who_acts_in_a_long_incident(
    short_histories: WorkflowEnvironment,
) -> None:
    async with running(short_histories.client) as engine:
        incident = await held_with_a_page_under_way(engine)
        first = (await incident.handle.describe()).run_id
        engine.world.check.passes = True
        await incident.act("alice", Action.RETRY)
        await incident.until(lambda view: view.postmortem)
        assert (await incident.handle.describe()).run_id == first
        assert not await by_pager(incident)
        engine.world.pager.go_on()
        await incident.result()
        (page,) = await by_pager(incident)
    assert page.people == ("Alice",)


async def test_a_long_incident_goes_on_in_a_fresh_history_once_its_page_has_ended(
    short_histories: WorkflowEnvironment,
) -> None:
    async with running(short_histories.client) as engine:
        incident = await held_with_a_page_under_way(engine)
        first = (await incident.handle.describe()).run_id
        engine.world.pager.go_on()
        async with asyncio.timeout(PATIENCE_S):
            while (await incident.handle.describe()).run_id == first:  # noqa: ASYNC110  # it is in a server
                await asyncio.sleep(0.01)
        await incident.asked(Action.RETRY)
        (page,) = await by_pager(incident)
        await incident.end()
    assert page.people == ("Alice",)


async def test_a_ladder_goes_on_climbing_in_a_fresh_history(short_histories: WorkflowEnvironment) -> None:
    async with running(short_histories.client) as engine:
        engine.world.target.refuses = "wrong token"
        slow = {"model": [{"page": ["on_call"], "wait": "5d"}, {"page": ["commander"], "wait": "5m"}]}
        steps = (DETECT, {**ESCALATE, "within": "30d"}, REVERT, POSTMORTEM)
        incident = await engine.open(playbook(*steps, escalation=slow))
        await incident.asked(Action.RETRY)
        await short_histories.fast_forward(incident.handle, timedelta(days=20))
        await incident.until(lambda view: any(isinstance(e, LadderEnded) for e in view.timeline))
        view = await incident.view()
        await incident.end()
    paged = [event for event in view.timeline if isinstance(event, PeoplePaged)]
    assert (2, ("commander",)) in [(event.level, event.roles) for event in paged]
    assert not any(Action.ACKNOWLEDGE in ask.actions for ask in view.asks)


async def test_a_cancel_in_temporal_while_it_closes_does_not_keep_it_from_closing(waiting: Client) -> None:
    async with running(waiting) as engine:
        engine.world.channel.pause()
        incident = await engine.open(playbook(POSTMORTEM))
        await incident.until(lambda view: view.summary.phase is Phase.CLOSED)
        await incident.handle.cancel()
        engine.world.channel.go_on()
        summary = await incident.result()
    assert summary.outcome is IncidentOutcome.UNVERIFIED


async def test_fifteen_hundred_alerts_are_counted_and_stop_nothing(waiting: Client) -> None:
    async with running(waiting) as engine:
        engine.world.clock.pause()
        incident = await engine.open(playbook(DETECT, REVERT, POSTMORTEM))
        long = "x" * 500
        for start in range(0, 1500, 100):
            storm = [
                incident.handle.signal("alert", alert(long[:200], fingerprint=f"f{number}", summary=long))
                for number in range(start, start + 100)
            ]
            await asyncio.gather(*storm)
        await incident.until(lambda view: view.summary.alerts == 1501)
        engine.world.clock.go_on()
        summary = await incident.result()
    assert (summary.alerts, summary.exposure) == (1501, 0)
