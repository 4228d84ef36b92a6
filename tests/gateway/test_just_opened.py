"""An incident that opens in the very moment in which something is asked of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
from temporalio.client import (
    Client,
    DescribeWorkflowInput,
    Interceptor,
    OutboundInterceptor,
    QueryWorkflowInput,
    SignalWorkflowInput,
    WorkflowExecutionDescription,
)
from temporalio.service import RPCError

from gateway.incidents import Incidents
from tests.gateway.running import connect
from tests.gateway.world import an_act, an_alert, an_opening

Answer = TypeVar("Answer")

Asks = Callable[[Incidents, str], Awaitable[object]]
ASKS: dict[str, Asks] = {
    "view": lambda incidents, incident: incidents.view(incident=incident),
    "act": lambda incidents, incident: incidents.act(incident=incident, act=an_act("t1")),
    "tell": lambda incidents, incident: incidents.tell(incident=incident, alert=an_alert(2)),
}


class OnceNotFound(Interceptor):
    """Lets something happen between the engine's 'not found' and whoever asked."""

    def __init__(self, meanwhile: Callable[[], Awaitable[object]]) -> None:
        self._meanwhile = meanwhile
        self.times = 0

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:  # noqa: A002  # the SDK's name
        """Look at what this client asks."""
        return _Looking(super().intercept_client(next), self)

    async def of(self, asked: Awaitable[Answer]) -> Answer:
        """Return the engine's answer."""
        try:
            return await asked
        except RPCError:
            self.times += 1
            if self.times == 1:
                await self._meanwhile()
            raise


class _Looking(OutboundInterceptor):
    def __init__(self, next: OutboundInterceptor, once: OnceNotFound) -> None:  # noqa: A002  # the SDK's name
        super().__init__(next)
        self._once = once

    async def query_workflow(self, input: QueryWorkflowInput) -> Any:  # noqa: A002, ANN401  # as the SDK has it
        return await self._once.of(super().query_workflow(input))

    async def describe_workflow(self, input: DescribeWorkflowInput) -> WorkflowExecutionDescription:  # noqa: A002
        return await self._once.of(super().describe_workflow(input))

    async def signal_workflow(self, input: SignalWorkflowInput) -> None:  # noqa: A002  # the SDK's name
        await self._once.of(super().signal_workflow(input))


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("ask", ASKS)
async def test_what_is_asked_in_the_moment_of_its_opening_reaches_it(client: Client, ask: str) -> None:
    opening = an_opening(f"opened-{ask}")
    moment = OnceNotFound(lambda: Incidents(client=client).open(opening=opening, alert=an_alert()))
    incidents = Incidents(client=await connect(client.service_client.config.target_host, moment))
    assert await ASKS[ask](incidents, opening.incident)
    assert moment.times == 1
