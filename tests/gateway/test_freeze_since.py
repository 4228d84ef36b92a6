"""Since when a service is frozen: an incident that went on in a fresh history is as old as its first one."""

from __future__ import annotations

import pytest
from temporalio import workflow
from temporalio.client import (
    Client,
    DescribeWorkflowInput,
    Interceptor,
    OutboundInterceptor,
    WorkflowExecutionDescription,
)
from temporalio.worker import Worker

from backout.errors import ServiceFrozen
from backout.freezing import FreezeQuestion
from gateway.freezing import Freeze
from gateway.incidents import Incidents
from tests.gateway.frozen import opened
from tests.gateway.registered import a_record
from tests.gateway.running import PATIENCE_S, Gateway, connect, eventually
from tests.gateway.world import PLAYBOOKS, SITE
from workflows.incident import TASK_QUEUE


@workflow.defn(name="Incident", sandboxed=False)
class LongIncident:
    """It does nothing but go on in a fresh history once."""

    @workflow.run
    async def run(self, opening: dict[str, object]) -> None:
        """Go on once."""
        if opening.pop("is_first", True):
            workflow.continue_as_new({**opening, "is_first": False})
        await workflow.wait_condition(lambda: False)

    @workflow.signal
    async def alert(self, _: dict[str, object]) -> None:
        """Be told of an alert."""


async def test_an_incident_in_its_second_history_froze_the_service_with_its_first(
    client: Client, gateway: Gateway
) -> None:
    incident = await opened(gateway)
    first = await client.get_workflow_handle(incident).describe()
    async with Worker(client, task_queue=TASK_QUEUE, workflows=[LongIncident]):

        async def is_second() -> bool:
            found = await gateway.incidents.listing(limit=10, open_only=True)
            return [one.run for one in found] not in ([], [first.run_id])

        await eventually(is_second)
        (line,) = await gateway.incidents.running(service="chat")
    assert line.run != first.run_id
    assert line.opened_at == first.start_time


class Described(Interceptor):
    """Counts the workflows that somebody asks about one by one."""

    def __init__(self) -> None:
        self.times = 0

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:  # noqa: A002  # the SDK's name
        """Count what this client asks."""
        return _Counting(super().intercept_client(next), self)


class _Counting(OutboundInterceptor):
    def __init__(self, next: OutboundInterceptor, described: Described) -> None:  # noqa: A002  # the SDK's name
        super().__init__(next)
        self._described = described

    async def describe_workflow(self, input: DescribeWorkflowInput) -> WorkflowExecutionDescription:  # noqa: A002  # the SDK's name
        self._described.times += 1
        return await super().describe_workflow(input)


async def test_only_an_answer_that_shows_since_when_asks_about_each_incident(
    client: Client, gateway: Gateway
) -> None:
    await opened(gateway)
    described = Described()
    counted = await connect(client.service_client.config.target_host, described)
    freeze = Freeze(
        incidents=Incidents(client=counted),
        quarantines=gateway.quarantines,
        registry=gateway.releases,
        playbooks=PLAYBOOKS,
        routes=SITE.routes,
    )
    with pytest.raises(ServiceFrozen, match="chat/r2"):
        await freeze.refuse_frozen(a_record("r3").registration, within_s=PATIENCE_S)
    assert described.times == 0
    assert (await freeze.ask(FreezeQuestion(service="chat"))).frozen
    assert described.times == 1
