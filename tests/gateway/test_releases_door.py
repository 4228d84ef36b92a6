"""/releases: who gets in, what is registered, and whether it is watched."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest
from temporalio.client import Client, WorkflowExecutionStatus

from adapters.stores.memory import MemoryRegistry
from backout.errors import NothingWatches
from backout.releases import BaselineRecord
from gateway.releases import LARGEST
from tests.gateway.registered import DIGEST, a_record, a_registration
from tests.gateway.running import Gateway, connect, eventually, gateway_over
from tests.gateway.world import PIPELINE_TOKEN, TOKEN


def a_baseline(release: str, day: int) -> BaselineRecord:
    at = datetime(2026, 1, day, tzinfo=UTC)
    return BaselineRecord(service="chat", release=release, by="ann", why="a quiet week", at=at)


async def post(gateway: Gateway, body: object, door: str = "/releases") -> httpx.Response:
    return await gateway.post(door, json.dumps(body).encode(), PIPELINE_TOKEN)


async def get(gateway: Gateway, place: str, token: str = PIPELINE_TOKEN) -> httpx.Response:
    return await gateway.http.get(place, headers={"Authorization": f"Bearer {token}"})


async def status_of(client: Client, release: str) -> WorkflowExecutionStatus | None:
    return (await client.get_workflow_handle(f"watch/chat/{release}").describe()).status


@pytest.fixture
async def alone() -> AsyncIterator[Gateway]:
    """Run the gateway without an engine."""
    async with gateway_over(await connect("127.0.0.1:9", lazy=True)) as gateway:
        yield gateway


async def kept(gateway: Gateway) -> int:
    return len(await gateway.releases.releases(service=None, limit=100))


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


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        (
            {"playbook": "chat-agnet"},
            "playbook: unknown playbook 'chat-agnet'; did you mean 'chat-agent'? Known: chat-agent",
        ),
        ({"service": "painter"}, "service: playbook 'chat-agent' guards 'chat', not 'painter'"),
        (
            {"artifacts": [{"kind": "prompt", "name": "p", "digest": DIGEST}]},
            "artifacts: model missing; a release of 'chat' is made of model",
        ),
        (
            {"artifacts": [{"kind": "model", "name": "m", "digest": DIGEST}] * 2},
            "artifacts: the model 'm' is there twice",
        ),
        ({"owner": " "}, "owner: it is empty"),
        ({"baseline": "r2"}, "baseline: it is the release itself"),
        (
            {"ramp": [{"percent": 50, "after": "1h"}, {"percent": 50, "after": "1h"}]},
            "ramp: each stage must be above the one before",
        ),
    ],
    ids=["playbook", "service", "artifacts", "twice", "owner", "baseline", "ramp"],
)
async def test_what_no_playbook_can_guard_is_refused_and_nothing_is_kept(
    alone: Gateway, changes: dict[str, object], why: str
) -> None:
    answer = await post(alone, a_registration(**changes))
    assert answer.status_code == 422
    assert answer.json()["error"].startswith(f"The release cannot be registered: {why}")
    assert answer.json()["error"].endswith("Nothing was kept; correct it and send it again.")
    assert await kept(alone) == 0


async def test_every_reason_is_told_at_once(alone: Gateway) -> None:
    answer = await post(alone, a_registration(service="painter", owner="", baseline="r2"))
    said = answer.json()["error"]
    assert "service: " in said
    assert "owner: " in said
    assert "baseline: " in said


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"release": "no good"}, "release: 'no good' does not fit"),
        ({"release": "r" * 129}, "release: 'rrr"),
        ({"release": "../etc"}, "release: '../etc' does not fit"),
        ({"service": "2nd"}, "service: '2nd' is not a name"),
        ({"artifacts": []}, "artifacts: needs at least 1 of its items, found none"),
        (
            {"artifacts": [{"kind": "weights", "name": "m", "digest": DIGEST}]},
            "artifacts[0].kind: unknown value 'weights'.",
        ),
        (
            {"artifacts": [{"kind": "model", "name": "m", "digest": "md5:1"}]},
            "artifacts[0].digest: 'md5:1' does not fit",
        ),
        ({"ramp": [{"percent": 101, "after": "1h"}]}, "ramp[0].percent: expected 100 or less"),
        ({"ramp": [{"percent": 5, "after": "soon"}]}, "ramp[0].after: 'soon' is not a duration"),
        ({"by": "mallory"}, "by: unknown field 'by'"),
        ({"owner": None}, "owner: expected text, found nothing"),
    ],
)
async def test_a_registration_that_does_not_fit_is_refused_with_the_place(
    alone: Gateway, changes: dict[str, object], error: str
) -> None:
    answer = await post(alone, a_registration(**changes))
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(error)
    assert await kept(alone) == 0


async def test_bodies_have_a_type_and_a_size(alone: Gateway) -> None:
    assert (await alone.post("/releases", b"{", PIPELINE_TOKEN)).status_code == 400
    plain = await alone.post("/releases", b"{}", PIPELINE_TOKEN, **{"Content-Type": "text/yaml"})
    assert plain.status_code == 415
    assert (await alone.post("/releases", b" " * (LARGEST + 1), PIPELINE_TOKEN)).status_code == 413


@pytest.mark.parametrize("token", ["", "wrong", TOKEN, f"{PIPELINE_TOKEN}x"])
async def test_without_the_token_nothing_is_told_and_nothing_is_done(
    alone: Gateway, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    await alone.releases.register(record=a_record())
    body = json.dumps(a_registration("r3")).encode()
    answers = [
        await alone.post("/releases", body, token),
        await get(alone, "/releases", token),
        await get(alone, "/releases/chat/r2", token),
        await alone.post("/releases/chat/r2/retire", b'{"why": "done"}', token),
    ]
    assert {(one.status_code, one.text) for one in answers} == {(401, '{"error":"Unauthorized"}')}
    assert await kept(alone) == 1
    record = await alone.releases.release(service="chat", release="r2")
    assert record
    assert record.retired_at is None
    assert PIPELINE_TOKEN not in caplog.text


async def test_releases_are_listed_newest_first_and_by_service(alone: Gateway) -> None:
    for release in ("r1", "r2", "r3"):
        await post(alone, a_registration(release))

    async def listed(query: str) -> list[str]:
        records = (await get(alone, f"/releases{query}")).json()["releases"]
        return [one["registration"]["release"] for one in records]

    assert await listed("") == ["r3", "r2", "r1"]
    assert await listed("?service=chat&limit=2") == ["r3", "r2"]
    assert await listed("?service=painter") == []


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "many", "", "9" * 5000, "\u0663"])
async def test_a_limit_that_is_none_is_refused(alone: Gateway, limit: str) -> None:
    answer = await get(alone, f"/releases?limit={limit}")
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("limit: give a number from 1 to 1000, not ")


@pytest.mark.usefixtures("worker")
async def test_a_release_is_shown_with_its_watch(gateway: Gateway) -> None:
    await post(gateway, a_registration("1.2+build@x:y"))
    shown = (await get(gateway, "/releases/chat/1.2+build@x:y")).json()
    assert shown["record"]["registration"]["release"] == "1.2+build@x:y"
    assert shown["watch"]["place"]["release"] == "1.2+build@x:y"
    assert shown["watch"]["playbook"] == "chat-agent"


async def test_a_release_is_shown_without_its_watch_while_the_engine_is_down(alone: Gateway) -> None:
    await alone.releases.register(record=a_record())
    shown = (await get(alone, "/releases/chat/r2")).json()
    assert shown["watch"] is None
    assert shown["why"].startswith("The workflow engine did not answer")


@pytest.mark.parametrize("act", ["show", "retire"])
async def test_an_unregistered_release_is_not_found(alone: Gateway, act: str) -> None:
    if act == "show":
        answer = await get(alone, "/releases/chat/r9")
    else:
        answer = await post(alone, {"why": "done"}, "/releases/chat/r9/retire")
    assert answer.status_code == 404
    assert answer.json()["error"].startswith("Release r9 of chat is not registered.")


@pytest.mark.usefixtures("worker")
async def test_a_retired_release_is_no_longer_watched_and_is_never_watched_again(gateway: Gateway) -> None:
    await post(gateway, a_registration())
    answer = await post(gateway, {"why": "replaced by r3"}, "/releases/chat/r2/retire")
    assert (answer.status_code, answer.json()["repeated"], answer.json()["watch"]) == (200, False, "ended")
    view = await gateway.watches.view(service="chat", release="r2")
    assert (view.state, view.retired) == ("retired", "pipeline: replaced by r3")
    again = await post(gateway, {"why": "another reason"}, "/releases/chat/r2/retire")
    assert (again.status_code, again.json()["repeated"]) == (200, True)
    assert again.json()["record"]["retired_why"] == "pipeline: replaced by r3"
    registered = await post(gateway, a_registration())
    assert (registered.status_code, registered.json()["watch"]) == (200, "retired")


@pytest.mark.parametrize("body", [{}, {"why": ""}, {"why": "x" * 501}, {"why": "x", "by": "me"}, []])
async def test_a_release_is_not_retired_without_a_reason(alone: Gateway, body: object) -> None:
    await alone.releases.register(record=a_record())
    assert (await post(alone, body, "/releases/chat/r2/retire")).status_code == 400
    record = await alone.releases.release(service="chat", release="r2")
    assert record
    assert record.retired_at is None


async def test_a_release_is_kept_while_the_engine_is_down_and_the_answer_says_so(alone: Gateway) -> None:
    answer = await post(alone, a_registration())
    assert (answer.status_code, answer.json()["watch"]) == (202, "pending")
    assert answer.json()["why"].startswith("The workflow engine did not answer")
    assert await kept(alone) == 1


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


@pytest.mark.usefixtures("worker")
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


async def test_a_sender_without_measure_is_told_when_to_come_again(alone: Gateway) -> None:
    answers = {(await post(alone, {})).status_code for _ in range(110)}
    assert answers == {400, 429}
    events = await post(alone, {}, "/events")
    assert events.status_code == 429
    assert int(events.headers["retry-after"]) >= 1
