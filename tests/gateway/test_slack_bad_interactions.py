"""Whatever Slack brings that must not be done changes nothing, and whoever sent it gets an answer.

A table of what is wrong with commands, taps and forms, over both transports. After each, the incidents have
the same history and look the same.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

import pytest
from temporalio.testing import WorkflowEnvironment

from adapters.memory import MemoryWorld
from backout.people import Action
from backout.view import IncidentView, Phase
from tests.gateway.running import connect, emptied, eventually
from tests.gateway.slack_spoilt import TABLE, Kind, Scene, Spoilt
from tests.gateway.slack_world import WAYS, slack_world
from tests.gateway.world import an_act
from tests.workflows.engine import Engine
from workflows.incident import TASK_QUEUE

Before = list[tuple[int, IncidentView]]


@pytest.fixture(scope="module", params=WAYS)
async def stage(
    engine: WorkflowEnvironment, request: pytest.FixtureRequest
) -> AsyncIterator[tuple[Scene, Before]]:
    """Serve the whole table by one scene, and how it stood at first: it never changes."""
    client = await connect(engine.client.service_client.config.target_host)
    running = Engine(client, MemoryWorld())
    running.queue = TASK_QUEUE
    with pytest.MonkeyPatch.context() as patch:
        for place in ("slack_commands", "slack_interactions"):
            patch.setattr(f"gateway.{place}.ACT_S", 20.0)
        async with running.worker(), slack_world(client, request.param) as world:
            scene = Scene(world, *[await world.opened(name) for name in ("waiting", "late", "over")])
            await _move_on(scene)
            before = await scene.quiet()
            yield scene, before
            # What an incident shows is made from its history alone; still, it is looked at once more.
            assert await scene.everything() == before
    await emptied(client)


async def _move_on(scene: Scene) -> None:
    for view, action, phase in (
        (scene.late, Action.APPROVE, Phase.MANUAL),
        (scene.over, Action.ABORT, Phase.CLOSED),
    ):
        act = an_act("moved on", action, "so that it is late")
        subject = {"subject": view.asks[0].subject}
        await scene.world.gateway.incidents.act(
            incident=view.summary.incident, act=act.model_copy(update=subject)
        )
        await eventually(partial(_is_in, scene, view.summary.incident, phase))


async def _is_in(scene: Scene, incident: str, phase: Phase) -> bool:
    return (await scene.world.gateway.incidents.view(incident=incident)).summary.phase is phase


@pytest.mark.parametrize(
    ("kind", "spoilt"),
    [
        pytest.param(kind, spoilt, id=f"{kind}: {name}")
        for kind, table in TABLE.items()
        for name, spoilt in table.items()
    ],
)
async def test_what_must_not_be_done_changes_nothing_and_is_answered(
    stage: tuple[Scene, Before], kind: Kind, spoilt: Spoilt
) -> None:
    scene, before = stage
    reaction = await scene.sound(kind)
    spoilt.spoil(reaction.payload, scene)
    await scene.world.people.deliver(reaction)
    assert reaction.status is not None
    await scene.world.is_told(reaction, spoilt.told)
    assert not reaction.closed
    assert await scene.lengths() == [length for length, _ in before]
