"""A stop reaches a call that is under way: it is pushed to the worker, and waits for no heartbeat."""

from __future__ import annotations

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

from backout.people import Action
from backout.timeline_exposure import RevertStopped
from tests.workflows.engine import Engine, alert, running
from tests.workflows.playbooks import DETECT, POSTMORTEM, REVERT, playbook
from tests.workflows.test_emergency import ROLES
from tests.workflows.test_people import percents
from workflows import options

BOOK = playbook(DETECT, REVERT, POSTMORTEM, roles=ROLES)
ENDS = {
    EventType.EVENT_TYPE_ACTIVITY_TASK_CANCELED: "cancelled",
    EventType.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT: "timed out",
}


async def how_calls_ended(engine: Engine, workflow: str) -> list[str]:
    """Return how the calls ended that did not come to their own end."""
    history = await engine.client.get_workflow_handle(workflow).fetch_history()
    return [ENDS[event.event_type] for event in history.events if event.event_type in ENDS]


async def test_a_hold_interrupts_a_call_that_hangs_in_the_first_stage(waiting: Client) -> None:
    async with running(waiting) as engine:
        engine.world.target.pause()
        incident = await engine.open(BOOK, alert("ProviderDown"))
        await engine.world.target.reached(1)
        await incident.act("alice", Action.HOLD, reason="stop now")
        await incident.asked(Action.RESUME)
        ends = await how_calls_ended(engine, incident.handle.id)
        engine.world.target.go_on()
        await incident.handle.terminate()
    assert options.SET_EXPOSURE.heartbeat is None
    assert ends == ["cancelled"]
    assert percents(engine) == []


async def test_a_hold_interrupts_a_call_that_hangs_in_a_later_stage(waiting: Client) -> None:
    async with running(waiting) as engine:
        target, clock = engine.world.target, engine.world.clock
        clock.pause()
        incident = await engine.open(BOOK, alert("ProviderDown"))
        await incident.until(lambda view: view.summary.exposure == 50)
        await clock.reached(1)
        before = target.arrivals
        target.pause()
        clock.go_on()
        await target.reached(before + 1)
        await incident.act("alice", Action.HOLD, reason="stop now")
        # The call that comes next looks where exposure is: the one that hung is over.
        await target.reached(before + 2)
        target.go_on()
        await incident.asked(Action.RESUME)
        ends = await how_calls_ended(engine, f"{incident.handle.id}/revert/1")
        (stopped,) = await incident.events(RevertStopped)
        await incident.handle.terminate()
    assert ends == ["cancelled"]
    assert (stopped.exposure, percents(engine)) == (50, [50])


async def test_an_emergency_interrupts_a_call_that_hangs_and_then_takes_everything_off(
    waiting: Client,
) -> None:
    async with running(waiting) as engine:
        target = engine.world.target
        target.pause()
        incident = await engine.open(BOOK, alert("ProviderDown"))
        await target.reached(1)
        await incident.act("bob", Action.EMERGENCY, reason="now")
        await target.reached(2)
        target.go_on()
        await incident.result()
        ends = await how_calls_ended(engine, incident.handle.id)
    assert ends == ["cancelled"]
    assert percents(engine) == [0]
