"""GET /freeze: what pipelines are told before they deploy."""

from __future__ import annotations

import httpx
import pytest
from temporalio.client import Client

from backout.site import Route
from tests.gateway.frozen import OTHER, a_quarantine, ended, opened
from tests.gateway.registered import DIGEST, a_record, get
from tests.gateway.running import SECRETS, Gateway, connect, gateway_over
from tests.gateway.world import PIPELINE_TOKEN, SITE, TOKEN


def free(service: str = "chat") -> dict[str, object]:
    return {"frozen": False, "service": service, "because": []}


def fits(answer: httpx.Response, status: int) -> bool:
    return (answer.status_code, answer.headers["cache-control"]) == (status, "no-store")


@pytest.mark.parametrize("token", ["", "wrong", TOKEN, f"{PIPELINE_TOKEN}x"])
async def test_without_the_token_nobody_is_told_anything(alone: Gateway, token: str) -> None:
    for place in ("/freeze/chat", "/freeze/nowhere", "/freeze/chat?digest=md5:1"):
        answer = await get(alone, place, token)
        assert (answer.status_code, answer.text) == (401, '{"error":"Unauthorized"}')


async def test_a_gateway_without_that_secret_has_no_such_door(client: Client) -> None:
    from dataclasses import replace  # noqa: PLC0415  # for this test alone

    async with gateway_over(client, secrets=replace(SECRETS, releases=None)) as gateway:
        assert (await get(gateway, "/freeze/chat")).status_code == 404


async def test_a_service_is_frozen_while_an_incident_is_open_and_free_after_it(
    client: Client, gateway: Gateway
) -> None:
    assert (await get(gateway, "/freeze/chat")).json() == free()
    incident = await opened(gateway)
    answer = await get(gateway, "/freeze/chat")
    assert fits(answer, 423)
    told = answer.json()
    (because,) = told["because"]
    assert (told["frozen"], because["kind"], because["incident"]) == (True, "incident", incident)
    since = because["since"][:19].replace("T", " ")
    assert because["says"] == f"incident chat/r2 has been open since {since} UTC: wait until it is over"
    await ended(client, gateway, incident)
    answer = await get(gateway, "/freeze/chat")
    assert fits(answer, 200)
    assert answer.json() == free()


async def test_every_open_incident_of_the_service_is_told(gateway: Gateway) -> None:
    incidents = {await opened(gateway, "r2"), await opened(gateway, "r3")}
    told = (await get(gateway, "/freeze/chat")).json()["because"]
    assert {one["incident"] for one in told} == incidents


async def test_a_rollout_freezes_nothing(gateway: Gateway) -> None:
    await opened(gateway, is_rollout=True)
    assert (await get(gateway, "/freeze/chat")).status_code == 200


async def test_an_incident_of_another_service_freezes_nothing_here(client: Client) -> None:
    route = Route(match={"service": "search"}, playbook="chat-agent", service="search")
    site = SITE.model_copy(update={"routes": (*SITE.routes, route)})
    async with gateway_over(client, site=site) as gateway:
        await opened(gateway)
        answer = await get(gateway, "/freeze/search")
    assert (answer.status_code, answer.json()) == (200, free("search"))


async def test_what_is_quarantined_is_refused_with_who_may_lift_it_and_how(gateway: Gateway) -> None:
    await gateway.quarantines.quarantine(quarantine=a_quarantine())
    assert (await get(gateway, "/freeze/chat")).status_code == 200
    assert (await get(gateway, f"/freeze/chat?release=r3&digest={OTHER}")).status_code == 200
    by_name = await get(gateway, "/freeze/chat?release=r2")
    assert fits(by_name, 423)
    assert by_name.json()["because"][0]["says"].startswith(
        "chat/r2 is quarantined since 2026-01-05 09:00:00 UTC by incident chat/r2 (rule critical fired): "
        "lift it with 'backout release lift chat/r2 --why ...'"
    )
    by_digest = await get(gateway, f"/freeze/chat?release=r3&digest={OTHER}&digest={DIGEST}")
    assert fits(by_digest, 423)
    (because,) = by_digest.json()["because"]
    assert (because["kind"], because["digests"]) == ("quarantine", [DIGEST])
    assert because["says"].startswith(f"model chat-8b {DIGEST} of chat/r2 is quarantined")


