"""The trace of an alert goes on into its incident."""

from __future__ import annotations

from typing import Any

from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from temporalio.client import (
    Interceptor,
    OutboundInterceptor,
    StartWorkflowInput,
    WorkflowHandle,
)
from temporalio.testing import WorkflowEnvironment

from adapters.stores.memory import MemoryOutbox
from tests.gateway.outboxed import pending
from tests.gateway.running import connect, gateway_over
from tests.gateway.world import a_member

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


TRACE_ID, SPAN_ID = 0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331


class Watching(Interceptor):
    """Sees in which trace workflows are started."""

    def __init__(self) -> None:
        self.traces: list[int] = []

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:  # noqa: A002  # the SDK's name
        return _WatchingOutbound(next, self.traces)


class _WatchingOutbound(OutboundInterceptor):
    def __init__(self, next: OutboundInterceptor, traces: list[int]) -> None:  # noqa: A002  # the SDK's name
        super().__init__(next)
        self._traces = traces

    async def start_workflow(self, input: StartWorkflowInput) -> WorkflowHandle[Any, Any]:  # noqa: A002  # as above
        self._traces.append(trace.get_current_span().get_span_context().trace_id)
        return await super().start_workflow(input)


async def test_the_trace_of_an_alert_goes_on_into_its_incident(engine: WorkflowEnvironment) -> None:
    watching = Watching()
    client = await connect(engine.client.service_client.config.target_host, watching)
    arriving = NonRecordingSpan(SpanContext(TRACE_ID, SPAN_ID, is_remote=True, trace_flags=TraceFlags(1)))
    outbox = MemoryOutbox()
    async with gateway_over(client, outbox) as gateway:
        with trace.use_span(arriving):
            await gateway.post_alerts(a_member(release="traced"))
        await gateway.delivered()
    (entry,) = outbox.entries.values()
    assert entry.traceparent.split("-")[1] == TRACE.split("-")[1]
    assert watching.traces == [TRACE_ID]


async def test_the_trace_of_an_alert_outlives_the_gateway(engine: WorkflowEnvironment) -> None:
    watching = Watching()
    client = await connect(engine.client.service_client.config.target_host, watching)
    outbox = MemoryOutbox()
    await outbox.put(entry=pending(1, "traced-later", traceparent=TRACE))
    async with gateway_over(client, outbox) as gateway:
        await gateway.delivered()
    assert watching.traces == [TRACE_ID]
