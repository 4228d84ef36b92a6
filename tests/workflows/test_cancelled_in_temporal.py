"""A cancel in Temporal is a hold, wherever it comes: an operator of the engine ends no incident."""

from __future__ import annotations

from datetime import timedelta

from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client

from adapters.memory import MemoryWorld
from backout.people import Action
from backout.timeline import Held
from tests.workflows.engine import Engine, Incidents
from tests.workflows.playbooks import CHECK, DETECT, ESCALATE, playbook
from tests.workflows.test_ladders import policy

WAIT = timedelta(seconds=10)
UNANSWERED = policy({"page": ["on_call"], "wait": "10s"}, unanswered="hold")
"""It ends beside the steps, and holds whatever is under way then."""


def ladder_waits(event: HistoryEvent) -> bool:
    return event.timer_started_event_attributes.start_to_fire_timeout.ToTimedelta() == WAIT


async def held_in_the_last_moment(engine: Engine) -> Incidents:
    """Let a ladder end in the moment in which the last step does: no workflow task comes in between."""
    engine.world.check.pause()
    async with engine.worker(activities=[]):
        incident = await engine.open(playbook(DETECT, ESCALATE, CHECK, escalation=UNANSWERED))
        await engine.world.check.reached(1)
        await incident.recorded(ladder_waits)
    (begun,) = [event for event in (await incident.handle.fetch_history()).events if ladder_waits(event)]
    seen = (await incident.handle.describe()).history_length
    engine.world.check.go_on()
    await incident.recorded(
        lambda event: event.event_id > seen and event.HasField("activity_task_completed_event_attributes"),
    )
    await incident.recorded(
        lambda event: event.timer_fired_event_attributes.started_event_id == begun.event_id
    )
    return incident


async def test_it_is_one_also_in_a_hold_behind_the_last_step(waiting: Client) -> None:
    engine = Engine(waiting, MemoryWorld())
    async with engine.worker(workflows=[]):
        incident = await held_in_the_last_moment(engine)
        async with engine.worker(activities=[]):
            await incident.asked(Action.RESUME)
            await incident.handle.cancel()
            held = await incident.until(lambda view: sum(isinstance(e, Held) for e in view.timeline) == 2)
            await incident.act("bob", Action.RESUME)
            summary = await incident.result()
    assert [event.by for event in held.timeline if isinstance(event, Held)] == [
        "the escalation policy",
        "an operator",
    ]
    assert summary.outcome.value == "unverified"
