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
from tests.workflows.rolled import begin
from workflows.incident import TASK_QUEUE, Incident
from workflows.options import WORKFLOW_TASK


async def recorded(server: WorkflowEnvironment, name: str, scenario: Scenario) -> dict[str, WorkflowHistory]:
    """Play a scenario to its end; return the history of each of its workflows."""
    async with place_for(scenario.long_after, server) as environment:
        engine = Engine(
            environment.client, MemoryWorld(release=name, exposure=0 if scenario.goes_up else 100)
        )
        engine.queue = TASK_QUEUE
        if prepared := scenario.prepare(engine):
            await prepared
        with nullcontext() if scenario.silent else environment.with_time_skipping_disabled():
            async with engine.worker():
                opened = await (_begin if scenario.goes_up else _open)(engine, scenario)
                await scenario.play(engine, opened)
                assert (await opened.result()).outcome is scenario.outcome
        runs = await runs_of(engine.client, opened.handle.id)
        step = "rollout" if scenario.goes_up else "revert"
        for number in scenario.reverts:
            runs += await runs_of(engine.client, f"{opened.handle.id}/{step}/{number}")
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


async def _begin(engine: Engine, scenario: Scenario) -> Incidents:
    return await begin(engine, scenario.playbook)


async def _open(engine: Engine, scenario: Scenario) -> Incidents:
    incident = incident_id(engine.world.service, engine.world.release)
    opening = OpenIncident(
        incident=incident,
        service=engine.world.service,
        release=engine.world.release,
        playbook=scenario.playbook,
        digest=digest_of(scenario.playbook),
        found=Observation(evaluation=scenario.found, ticks=99) if scenario.found else None,
        baseline=scenario.baseline,
    )
    if scenario.found:
        await engine.client.start_workflow(
            Incident.run, opening, id=incident, task_queue=TASK_QUEUE, task_timeout=WORKFLOW_TASK
        )
    else:
        await Door(client=engine.client).open(opening=opening, alert=alert(scenario.alert))
    return Incidents(engine.client.get_workflow_handle_for(Incident.run, incident))
