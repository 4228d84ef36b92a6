"""What was answered 202 reaches its incident, whatever happens in between."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from temporalio.client import (
    Client,
    Interceptor,
    OutboundInterceptor,
    StartWorkflowInput,
    WorkflowExecutionStatus,
    WorkflowHandle,
)
from temporalio.testing import WorkflowEnvironment

from adapters.stores.memory import MemoryOutbox
from adapters.stores.outbox import SqliteOutbox
from backout.outbox import OutboxEntry
from backout.timeline import AlertReceived
from tests.gateway.running import Gateway, connect, eventually, gateway_over, start_engine
from tests.gateway.world import NINE, a_member, an_alert

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACE_ID, SPAN_ID = 0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331


def pending(number: int, release: str, *, playbook: str = "chat-agent", traceparent: str = "") -> OutboxEntry:
    return OutboxEntry(
        key=f"k{number}",
        received_at=NINE,
        source="alertmanager",
        alert=an_alert(number),
        playbook=playbook,
        service="chat",
        release=release,
        traceparent=traceparent,
    )


async def status_of(client: Client, incident: str) -> WorkflowExecutionStatus | None:
    return (await client.get_workflow_handle(incident).describe()).status


async def test_alerts_accepted_while_the_engine_is_down_are_delivered_when_it_is_back() -> None:
    engine = await start_engine()
    address = engine.client.service_client.config.target_host
    client = await connect(address)
    await client.service_client.check_health()
    await engine.shutdown()
    async with gateway_over(client) as gateway:
        assert (await gateway.http.get("/healthz")).status_code == 503
        for number in range(3):
            assert (await gateway.post_alerts(a_member(number, release="late"))).status_code == 202
        assert await gateway.outbox.depth() == 3
        async with await start_engine(port=int(address.rpartition(":")[2])):
            await gateway.delivered()
            assert await status_of(client, "incident/chat/late") is WorkflowExecutionStatus.RUNNING
            assert gateway.counted("backout_deliveries_total", result="delivered") == 3


async def test_an_accepted_alert_survives_the_end_of_the_gateway(client: Client, tmp_path: Path) -> None:
    nowhere = await connect("127.0.0.1:9", lazy=True)
    before = SqliteOutbox(str(tmp_path / "outbox.db"))
    async with gateway_over(nowhere, before) as gateway:
        assert (await gateway.post_alerts(a_member(release="kept"))).status_code == 202
    await before.aclose()
    after = SqliteOutbox(str(tmp_path / "outbox.db"))
    async with gateway_over(client, after) as gateway:
        await gateway.delivered()
        assert await status_of(client, "incident/chat/kept") is WorkflowExecutionStatus.RUNNING
        answer = await gateway.post_alerts(a_member(release="kept"))
        assert answer.json()["accepted"][0]["repeated"]
        assert await after.depth() == 0
    await after.aclose()


async def test_the_alerts_of_an_incident_arrive_in_their_order(gateway: Gateway, worker: None) -> None:
    del worker
    numbers = [7, 3, 9, 1, 5]
    for number in numbers:
        await gateway.post_alerts(a_member(number, release="order"))
    await gateway.delivered()
    timeline = (await gateway.incidents.view(incident="incident/chat/order")).timeline
    received = [event.alert.fingerprint for event in timeline if isinstance(event, AlertReceived)]
    assert received == [f"f{number}" for number in numbers]


async def test_an_alert_that_cannot_be_delivered_stays_and_holds_up_only_its_own_incident(
    client: Client,
) -> None:
    outbox = MemoryOutbox()
    await outbox.put(entry=pending(1, "stuck", playbook="gone"))
    await outbox.put(entry=pending(2, "stuck"))
    await outbox.put(entry=pending(3, "free"))
    async with gateway_over(client, outbox) as gateway:

        async def only_the_stuck_are_left() -> bool:
            return await outbox.depth() == 2

        await eventually(only_the_stuck_are_left)
        await gateway.post_alerts(a_member(4, release="later"))
        await eventually(only_the_stuck_are_left)
    first, second = await outbox.pending(limit=10)
    assert (first.key, second.key) == ("k1", "k2")
    assert first.why == "Unknown playbook 'gone'. Known: chat-agent."
    assert first.attempts >= 1
    assert second.attempts == 0
    for release in ("free", "later"):
        assert await status_of(client, f"incident/chat/{release}") is WorkflowExecutionStatus.RUNNING


@pytest.mark.parametrize(
    "nonsense",
    [{"alert": None}, {"service": "no service"}],
    ids=["no alert", "a fault while it is delivered"],
)
async def test_an_entry_that_makes_no_sense_does_not_stop_the_others(
    client: Client, caplog: pytest.LogCaptureFixture, nonsense: dict[str, object]
) -> None:
    outbox = MemoryOutbox()
    await outbox.put(entry=pending(1, "odd").model_copy(update=nonsense))
    await outbox.put(entry=pending(2, "even"))
    async with gateway_over(client, outbox):

        async def only_the_odd_one_is_left() -> bool:
            return await outbox.depth() == 1 and "in the outbox" in caplog.text

        await eventually(only_the_odd_one_is_left)
    assert [entry.key for entry in await outbox.pending(limit=10)] == ["k1"]


async def test_delivery_goes_on_after_the_outbox_was_out_of_order(client: Client) -> None:
    outbox = MemoryOutbox()
    await outbox.put(entry=pending(1, "again"))
    outbox.fail_times = 1
    async with gateway_over(client, outbox) as gateway:
        await eventually(lambda: gateway_is_through(outbox))
        assert await status_of(client, "incident/chat/again") is WorkflowExecutionStatus.RUNNING
        assert gateway.counted("backout_deliveries_total", result="delivered") == 1


async def gateway_is_through(outbox: MemoryOutbox) -> bool:
    return outbox.fail_times == 0 and await outbox.depth() == 0


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
