"""The engine's list is late: an incident that goes on in a fresh history in this moment is open, and one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import (
    Client,
    Interceptor,
    ListWorkflowsInput,
    OutboundInterceptor,
    WorkflowExecution,
    WorkflowExecutionDescription,
)
from temporalio.worker import Worker

from backout.addressing import ListedIncident
from gateway.incidents import Incidents
from gateway.showing import told_apart
from tests.gateway.running import connect, eventually
from tests.gateway.test_addressing import one
from tests.gateway.test_freeze_since import LongIncident
from tests.gateway.world import NINE, an_alert, an_opening
from workflows.incident import TASK_QUEUE

INCIDENT = "incident/chat/r2"


@dataclass
class LateList(Interceptor):
    """A list that does not show some runs yet, and still shows others as they were."""

    hides: set[str] = field(default_factory=set)
    still: list[WorkflowExecution] = field(default_factory=list)

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:  # noqa: A002  # the SDK's name
        """Look at what this client asks."""
        return _Late(super().intercept_client(next), self)


class _Late(OutboundInterceptor):
    def __init__(self, next: OutboundInterceptor, late: LateList) -> None:  # noqa: A002  # the SDK's name
        super().__init__(next)
        self._late = late

    def list_workflows(self, input: ListWorkflowsInput) -> Any:  # noqa: A002, ANN401  # as the SDK has it
        return self._shown(super().list_workflows(input))

    async def _shown(self, runs: AsyncIterator[WorkflowExecution]) -> AsyncIterator[WorkflowExecution]:
        before = {run.run_id: run for run in self._late.still}
        async for run in runs:
            if run.run_id not in self._late.hides:
                yield before.pop(run.run_id, run)
        for run in before.values():
            yield run


@dataclass(frozen=True)
class GoneOn:
    """An incident in its second history, and a client whose list may be late."""

    incidents: Incidents
    late: LateList
    first: WorkflowExecution
    """Its first history, as the list showed it."""
    second: WorkflowExecutionDescription


@asynccontextmanager
async def gone_on(client: Client) -> AsyncIterator[GoneOn]:
    late = LateList()
    incidents = Incidents(client=await connect(client.service_client.config.target_host, late))
    await incidents.open(opening=an_opening(), alert=an_alert())

    async def listed(status: str) -> Mapping[str, WorkflowExecution]:
        return {run.run_id: run async for run in client.list_workflows(f"ExecutionStatus = '{status}'")}

    (first,) = (await eventually(lambda: listed("Running"))).values()
    async with Worker(client, task_queue=TASK_QUEUE, workflows=[LongIncident]):
        await eventually(lambda: listed("ContinuedAsNew"))

        async def second() -> WorkflowExecution | None:
            return next((run for run in (await listed("Running")).values() if run != first), None)

        await eventually(second)
        yield GoneOn(incidents, late, first, await client.get_workflow_handle(INCIDENT).describe())


@pytest.mark.parametrize("open_only", [True, False], ids=["the open ones", "all of them"])
async def test_an_incident_whose_fresh_history_is_not_listed_yet_is_open(
    client: Client, *, open_only: bool
) -> None:
    async with gone_on(client) as moment:
        moment.late.hides = {moment.second.run_id}
        assert await moment.incidents.running_ids(service="chat") == (INCIDENT,)
        line, *_ = await moment.incidents.listing(limit=10, open_only=open_only)
        assert (line.incident, line.run, line.status) == (INCIDENT, moment.second.run_id, "running")
        assert await moment.incidents.resolve(text="") == INCIDENT
        (told,) = await moment.incidents.running(service="chat")
        assert told.opened_at == moment.first.start_time


async def test_one_that_went_on_and_is_over_is_not_open(client: Client) -> None:
    async with gone_on(client) as moment:
        await client.get_workflow_handle(INCIDENT).terminate()
        moment.late.hides = {moment.second.run_id}
        assert await moment.incidents.running_ids(service="chat") == ()
        assert await moment.incidents.listing(limit=10, open_only=True) == ()


async def test_an_incident_of_which_both_histories_are_listed_is_one(client: Client) -> None:
    async with gone_on(client) as moment:
        moment.late.still = [moment.first]
        assert await moment.incidents.running_ids(service="chat") == (INCIDENT,)
        (line,) = await moment.incidents.listing(limit=10, open_only=True)
        assert line.run == moment.second.run_id
        (told,) = await moment.incidents.running(service="chat")
        assert told.opened_at == moment.first.start_time


def a_run(run: str, status: str, minutes: int = 0, *, short: str = "chat/r2") -> ListedIncident:
    at = NINE + timedelta(minutes=minutes)
    return one(short).model_copy(update={"run": run, "status": status, "opened_at": at})


def test_earlier_incidents_of_a_release_keep_their_lines() -> None:
    lines = (a_run("c", "running", 9), a_run("b", "completed", 5), a_run("a", "terminated"))
    assert told_apart(lines) == (lines, ())


def test_what_went_on_is_looked_at_only_where_none_of_its_histories_runs() -> None:
    runs, elsewhere = a_run("b", "running", 9), a_run("x", "continued_as_new", short="chat/r3")
    lines = (runs, a_run("a", "continued_as_new"), elsewhere, a_run("w", "continued_as_new", short="chat/r3"))
    assert told_apart(lines) == ((runs,), (elsewhere.incident,))
