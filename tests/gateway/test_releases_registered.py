"""/releases: what is registered, against which baseline, and whether it is watched."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from temporalio.client import Client, WorkflowExecutionStatus

from adapters.stores.memory import MemoryRegistry
from backout.errors import NothingWatches
from backout.releases import BaselineRecord
from tests.gateway.registered import DIGEST, a_record, a_registration, kept, post, status_of
from tests.gateway.running import Gateway, connect, eventually, gateway_over


@pytest.fixture
def _look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a gateway look again soon: the engine's list may not show yet what it looks for."""
    monkeypatch.setattr("gateway.registering.EVERY_S", 0.1)


def a_baseline(release: str, day: int) -> BaselineRecord:
    at = datetime(2026, 1, day, tzinfo=UTC)
    return BaselineRecord(service="chat", release=release, by="ann", why="a quiet week", at=at)


async def test_a_registered_release_is_kept_and_watched(client: Client, gateway: Gateway) -> None:
    answer = await post(gateway, a_registration())
    assert answer.status_code == 201
    told = answer.json()
    assert (told["repeated"], told["watch"], told["why"]) == (False, "started", "")
    assert told["record"]["registration"]["artifacts"][0]["digest"] == DIGEST
    assert told["record"]["by"] == "pipeline"
    assert await status_of(client, "r2") is WorkflowExecutionStatus.RUNNING
    record = await gateway.releases.release(service="chat", release="r2")
    assert record
    assert record.registration.owner == "team chat"


async def test_the_same_registration_again_is_one_release_and_one_watch(gateway: Gateway) -> None:
    first = (await post(gateway, a_registration())).json()
    again = await post(gateway, a_registration())
    assert (again.status_code, again.json()["repeated"], again.json()["watch"]) == (200, True, "running")
    assert again.json()["record"] == first["record"]
    assert await kept(gateway) == 1


async def test_another_content_of_a_registered_release_is_refused(gateway: Gateway) -> None:
    await post(gateway, a_registration())
    answer = await post(gateway, a_registration(owner="somebody else"))
    assert answer.status_code == 409
    assert answer.json()["error"].startswith("Release r2 of chat is registered already, with another content")
    record = await gateway.releases.release(service="chat", release="r2")
    assert record
    assert record.registration.owner == "team chat"


async def test_the_service_s_newest_baseline_is_taken_where_none_is_told(alone: Gateway) -> None:
    await alone.releases.name_baseline(baseline=a_baseline("r0", 1))
    await alone.releases.name_baseline(baseline=a_baseline("r1", 2))
    told = (await post(alone, a_registration())).json()
    assert told["record"]["registration"]["baseline"] == "r1"
    named = (await post(alone, a_registration("r3", baseline="r0"))).json()
    assert named["record"]["registration"]["baseline"] == "r0"
    itself = (await post(alone, a_registration("r1"))).json()
    assert itself["record"]["registration"]["baseline"] == "r0"


async def test_a_repeat_keeps_the_baseline_of_its_day(alone: Gateway) -> None:
    await alone.releases.name_baseline(baseline=a_baseline("r0", 1))
    await post(alone, a_registration())
    await alone.releases.name_baseline(baseline=a_baseline("r1", 2))
    again = await post(alone, a_registration())
    assert again.status_code == 200
    assert again.json()["record"]["registration"]["baseline"] == "r0"


async def test_a_release_is_kept_while_the_engine_is_down_and_the_answer_says_so(alone: Gateway) -> None:
    answer = await post(alone, a_registration())
    assert (answer.status_code, answer.json()["watch"]) == (202, "pending")
    assert answer.json()["why"].startswith("The workflow engine did not answer")
    assert await kept(alone) == 1


@pytest.mark.usefixtures("_look_often")
async def test_watches_that_are_missing_are_started_by_the_next_gateway(client: Client) -> None:
    registry = MemoryRegistry()
    nowhere = await connect("127.0.0.1:9", lazy=True)
    async with gateway_over(nowhere, releases=registry) as down:
        await post(down, a_registration("r2"))
        await post(down, a_registration("never-out"))
        await post(down, {"why": "never went out"}, "/releases/chat/never-out/retire")
    async with gateway_over(client, releases=registry) as gateway:

        async def is_watched() -> bool:
            running = await gateway.watches.listing(limit=10)
            return [one.place.release for one in running] == ["r2"]

        await eventually(is_watched)
        with pytest.raises(NothingWatches):
            await gateway.watches.view(service="chat", release="never-out")


@pytest.mark.usefixtures("worker", "_look_often")
async def test_a_watch_of_a_retired_release_is_ended_by_the_next_gateway(client: Client) -> None:
    registry = MemoryRegistry()
    async with gateway_over(client, releases=registry) as gateway:
        await post(gateway, a_registration())
    await registry.retire(service="chat", release="r2", at=datetime.now(UTC), why="ann: replaced")
    async with gateway_over(client, releases=registry) as gateway:

        async def has_ended() -> bool:
            return await status_of(client, "r2") is WorkflowExecutionStatus.COMPLETED

        await eventually(has_ended)
        assert (await gateway.watches.view(service="chat", release="r2")).retired == "ann: replaced"


@pytest.mark.usefixtures("_look_often")
async def test_a_release_whose_playbook_is_gone_keeps_no_other_from_its_watch(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    registry = MemoryRegistry()
    await registry.register(record=a_record("r2"))
    await registry.register(record=a_record("r3", playbook="gone"))
    async with gateway_over(client, releases=registry) as gateway:

        async def is_watched() -> bool:
            return [one.place.release for one in await gateway.watches.listing(limit=10)] == ["r2"]

        await eventually(is_watched)
    assert "Watch of chat/r3: pending Unknown playbook 'gone'. Known: chat-agent." in caplog.text
