"""What is open stays this incident's: no lease is given back while a stage waits to be put back."""

from __future__ import annotations

from datetime import timedelta

from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from backout.people import Action
from backout.timeline_exposure import StagePutBack
from tests.workflows.playbooks import MANUAL, POSTMORTEM, playbook
from tests.workflows.release_sets import set_running
from tests.workflows.test_release_sets_stopped import stopped_in_the_middle


async def test_who_waits_for_another_incident_keeps_what_it_has_still_to_put_back(
    server: WorkflowEnvironment, waiting: Client
) -> None:
    async with set_running(waiting) as engine:
        incident = await stopped_in_the_middle(engine, mixed_for="10m", soak="20m")
        other = await engine.engine.open(playbook(MANUAL, POSTMORTEM))
        held = engine.world.leases.held
        held["alias", "chat"] = other.handle.id  # by an emergency
        await incident.act("bob", Action.RESUME)
        await incident.until(lambda view: view.held.startswith("alias is being changed by incident"))
        assert await incident.events(StagePutBack) == []
        assert engine.world.leases.held["exposure", "chat"] == incident.handle.id
        await server.fast_forward(incident.handle, timedelta(minutes=10))
        await incident.until(lambda view: any(isinstance(event, StagePutBack) for event in view.timeline))
        await incident.act("bob", Action.ABORT, reason="by hand")
        await incident.result()
        await other.end()
    assert engine.world.leases.held == {("alias", "chat"): other.handle.id}
    assert engine.percents == {"exposure": [50, 100]}
