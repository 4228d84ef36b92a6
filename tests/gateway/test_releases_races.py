"""/releases: two gateways at once, a playbook that is gone, and a watch that never ran."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from functools import partial

import pytest
from temporalio.client import Client

from adapters.stores.memory import MemoryRegistry
from backout.model import digest_of
from gateway.watches import Watches
from tests.gateway.registered import a_record, a_registration, post
from tests.gateway.running import Gateway, eventually, gateway_over
from tests.gateway.world import PIPELINE_TOKEN, PLAYBOOK


async def shown(gateway: Gateway, release: str) -> dict[str, dict[str, str]]:
    headers = {"Authorization": f"Bearer {PIPELINE_TOKEN}"}
    answer = await gateway.http.get(f"/releases/chat/{release}", headers=headers)
    return answer.json()  # type: ignore[no-any-return]  # the tests look into it


async def _is_logged(caplog: pytest.LogCaptureFixture) -> bool:
    return "Watch of chat/r3: pending Playbook 'gone' is not here any more" in caplog.text


async def test_a_release_that_two_gateways_register_at_once_is_one_release_with_one_watch(
    client: Client,
) -> None:
    registry = MemoryRegistry()
    async with (
        gateway_over(client, releases=registry) as one,
        gateway_over(client, releases=registry) as other,
    ):
        answers = await asyncio.gather(*(post(gateway, a_registration()) for gateway in (one, other)))

        async def listed() -> list[str]:
            return [line.place.release for line in await one.watches.listing(limit=10)]

        assert await eventually(listed) == ["r2"]
    assert sorted(answer.status_code for answer in answers) == [200, 201]
    assert sorted(answer.json()["watch"] for answer in answers) == ["running", "started"]
    assert answers[0].json()["record"] == answers[1].json()["record"]


@pytest.mark.usefixtures("worker")
async def test_a_watch_whose_playbook_is_gone_goes_on_by_its_snapshot_and_says_so(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    registry, record = MemoryRegistry(), a_record("r3", playbook="gone")
    await Watches(client=client).start(record=record, playbook=PLAYBOOK, digest=digest_of(PLAYBOOK))

    async def is_listed() -> bool:
        return bool(await Watches(client=client).listing(limit=10))

    await eventually(is_listed)
    await registry.register(record=record)
    async with gateway_over(client, releases=registry) as gateway:
        await eventually(partial(_is_logged, caplog))
        running = (await shown(gateway, "r3"))["watch"]
        await post(gateway, {"why": "replaced"}, "/releases/chat/r3/retire")
        retired = (await shown(gateway, "r3"))["watch"]
    said = "Playbook 'gone' is not here any more; a watch that runs goes on by the snapshot that it has."
    assert said in running["trouble"]
    assert retired["state"] == "retired"
    assert said not in retired["trouble"]


async def test_a_release_whose_playbook_is_gone_and_that_nothing_watches_says_why(gateway: Gateway) -> None:
    await gateway.releases.register(record=a_record("r4", playbook="gone"))
    why = str((await shown(gateway, "r4"))["why"])
    assert why.startswith("Nothing watches release r4 of chat.")
    assert "Playbook 'gone' is not here any more" in why


async def test_a_retired_release_that_nothing_watches_may_be_retired_again(
    gateway: Gateway,
) -> None:
    await gateway.releases.register(record=a_record())
    await gateway.releases.retire(service="chat", release="r2", at=datetime.now(UTC), why="ann: replaced")
    answer = await post(gateway, {"why": "again"}, "/releases/chat/r2/retire")
    assert (answer.status_code, answer.json()["repeated"], answer.json()["watch"]) == (200, True, "ended")
    assert await gateway.watches.listing(limit=10) == ()
