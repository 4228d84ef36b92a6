"""What a delivered alert's incident is opened with: what the registry knows of its release."""

from __future__ import annotations

import pytest
from temporalio.client import (
    Client,
)
from temporalio.contrib.pydantic import pydantic_data_converter

from adapters.stores.memory import MemoryOutbox, MemoryRegistry
from backout.case import OpenIncident
from backout.releases import BaselineRecord
from tests.gateway.outboxed import pending
from tests.gateway.registered import RECORD
from tests.gateway.running import gateway_over
from tests.gateway.world import NINE, a_member


async def opening_of(client: Client, release: str) -> OpenIncident:
    """Return what an incident was opened with."""
    history = await client.get_workflow_handle(f"incident/chat/{release}").fetch_history()
    payloads = history.events[0].workflow_execution_started_event_attributes.input.payloads
    (opening,) = await pydantic_data_converter.decode(payloads, [OpenIncident])
    assert isinstance(opening, OpenIncident)
    return opening


def a_baseline(release: str) -> BaselineRecord:
    return BaselineRecord(service="chat", release=release, by="ann", why="a quiet week", at=NINE)


async def test_an_incident_knows_what_the_registry_knows_of_its_release(client: Client) -> None:
    registry = MemoryRegistry()
    await registry.register(record=RECORD)
    async with gateway_over(client, releases=registry) as gateway:
        await gateway.post_alerts(a_member(release="r2"))
        await gateway.delivered()
    opening = await opening_of(client, "r2")
    assert (opening.baseline, opening.artifacts) == ("r1", RECORD.registration.artifacts)
    assert opening.shipped_by == "team chat"


async def test_an_incident_on_an_unregistered_release_knows_the_service_s_baseline(client: Client) -> None:
    registry = MemoryRegistry()
    await registry.name_baseline(baseline=a_baseline("r1"))
    await registry.name_baseline(baseline=a_baseline("r8"))
    async with gateway_over(client, releases=registry) as gateway:
        await gateway.post_alerts(a_member(1, release="r7"), a_member(2, release="r8"))
        await gateway.delivered()
    assert (await opening_of(client, "r7")).baseline == "r8"
    assert (await opening_of(client, "r8")).baseline == "r1"
    assert (await opening_of(client, "r7")).artifacts == ()
    assert (await opening_of(client, "r7")).shipped_by == ""


@pytest.mark.parametrize("fault", ["it is unreachable", "it does not answer"])
async def test_an_incident_does_not_wait_for_a_registry_that_fails(
    client: Client, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setattr("gateway.delivery.LOOK_UP_S", 0.05)
    registry = MemoryRegistry()
    await registry.register(record=RECORD)
    async with gateway_over(client, releases=registry) as gateway:
        if fault == "it is unreachable":
            registry.unreachable = True
        else:
            registry.pause()
        await gateway.post_alerts(a_member(release="r2"))
        await gateway.delivered()
    assert (await opening_of(client, "r2")).baseline == ""
    assert "The registry does not tell of chat/r2: " in caplog.text


async def test_a_registry_that_hangs_is_asked_once_for_all_alerts_of_a_release(
    client: Client, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.delivery.LOOK_UP_S", 0.05)
    registry, outbox = MemoryRegistry(), MemoryOutbox()
    for number in range(5):
        await outbox.put(entry=pending(number, "hanging"))
    registry.pause()
    async with gateway_over(client, outbox, releases=registry) as gateway:
        await gateway.delivered()
    assert caplog.text.count("The registry does not tell of chat/hanging: ") == 1
