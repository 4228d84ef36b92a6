"""POST /events: external events that pipelines mark."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from backout.counting import MarkedEvent
from gateway.events import LARGEST
from tests.gateway.running import Gateway, connect, gateway_over
from tests.gateway.world import PIPELINE_TOKEN, PUSH_TOKENS, TOKEN

HOUR = timedelta(hours=1)


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    """Run the gateway without an engine: marking needs none."""
    async with gateway_over(await connect("127.0.0.1:9", lazy=True)) as gateway:
        yield gateway


def an_event(**changes: object) -> dict[str, object]:
    return {"key": "deploy-7", "kind": "deploy", "service": "chat", "what": "search 7 goes out"} | changes


def from_now(ahead: timedelta) -> str:
    return (datetime.now(UTC) + ahead).isoformat()


NOW = from_now(timedelta())


async def post(gateway: Gateway, body: object, token: str = PIPELINE_TOKEN) -> httpx.Response:
    return await gateway.post("/events", json.dumps(body).encode(), token)


async def kept(gateway: Gateway, service: str = "chat") -> tuple[MarkedEvent, ...]:
    now = datetime.now(UTC)
    long = timedelta(days=90)
    return await gateway.marks.during(service=service, start=now - long, end=now + long)


async def test_an_event_is_kept_from_now_on_until_somebody_ends_it(gateway: Gateway) -> None:
    before = datetime.now(UTC)
    answer = await post(gateway, an_event())
    assert answer.status_code == 201
    (event,) = await kept(gateway)
    assert answer.json() == {"event": event.model_dump(mode="json"), "repeated": False}
    assert before <= event.start <= datetime.now(UTC)
    assert (event.kind, event.what, event.end, event.by) == ("deploy", "search 7 goes out", None, "pipeline")


async def test_the_same_key_again_ends_the_event_where_it_began(gateway: Gateway) -> None:
    await post(gateway, an_event(start=from_now(-2 * HOUR)))
    (first,) = await kept(gateway)
    answer = await post(gateway, an_event(end=from_now(-HOUR)))
    assert (answer.status_code, answer.json()["repeated"]) == (200, True)
    (event,) = await kept(gateway)
    assert event.start == first.start
    assert event.end
    assert event.end - event.start == pytest.approx(HOUR, abs=timedelta(minutes=1))


async def test_the_same_request_twice_is_one_event(gateway: Gateway) -> None:
    first = await post(gateway, an_event())
    again = await post(gateway, an_event())
    assert again.json()["event"] == first.json()["event"]
    assert len(await kept(gateway)) == 1


async def test_an_event_without_a_service_concerns_all_of_them(gateway: Gateway) -> None:
    await post(gateway, {"key": "k", "kind": "provider_outage", "what": "the provider is down"})
    (event,) = await kept(gateway, "painter")
    assert event.service == ""


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"start": from_now(HOUR), "end": from_now(-HOUR)}, "is not after its start"),
        ({"start": NOW, "end": NOW}, f"end: {NOW} is not after its start, {NOW}"),
        ({"end": from_now(-HOUR)}, "is not after its start"),
        ({"start": from_now(timedelta(days=-31))}, "is more than 30d from now"),
        ({"end": from_now(timedelta(days=31))}, "is more than 30d from now"),
        (
            {"service": "chta"},
            "service: unknown service 'chta'; did you mean 'chat'? Known: chat. Leave it out to mean all",
        ),
    ],
    ids=["backwards", "empty", "over before it began", "long ago", "far ahead", "an unknown service"],
)
async def test_an_event_that_makes_no_sense_is_refused(
    gateway: Gateway, changes: dict[str, object], why: str
) -> None:
    answer = await post(gateway, an_event(**changes))
    assert answer.status_code == 422
    assert answer.json()["error"].startswith("The event was not marked: ")
    assert why in answer.json()["error"]
    assert await kept(gateway) == ()


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"key": ""}, "key: expected at least 1 characters"),
        ({"key": "k" * 201}, "key: expected at most 200 characters"),
        ({"kind": "a b"}, "kind: 'a b' is not a name"),
        ({"what": ""}, "what: expected at least 1 characters"),
        ({"what": "w" * 501}, "what: expected at most 500 characters"),
        ({"start": "2026-01-05T09:00:00"}, "start: expected a time with its zone"),
        ({"end": "2026-01-05T09:00:00"}, "end: expected a time with its zone"),
        ({"start": 1767600000}, "start: expected a time with its zone"),
        ({"end": "later"}, "end: expected a time with its zone"),
        ({"by": "mallory"}, "by: unknown field 'by'"),
    ],
)
async def test_an_event_that_does_not_fit_is_refused_with_the_place(
    gateway: Gateway, changes: dict[str, object], error: str
) -> None:
    answer = await post(gateway, an_event(**changes))
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(error)
    assert await kept(gateway) == ()


@pytest.mark.parametrize("token", ["", "wrong", TOKEN, PUSH_TOKENS["judges"]])
async def test_without_the_token_nothing_is_marked(gateway: Gateway, token: str) -> None:
    answer = await post(gateway, an_event(), token)
    assert (answer.status_code, answer.json()) == (401, {"error": "Unauthorized"})
    assert await kept(gateway) == ()


async def test_bodies_have_a_size(gateway: Gateway) -> None:
    assert (await gateway.post("/events", b" " * (LARGEST + 1), PIPELINE_TOKEN)).status_code == 413


async def test_an_event_that_could_not_be_kept_is_not_called_marked(gateway: Gateway) -> None:
    gateway.marks.unreachable = True
    assert (await post(gateway, an_event())).status_code == 500
    gateway.marks.unreachable = False
    assert (await post(gateway, an_event())).status_code == 201
