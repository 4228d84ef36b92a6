"""Run a scenario on a real engine, opened as the gateway opens incidents."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

from temporalio.client import Client, WorkflowHistory
from temporalio.testing import WorkflowEnvironment

from adapters.memory import MemoryWorld
from backout.case import OpenIncident
from backout.model import digest_of
from backout.requests import Observation
from backout.view import incident_id
from gateway.incidents import Incidents as Door
from tests.replay.scenarios import Scenario
from tests.workflows.conftest import started
from tests.workflows.engine import Engine, Incidents, alert
from workflows.incident import TASK_QUEUE, Incident
from workflows.options import WORKFLOW_TASK


async def recorded(server: WorkflowEnvironment, name: str, scenario: Scenario) -> dict[str, WorkflowHistory]:
    """Play a scenario to its end; return the history of each of its workflows."""
    async with place_for(scenario.long_after, server) as environment:
        world = MemoryWorld(release=name)
        engine = Engine(environment.client, world)
        engine.queue = TASK_QUEUE
        scenario.prepare(engine)
        with nullcontext() if scenario.silent else environment.with_time_skipping_disabled():
            incident = incident_id(world.service, world.release)
            async with engine.worker():
                await _open(engine, scenario, incident)
                opened = Incidents(engine.client.get_workflow_handle_for(Incident.run, incident))
                await scenario.play(engine, opened)
                assert (await opened.result()).outcome is scenario.outcome
        runs = await runs_of(engine.client, incident)
        for number in scenario.reverts:
            runs += await runs_of(engine.client, f"{incident}/revert/{number}")
    return dict(zip(scenario.workflows, runs, strict=True))


@asynccontextmanager
async def place_for(
    long_after: int | None, server: WorkflowEnvironment
) -> AsyncIterator[WorkflowEnvironment]:
    """Yield the server, or one of its own where a history is to be long after so many events."""
    if long_after is None:
        yield server
        return
    async with started({"limit.historyCount.suggestContinueAsNew": str(long_after)}) as another:
        yield another


async def runs_of(client: Client, workflow: str) -> list[WorkflowHistory]:
    """Return the histories of a workflow, the newest last."""
    newest = await client.get_workflow_handle(workflow).fetch_history()
    first = newest.events[0].workflow_execution_started_event_attributes
    if first.continued_execution_run_id:
        before = client.get_workflow_handle(workflow, run_id=first.continued_execution_run_id)
        return [await before.fetch_history(), newest]
    return [newest]


async def _open(engine: Engine, scenario: Scenario, incident: str) -> None:
    opening = OpenIncident(
        incident=incident,
        service=engine.world.service,
        release=engine.world.release,
        playbook=scenario.playbook,
        digest=digest_of(scenario.playbook),
        found=Observation(evaluation=scenario.found, ticks=99) if scenario.found else None,
    )
    if scenario.found:
        await engine.client.start_workflow(
            Incident.run, opening, id=incident, task_queue=TASK_QUEUE, task_timeout=WORKFLOW_TASK
        )
        return
    await Door(client=engine.client).open(opening=opening, alert=alert(scenario.alert))
