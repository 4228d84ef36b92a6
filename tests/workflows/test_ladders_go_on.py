"""Ladders and re-pages go on in a fresh history, and a held incident calls whom its policies are for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from backout.people import Action
from backout.timeline import PeoplePaged
from backout.timeline_paging import AcknowledgementLapsed, LadderEnded
from tests.workflows.conftest import started
from tests.workflows.engine import running
from tests.workflows.playbooks import CHECK, DETECT, ESCALATE, POSTMORTEM, playbook, rules
from tests.workflows.test_ladders import CALM, NEVER, TIDY, daily, on_call, policy


@pytest.fixture
async def short_histories() -> AsyncIterator[WorkflowEnvironment]:
    """Return a server that finds a history long after sixty events."""
    async with started({"limit.historyCount.suggestContinueAsNew": "60"}) as environment:
        with environment.with_time_skipping_disabled():
            yield environment


async def test_an_acknowledgement_lapses_in_a_fresh_history_too(short_histories: WorkflowEnvironment) -> None:
    async with running(short_histories.client) as engine:
        engine.world.check.passes = False
        ladder = policy({"page": ["on_call"]}, repage="20d")
        steps = (DETECT, ESCALATE, CHECK, POSTMORTEM)
        incident = await engine.open(playbook(*steps, escalation=ladder, **CALM))
        first = (await incident.handle.describe()).run_id
        await incident.asked(Action.ACKNOWLEDGE)
        await incident.act("alice", Action.ACKNOWLEDGE)
        owned = (await incident.asked(Action.RETRY)).timeline[-1].at
        await short_histories.fast_forward(incident.handle, timedelta(days=21))
        await incident.until(lambda view: any(isinstance(e, AcknowledgementLapsed) for e in view.timeline))
        (lapsed,) = await incident.events(AcknowledgementLapsed)
        now = (await incident.handle.describe()).run_id
        await incident.end()
    assert now != first
    assert abs(lapsed.at - owned - timedelta(days=20)) < timedelta(minutes=1)


async def test_a_ladder_knows_its_round_in_a_fresh_history(short_histories: WorkflowEnvironment) -> None:
    async with running(short_histories.client) as engine:
        engine.world.check.passes = False
        ladder = policy({"people": ["bob"], "wait": "6d"}, {"people": ["carol"], "wait": "6d"}, loops=2)
        steps = (DETECT, {**ESCALATE, "within": "60d"}, CHECK, POSTMORTEM)
        # With automatic authority the ladder is climbed beside the check, which holds.
        incident = await engine.open(playbook(*steps, escalation=ladder))
        await incident.asked(Action.RETRY)
        for _ in range(2):  # a fresh history takes no notice of how far the old one was to go
            await short_histories.fast_forward(incident.handle, timedelta(days=30))
        await incident.until(lambda view: any(isinstance(e, LadderEnded) for e in view.timeline))
        paged = [event for event in await incident.events(PeoplePaged) if event.policy]
        await incident.end()
    assert [(event.round, event.level) for event in paged] == [(1, 1), (1, 2), (2, 1), (2, 2)]


async def test_a_held_incident_calls_those_of_its_policies_who_are_on_call_then(
    server: WorkflowEnvironment, waiting: Client
) -> None:
    async with running(waiting) as engine:
        engine.rotas["daily"], engine.calendars["office"] = daily("alice", "bob", "carol"), NEVER
        ladder = policy({"rotas": ["daily"], "via": ["pager"]}, {"people": ["dave"], "hours": "office"})
        incident = await engine.open(
            playbook(DETECT, TIDY, POSTMORTEM, escalation=ladder, rules=rules("auto"), remind="30h")
        )
        await incident.asked(Action.TICK)
        await incident.act("bob", Action.HOLD, reason="let me look")
        await incident.asked(Action.RESUME)
        await server.fast_forward(incident.handle, timedelta(hours=31))
        view = await incident.until(lambda view: len(_again(view.timeline)) == 2)
        await incident.end()
    by_channel = {event.channel: set(event.people) for event in _again(view.timeline)}
    on_duty = on_call(_again(view.timeline)[0].at)
    assert by_channel == {"": {"Alice", on_duty}, "pager": {on_duty}}


def _again(timeline: tuple[object, ...]) -> list[PeoplePaged]:
    """Return the pages of a held incident's reminder."""
    pages = [event for event in timeline if isinstance(event, PeoplePaged)]
    return [event for event in pages if event.why.startswith("still held")]
