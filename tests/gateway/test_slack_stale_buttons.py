"""A button of a message that nobody brought up to date acts again; its doubled tap does not."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from temporalio.client import Client

from backout.people import Act, Action, Actor
from backout.timeline import ActionTaken
from tests.gateway.slack_world import ALICE, WAYS, SlackWorld, a_button, slack_world

LATER_S = 60


@pytest.fixture
async def world(client: Client, worker: None) -> AsyncIterator[SlackWorld]:  # noqa: ARG001
    """Run the door with Slack behind it."""
    async with slack_world(client, WAYS[0]) as running:
        yield running


async def test_a_hold_from_an_old_page_holds_again_after_somebody_resumed(world: SlackWorld) -> None:
    view = await world.opened("r2")
    page = await world.message(a_button(view, Action.HOLD))
    held = "held; nothing moves until somebody resumes"
    first = await world.people.tap(ALICE, page, "hold")
    await world.is_told(first, held)
    bob = Actor(person="bob", name="Bob", roles=("commander", "on_call"), via="cli")
    resume = Act(id="resume", action=Action.RESUME, actor=bob)
    await world.gateway.incidents.act(incident="incident/chat/r2", act=resume)
    again = world.people.tapping(ALICE, page, "hold")
    tapped = float(first.payload["actions"][0]["action_ts"])
    again.payload["actions"][0]["action_ts"] = f"{tapped + LATER_S:.6f}"
    await world.people.deliver(again)
    await world.is_told(again, held)
    now = await world.gateway.incidents.view(incident="incident/chat/r2")
    acts = [event.action for event in now.timeline if isinstance(event, ActionTaken)]
    assert acts == [Action.HOLD, Action.RESUME, Action.HOLD]
    assert now.held
