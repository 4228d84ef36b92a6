"""Notices go on in a fresh history: one that may be there already is looked for before it is sent again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from backout.people import Action
from backout.timeline import MessageFailed
from tests.workflows.communicated import HOURLY
from tests.workflows.conftest import started
from tests.workflows.engine import PATIENCE_S, Engine, Incidents, alert, running
from tests.workflows.playbooks import CHECK, POSTMORTEM, playbook

BY_PAGER = {**HOURLY, "channel": "pager"}


@pytest.fixture
async def short_histories() -> AsyncIterator[WorkflowEnvironment]:
    """Return a server that finds a history long after sixty events."""
    async with started({"limit.historyCount.suggestContinueAsNew": "60"}) as environment:
        with environment.with_time_skipping_disabled():
            yield environment


async def held_with_a_failed_notice(engine: Engine) -> Incidents:
    """Return an incident that is held, and whose first notice could not be sent."""
    engine.world.check.passes = False
    engine.world.pager.refuses = "it answers nothing that makes sense"
    incident = await engine.open(playbook(CHECK, POSTMORTEM, communications=[BY_PAGER]))
    await incident.asked(Action.RETRY)
    await incident.until(lambda view: any(isinstance(one, MessageFailed) for one in view.timeline))
    return incident


async def test_a_notice_that_may_have_been_sent_is_known_as_such_in_a_fresh_history(
    short_histories: WorkflowEnvironment,
) -> None:
    async with running(short_histories.client) as engine:
        incident = await held_with_a_failed_notice(engine)
        first = (await incident.handle.describe()).run_id
        for number in range(60):
            await incident.handle.signal("alert", alert(fingerprint=f"f{number}"))
        async with asyncio.timeout(PATIENCE_S):
            while (await incident.handle.describe()).run_id == first:  # noqa: ASYNC110  # it is in a server
                await asyncio.sleep(0.01)
        engine.world.pager.refuses = ""
        await short_histories.fast_forward(incident.handle, timedelta(minutes=31))
        await incident.until(lambda _: engine.world.pager.posted)
        await incident.end()
    assert engine.world.pager.posted[0].again


async def test_a_notice_that_was_never_tried_is_not_looked_for(skipping: Client) -> None:
    async with running(skipping) as engine:
        incident = await engine.open(playbook(CHECK, POSTMORTEM, communications=[BY_PAGER]))
        await incident.result()
    assert engine.world.pager.posted
    assert not any(message.again for message in engine.world.pager.posted)
