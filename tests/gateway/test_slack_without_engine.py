"""While the engine is away, what people do in Slack gets a truthful answer, and nothing is half done."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from functools import partial

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from adapters.memory import MemoryWorld
from backout.timeline import ActionTaken
from demo.slack.reactions import Reaction
from gateway.incidents import Incidents
from gateway.slack_commands import ACT_S, LIST_S
from gateway.slack_interactions import FORM_S
from gateway.slack_people import ASK_S
from tests.gateway.running import PATIENCE_S, connect, eventually
from tests.gateway.slack_spoilt import KINDS, Kind, Scene
from tests.gateway.slack_world import WAYS, Way, slack_world
from tests.gateway.wire import Wire, a_wire
from tests.workflows.engine import Engine
from workflows.incident import TASK_QUEUE

Works = Callable[[], AbstractAsyncContextManager[object]]


@pytest.fixture
async def wire(engine: WorkflowEnvironment) -> AsyncIterator[Wire]:
    """Lay a wire from the gateway to the engine; tests and workers have their own."""
    async with a_wire(engine.client.service_client.config.target_host) as wire:
        yield wire


@pytest.fixture
def works(client: Client) -> Works:
    """Return what runs a worker for a while."""
    running = Engine(client, MemoryWorld())
    running.queue = TASK_QUEUE
    # No task waits long for a worker that has gone.
    return partial(running.worker, sticky_queue_schedule_to_start_timeout=timedelta(seconds=0.2))


async def acted(client: Client) -> int:
    """Return how many acts the incident has on its timeline."""
    view = await Incidents(client=client).view(incident="incident/chat/r2")
    return len([event for event in view.timeline if isinstance(event, ActionTaken)])


def test_every_answer_is_in_time() -> None:
    assert max(ASK_S, LIST_S) + ACT_S < 3
    assert ASK_S + FORM_S < 3


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", WAYS)
async def test_while_the_engine_is_down_nothing_is_done_and_the_answer_says_so(
    way: Way, kind: Kind, wire: Wire, works: Works, client: Client
) -> None:
    async with works(), slack_world(await connect(wire.address), way) as world:
        view = await world.opened("r2")
        reaction = await Scene(world, view, view, view).sound(kind)
        await wire.cut()
        await world.people.deliver(reaction)
        assert reaction.status == 200
        await world.is_told(reaction, "so nothing was done. Try again")
        assert not reaction.closed
        assert await acted(client) == 0
        # The very same is done once the engine is back.
        await wire.mend()
        await eventually(partial(_is_done, world.people.again, reaction, client))


async def _is_done(
    again: Callable[[Reaction], Awaitable[object]], reaction: Reaction, client: Client
) -> bool:
    await again(reaction)
    return await acted(client) == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", WAYS)
async def test_without_a_worker_it_may_still_be_done_and_asking_again_is_the_same_act(
    way: Way, kind: Kind, works: Works, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with slack_world(client, way) as world:
        async with works():
            view = await world.opened("r2")
            reaction = await Scene(world, view, view, view).sound(kind)
        for place in ("slack_commands", "slack_interactions"):
            # Time enough for the engine's own answers, and to carry the act to it.
            monkeypatch.setattr(f"gateway.{place}.ACT_S", 2.0)
        await world.people.deliver(reaction)
        assert reaction.status == 200
        await world.is_told(reaction, "may still be carried out")
        assert not reaction.closed
        for place in ("slack_commands", "slack_interactions"):
            monkeypatch.setattr(f"gateway.{place}.ACT_S", float(PATIENCE_S))
        async with works():
            await world.people.again(reaction)
            assert await acted(client) == 1
