"""Who is hit is known before people decide, and an incident goes on where it cannot be seen."""

from __future__ import annotations

from temporalio.client import Client

from adapters.memory import MemoryWorld
from backout.people import Action
from backout.timeline_exposure import ExposureSet
from tests.workflows.engine import running
from tests.workflows.playbooks import DETECT, ESCALATE, POSTMORTEM, REVERT, playbook, rules

ASKING = rules("approve", approve_by=["commander"])


async def test_the_exposure_is_known_while_people_are_asked(waiting: Client) -> None:
    async with running(waiting, MemoryWorld(exposure=60)) as engine:
        incident = await engine.open(playbook(DETECT, ESCALATE, REVERT, rules=ASKING))
        view = await incident.until(lambda view: view.summary.exposure is not None)
        assert view.summary.exposure == 60
        assert not [event for event in view.timeline if isinstance(event, ExposureSet)]


async def test_a_target_that_cannot_be_seen_stops_nothing(waiting: Client) -> None:
    async with running(waiting) as engine:
        engine.world.target.refuses = "no such release"
        incident = await engine.open(playbook(DETECT, ESCALATE, REVERT, POSTMORTEM, rules=ASKING))
        await engine.world.target.reached(1)
        await incident.asked(Action.ACKNOWLEDGE)
        await incident.act("alice", Action.ACKNOWLEDGE)
        assert (await incident.asked(Action.APPROVE)).summary.exposure is None


async def test_without_a_step_that_reverts_nothing_is_read(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await engine.open(playbook(DETECT, POSTMORTEM))
        assert (await incident.result()).exposure is None
    assert engine.world.target.arrivals == 0
