"""Run a scenario on a real engine, opened as the gateway opens incidents."""

from __future__ import annotations

from contextlib import nullcontext

from temporalio.client import WorkflowHistory
from temporalio.testing import WorkflowEnvironment

from adapters.memory import MemoryWorld
from backout.case import OpenIncident
from backout.model import digest_of
from backout.view import incident_id
from gateway.incidents import Incidents as Door
from tests.replay.scenarios import Scenario
from tests.workflows.engine import Engine, Incidents, alert
from workflows.incident import TASK_QUEUE, Incident


async def recorded(server: WorkflowEnvironment, name: str, scenario: Scenario) -> dict[str, WorkflowHistory]:
    """Play a scenario to its end; return the history of each of its workflows."""
    world = MemoryWorld(release=name)
    engine = Engine(server.client, world)
    engine.queue = TASK_QUEUE
    scenario.prepare(engine)
    with nullcontext() if scenario.silent else server.with_time_skipping_disabled():
        incident = incident_id(world.service, world.release)
        async with engine.worker():
            await _open(engine, scenario, incident)
            opened = Incidents(server.client.get_workflow_handle_for(Incident.run, incident))
            await scenario.play(engine, opened)
            assert (await opened.result()).outcome is scenario.outcome
    children = {f"revert-{number}": f"{incident}/revert/{number}" for number in _numbers(scenario)}
    workflows = {"incident": incident, **children}
    return {
        workflow: await server.client.get_workflow_handle(place).fetch_history()
        for workflow, place in workflows.items()
    }


def _numbers(scenario: Scenario) -> range:
    return range(1, scenario.reverts + 1)


async def _open(engine: Engine, scenario: Scenario, incident: str) -> None:
    opening = OpenIncident(
        incident=incident,
        service=engine.world.service,
        release=engine.world.release,
        playbook=scenario.playbook,
        digest=digest_of(scenario.playbook),
    )
    await Door(client=engine.client).open(opening=opening, alert=alert(scenario.alert))
