"""What a test's clients started, so that the next test finds an empty engine."""

from __future__ import annotations

from contextlib import suppress

from temporalio.client import (
    Client,
    Interceptor,
    OutboundInterceptor,
    StartWorkflowInput,
    WorkflowHandle,
)
from temporalio.service import RPCError


class Started(Interceptor):
    """Keeps the ids of started workflows: the engine's own list shows them only a moment later."""

    def __init__(self) -> None:
        self.ids: set[str] = set()

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:  # noqa: A002  # the SDK's name
        """Write down what this client starts."""
        return _WritingDown(super().intercept_client(next), self)

    async def end_all(self, client: Client) -> set[str]:
        """Terminate whatever of it still runs; return the run of each that is in this engine."""
        runs = set()
        for one in [self.ids.pop() for _ in range(len(self.ids))]:
            handle = client.get_workflow_handle(one)
            with suppress(RPCError):  # it ended by itself
                await handle.terminate()
            with suppress(RPCError):  # it is not here
                runs.add((await handle.describe()).run_id)
        return runs


class _WritingDown(OutboundInterceptor):
    def __init__(self, next: OutboundInterceptor, started: Started) -> None:  # noqa: A002  # the SDK's name
        super().__init__(next)
        self._started = started

    async def start_workflow(self, input: StartWorkflowInput) -> WorkflowHandle[object, object]:  # noqa: A002  # the SDK's name
        self._started.ids.add(input.id)
        return await super().start_workflow(input)
