"""Since when a service is frozen: an incident that went on in a fresh history is as old as its first one."""

from __future__ import annotations

from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import Worker

from tests.gateway.frozen import opened
from tests.gateway.running import Gateway, eventually
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
