"""What was answered 202 reaches its incident, whatever happens in between."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
)
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from adapters.stores.memory import MemoryOutbox, MemoryRegistry
from adapters.stores.outbox import SqliteOutbox
from backout.errors import EngineNotSetUp
from backout.timeline import AlertReceived
from cli.engine import find_binary
from gateway.delivery import Delivery
from gateway.incidents import Incidents
from gateway.metrics import Metrics
from tests.gateway.outboxed import pending, status_of
from tests.gateway.running import PATIENCE_S, Gateway, connect, eventually, gateway_over, start_engine
from tests.gateway.world import PLAYBOOKS, a_member, an_alert, an_opening
from tests.ports import kept_port


@pytest.fixture
def port() -> Iterator[int]:
    """Keep a port for an engine, also while it is down: nobody else is to answer there."""
    with kept_port() as port:
        yield port


async def test_alerts_accepted_while_the_engine_is_down_are_delivered_when_it_is_back(port: int) -> None:
    engine = await start_engine(port)
    client = await connect(engine.client.service_client.config.target_host)
    await client.service_client.check_health()
    await engine.shutdown()
    async with gateway_over(client) as gateway:
        assert (await gateway.http.get("/healthz")).status_code == 503
        for number in range(3):
            assert (await gateway.post_alerts(a_member(number, release="late"))).status_code == 202
        assert await gateway.outbox.depth() == 3
        async with await start_engine(port):
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


@pytest.mark.parametrize(
    ("nonsense", "why"),
    [
        ({"playbook": "gone"}, "Unknown playbook 'gone'. Known: chat-agent."),
        ({"alert": None}, "outbox entry k1: it has no alert"),
        ({"release": "r" * 2000}, "The workflow engine refused: "),
    ],
    ids=["a playbook that is gone", "no alert", "a request that the engine refuses"],
)
async def test_what_can_never_be_delivered_is_a_dead_letter_with_the_reason(
    client: Client, caplog: pytest.LogCaptureFixture, nonsense: dict[str, object], why: str
) -> None:
    outbox = MemoryOutbox()
    await outbox.put(entry=pending(1, "odd").model_copy(update=nonsense))
    await outbox.put(entry=pending(2, "odd"))
    async with gateway_over(client, outbox) as gateway:
        await gateway.delivered()
        assert gateway.counted("backout_deliveries_total", result="refused") == 1
        assert gateway.counted("backout_deliveries_total", result="delivered") == 1
    (letter,) = await outbox.dead(limit=10)
    assert letter.key == "k1"
    assert letter.why.startswith(why)
    assert f"Alert k1 is a dead letter now: {why}" in caplog.text
    assert await status_of(client, "incident/chat/odd") is WorkflowExecutionStatus.RUNNING


async def test_no_number_of_undeliverable_alerts_keeps_the_others_from_their_way(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.delivery.BATCH", 3)
    outbox = MemoryOutbox()
    for number in range(9):
        await outbox.put(entry=pending(number, f"odd{number}", playbook="gone"))
    await outbox.put(entry=pending(9, "free"))
    async with gateway_over(client, outbox) as gateway:
        await gateway.delivered()
    assert len(await outbox.dead(limit=10)) == 9
    assert await status_of(client, "incident/chat/free") is WorkflowExecutionStatus.RUNNING


async def test_a_fault_of_ours_keeps_the_alert_and_holds_up_only_its_own_incident(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = MemoryOutbox()
    await outbox.put(entry=pending(1, "stuck").model_copy(update={"service": "no service"}))
    await outbox.put(entry=pending(2, "stuck").model_copy(update={"service": "no service"}))
    await outbox.put(entry=pending(3, "free"))
    async with gateway_over(client, outbox) as gateway:

        async def only_the_stuck_are_left() -> bool:
            return await outbox.depth() == 2 and "in the outbox" in caplog.text

        await eventually(only_the_stuck_are_left)
        await gateway.post_alerts(a_member(4, release="later"))
        await eventually(only_the_stuck_are_left)
    assert [entry.key for entry in await outbox.pending(limit=10)] == ["k1", "k2"]
    for release in ("free", "later"):
        assert await status_of(client, f"incident/chat/{release}") is WorkflowExecutionStatus.RUNNING


@pytest.mark.parametrize("status", ["firing", "resolved"])
async def test_an_alert_waits_for_a_namespace_that_is_not_set_up(client: Client, status: str) -> None:
    address = client.service_client.config.target_host
    elsewhere = await Client.connect(address, namespace="nowhere", data_converter=pydantic_data_converter)
    await Incidents(client=client).open(opening=an_opening("waits"), alert=an_alert())
    outbox = MemoryOutbox()
    await outbox.put(entry=pending(1, "waits").model_copy(update={"alert": an_alert(status=status)}))
    async with gateway_over(elsewhere, outbox):

        async def has_failed() -> bool:
            (entry,) = await outbox.pending(limit=10)
            return entry.attempts > 0

        await eventually(has_failed)
    assert outbox.entries["k1"].why.startswith("Temporal takes no incident from here: Namespace nowhere")
    async with gateway_over(client, outbox) as gateway:
        await gateway.delivered()
        assert gateway.counted("backout_deliveries_total", result="delivered") == 1
    assert await status_of(client, "incident/chat/waits") is WorkflowExecutionStatus.RUNNING


async def test_an_alert_waits_for_the_search_attributes_of_its_namespace() -> None:
    bare = await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(find_binary()),
        dev_server_log_level="error",
        data_converter=pydantic_data_converter,
    )
    async with bare:
        with pytest.raises(EngineNotSetUp, match="search attribute"):
            await Incidents(client=bare.client).open(opening=an_opening(), alert=an_alert())


async def test_what_another_process_puts_back_is_delivered_unasked(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.delivery.IDLE_S", 0.01)
    outbox = MemoryOutbox()
    async with gateway_over(client, outbox) as gateway:
        await gateway.post_alerts(a_member(1, release="first"))
        await gateway.delivered()
        await outbox.put(entry=pending(2, "second"))
        await gateway.delivered()
    assert await status_of(client, "incident/chat/second") is WorkflowExecutionStatus.RUNNING


async def test_a_gateway_that_is_stopped_in_the_moment_of_an_alert_stops(client: Client) -> None:
    delivery = Delivery(
        outbox=MemoryOutbox(),
        incidents=Incidents(client=client),
        playbooks=PLAYBOOKS,
        registry=MemoryRegistry(),
        metrics=Metrics(CollectorRegistry()),
    )
    task = asyncio.create_task(delivery.run())
    await asyncio.sleep(0.05)  # It has seen that there is nothing, and waits.
    delivery.wake()
    task.cancel()
    _, running = await asyncio.wait([task], timeout=PATIENCE_S)
    assert not running


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
