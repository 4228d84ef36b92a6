"""A stop reaches a call that is under way: it is pushed to the worker, and waits for no heartbeat."""

from __future__ import annotations

import asyncio

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

from adapters.memory import MemoryTarget, MemoryWorld
from backout.exposure import Exposure
from backout.people import Action
from backout.release_sets import Conversations
from tests.workflows.engine import Engine, Incidents, alert, running
from tests.workflows.playbooks import DETECT, POSTMORTEM, REVERT, playbook
from tests.workflows.test_emergency import ROLES
from workflows import options

BOOK = playbook(DETECT, REVERT, POSTMORTEM, roles=ROLES)
ENDS = {
    EventType.EVENT_TYPE_ACTIVITY_TASK_CANCELED: "cancelled",
    EventType.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT: "timed out",
}


class Hanging(MemoryTarget):
    """A target that hangs when it is set to this percent, as often as that is tried, until it is mended."""

    def __init__(self, world: MemoryWorld, *, at: int) -> None:
        super().__init__(world.clock, {(world.service, world.release): 100})
        self.at = at
        self.hangs = asyncio.Event()

    async def set(
        self,
        *,
        service: str,
        release: str,
        percent: int,
        key: str,
        expected: str = "",
        conversations: Conversations | None = None,
    ) -> Exposure:
        """Hang, or set it."""
        if percent == self.at:
            self.hangs.set()
            await asyncio.Event().wait()
        return await super().set(
            service=service,
            release=release,
            percent=percent,
            key=key,
            expected=expected,
            conversations=conversations,
        )


async def hanging(engine: Engine, *, at: int) -> tuple[Incidents, Hanging]:
    """Open an incident whose revert hangs at this stage, and wait until it does."""
    engine.targets["exposure"] = target = Hanging(engine.world, at=at)
    incident = await engine.open(BOOK, alert("ProviderDown"))
    await target.hangs.wait()
    return incident, target


async def how_calls_ended(engine: Engine, workflow: str) -> list[str]:
    """Return how the calls ended that did not come to their own end."""
    history = await engine.client.get_workflow_handle(workflow).fetch_history()
    return [ENDS[event.event_type] for event in history.events if event.event_type in ENDS]


@pytest.mark.parametrize("at", [50, 10], ids=["in the first stage", "in a later stage"])
async def test_a_hold_interrupts_a_call_that_hangs(waiting: Client, at: int) -> None:
    async with running(waiting) as engine:
        incident, target = await hanging(engine, at=at)
        await incident.act("alice", Action.HOLD, reason="stop now")
        await incident.asked(Action.RESUME)
        where = incident.handle.id if at == 50 else f"{incident.handle.id}/revert/1"
        ends = await how_calls_ended(engine, where)
        await incident.end()
    assert options.SET_EXPOSURE.heartbeat is None
    assert ends == ["cancelled"]
    assert [change.percent for change in target.changes] == ([] if at == 50 else [50])


async def test_an_emergency_interrupts_a_call_that_hangs_and_then_takes_everything_off(
    waiting: Client,
) -> None:
    async with running(waiting) as engine:
        incident, target = await hanging(engine, at=50)
        await incident.act("bob", Action.EMERGENCY, reason="now")
        await incident.result()
        ends = await how_calls_ended(engine, incident.handle.id)
    assert ends == ["cancelled"]
    assert [change.percent for change in target.changes] == [0]
