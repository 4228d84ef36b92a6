"""/releases: what is listed, shown and retired."""

from __future__ import annotations

import pytest

from tests.gateway.registered import a_record, a_registration, get, post
from tests.gateway.running import Gateway


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