async def test_a_digest_is_refused_whichever_service_it_is_for(gateway: Gateway) -> None:
    await gateway.quarantines.quarantine(quarantine=a_quarantine(service="painter"))
    answer = await get(gateway, f"/freeze/chat?digest={DIGEST}")
    assert answer.status_code == 423
    assert "of painter/r2 is quarantined" in answer.json()["because"][0]["says"]
    assert (await get(gateway, "/freeze/chat?release=r2")).status_code == 200


async def test_a_copy_that_was_registered_before_is_refused_by_its_name_alone(gateway: Gateway) -> None:
    await gateway.releases.register(record=a_record("copy"))
    await gateway.quarantines.quarantine(quarantine=a_quarantine())
    answer = await get(gateway, "/freeze/chat?release=copy")
    assert answer.status_code == 423
    assert answer.json()["because"][0]["digests"] == [DIGEST]


async def test_what_was_lifted_is_free(gateway: Gateway) -> None:
    await gateway.quarantines.quarantine(quarantine=a_quarantine())
    at = a_quarantine().at
    await gateway.quarantines.lift(service="chat", release="r2", by="Bob", why="fixed", at=at)
    assert (await get(gateway, f"/freeze/chat?release=r2&digest={DIGEST}")).status_code == 200


async def test_an_unknown_service_is_told_the_known_ones(alone: Gateway) -> None:
    answer = await get(alone, "/freeze/caht")
    assert fits(answer, 404)
    assert answer.json() == {"error": "Unknown service 'caht'. Known: chat."}


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("digest=md5:1", "digest[0]: 'md5:1' does not fit"),
        (f"digest={DIGEST}&digest={DIGEST.upper()}", "digest[1]: 'SHA256:AB"),
        (f"digest={DIGEST}x", "digest[0]: 'sha256:ab"),
        ("digest=", "digest[0]: '' does not fit"),
        ("release=../etc", "release: '../etc' does not fit"),
        ("release=", "release: '' does not fit"),
        ("release=r1&release=r2", "release: expected text, found a list"),
        (f"digests={DIGEST}", "unknown parameter 'digests'; did you mean 'digest'? Known: digest, release"),
        ("service=painter", "unknown parameter 'service'"),
        (
            "&".join([f"digest={DIGEST}"] * 101),
            "digest: 101 digests, and one question takes 100; ask about the rest in another",
        ),
    ],
)
async def test_a_question_that_does_not_fit_is_no_free_answer(alone: Gateway, query: str, error: str) -> None:
    answer = await get(alone, f"/freeze/chat?{query}")
    assert fits(answer, 400), answer.text
    assert answer.json()["error"].startswith(error)


async def test_while_the_engine_is_down_the_service_counts_as_frozen(alone: Gateway) -> None:
    answer = await get(alone, "/freeze/chat")
    assert fits(answer, 503)
    said = answer.json()["error"]
    assert said.startswith("Nobody can say whether chat is frozen: The workflow engine did not answer")
    assert said.endswith("Count it as frozen, and ask again.")


@pytest.mark.parametrize("broken", [{"unreachable": True}, {"refuses": "a foreign row"}])
async def test_while_the_store_is_out_of_reach_the_release_counts_as_frozen(
    gateway: Gateway, broken: dict[str, object]
) -> None:
    for switch, value in broken.items():
        setattr(gateway.quarantines, switch, value)
    assert fits(await get(gateway, f"/freeze/chat?digest={DIGEST}"), 503)
    assert fits(await get(gateway, "/freeze/chat?release=r2"), 503)


async def test_without_the_registry_nobody_knows_what_a_release_is_made_of(gateway: Gateway) -> None:
    gateway.releases.unreachable = True
    assert fits(await get(gateway, "/freeze/chat?release=r2"), 503)


async def test_a_search_for_a_service_can_name_no_other(client: Client) -> None:
    lazy = await connect(client.service_client.config.target_host, lazy=True)
    async with gateway_over(lazy) as gateway:
        answer = await get(gateway, "/freeze/chat'%20OR%20'1'='1")
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("service: ")
