"""An incident may wait for weeks, and operators of the engine may touch it: it goes on where it stood."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from backout.people import Action
from backout.timeline import Held, PeoplePaged
from backout.view import IncidentOutcome, Phase
from tests.workflows.conftest import started
from tests.workflows.engine import running
from tests.workflows.playbooks import CHECK, DETECT, POSTMORTEM, REVERT, playbook


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
        await short_histories.fast_forward(incident.handle, timedelta(days=10))
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
        incident = await engine.open(playbook(DETECT, REVERT, POSTMORTEM))
        await incident.until(lambda _: engine.world.target.changes)
        engine.world.clock.pause()
        await incident.handle.cancel()
        view = await incident.asked(Action.RESUME)
        engine.world.clock.go_on()
        await incident.act("bob", Action.RESUME)
        summary = await incident.result()
    assert view.summary.phase is Phase.HELD
    assert "cancelled the workflow in Temporal" in view.held
    assert summary.exposure == 0
