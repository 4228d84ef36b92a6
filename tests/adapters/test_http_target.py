"""The HTTP target: what it sends, and what each answer means."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TypeAlias

import pytest
from aiohttp import web

from adapters.fetch import Access
from adapters.targets.http import HttpTarget
from backout.errors import (
    BackoutError,
    ExposureMoved,
    PauseAsked,
    RejectedBySystem,
    UnknownName,
    Unreachable,
)
from tests.adapters.target_world import look, put

Serve: TypeAlias = Callable[[Callable[[web.Request], Awaitable[web.StreamResponse]]], Awaitable[str]]
Open: TypeAlias = Callable[[Callable[[web.Request], web.Response]], Awaitable[HttpTarget]]


@pytest.fixture
async def target(serve: Serve) -> AsyncIterator[Open]:
    """Open the target of a server that answers so; closed after the test."""
    opened: list[HttpTarget] = []

    async def start(answer: Callable[[web.Request], web.Response]) -> HttpTarget:
        async def handle(request: web.Request) -> web.Response:
            await request.read()
            return answer(request)

        url = f"{await serve(handle)}/exposure/$service/$release"
        opened.append(HttpTarget(url, timedelta(seconds=30), Access(token="s3cret")))
        return opened[-1]

    yield start
    for one in opened:
        await one.aclose()


def held(**fields: object) -> web.Response:
    return web.json_response({"percent": 50, **fields}, headers={"ETag": '"7"'})


def refusing(
    status: int, headers: Mapping[str, str] | None = None, **body: object
) -> Callable[[web.Request], web.Response]:
    """Refuse to set; a GET is answered."""
    refused = json.dumps(body) if body else None

    def answer(request: web.Request) -> web.Response:
        if request.method == "GET":
            return held(by="Ann")
        return web.Response(status=status, headers=headers, text=refused, content_type="application/json")

    return answer


async def test_a_read_says_how_much_which_generation_and_who(target: Open) -> None:
    opened = await target(lambda _: held(key="k", by="Ann", note="whatever"))
    found = await look(opened)
    assert (found.percent, found.generation, found.changed_by, found.by) == (50, '"7"', "k", "Ann")


async def test_a_set_is_one_put_with_its_key_and_what_it_expects_and_is_read_back(target: Open) -> None:
    seen: list[tuple[str, ...]] = []

    def answer(request: web.Request) -> web.Response:
        names = ("Authorization", "Idempotency-Key", "If-Match")
        seen.append((request.method, request.path, *(request.headers.get(name, "-") for name in names)))
        return held() if request.method == "GET" else web.Response(status=204)

    opened = await target(answer)
    await put(opened, 50, "incident/chat/r2@1/revert/1/50", expected='"6"')
    await put(opened, 50, "k")
    way = ("PUT", "/exposure/chat/r2", "Bearer s3cret")
    assert [one for one in seen if one[0] == "PUT"] == [
        (*way, "incident/chat/r2@1/revert/1/50", '"6"'),
        (*way, "k", "-"),
    ]
    assert [one[0] for one in seen] == ["PUT", "GET", "PUT", "GET"]


async def test_the_body_is_the_percent(serve: Serve) -> None:
    bodies: list[bytes] = []

    async def answer(request: web.Request) -> web.Response:
        bodies.append(await request.read())
        return held()

    target = HttpTarget(f"{await serve(answer)}/$release", timedelta(seconds=30))
    await put(target, 10, "k")
    await target.aclose()
    assert bodies == [b'{"percent":10}', b""]


async def test_names_are_encoded_in_the_address(target: Open) -> None:
    paths: list[str] = []

    def answer(request: web.Request) -> web.Response:
        paths.append(request.raw_path)
        return held()

    await (await target(answer)).read(service="chat", release="r/2 ä")
    assert paths == ["/exposure/chat/r%2F2%20%C3%A4"]


@pytest.mark.parametrize("status", [409, 412])
async def test_who_moved_it_is_said_where_it_is_known(target: Open, status: int) -> None:
    opened = await target(refusing(status))
    with pytest.raises(ExposureMoved, match='it was "6" and is "7", last by Ann'):
        await put(opened, 0, "k", expected='"6"')


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (401, {}, RejectedBySystem, "answered 401; it asks for a token"),
        (403, {"why": "read only"}, RejectedBySystem, "the token may not do that: read only"),
        (404, {}, RejectedBySystem, "answered 404; there is nothing at this address"),
        (404, {"known": ["r1", "r3"]}, UnknownName, "Unknown release of exposure at .* 'r2'. Known: r1, r3"),
        (
            404,
            {"kind": "service", "name": "chat", "known": ["images"]},
            UnknownName,
            "Unknown service.*: images",
        ),
        (422, {"why": "at most 60 % of users"}, RejectedBySystem, "answered 422: at most 60 % of users"),
        (302, {}, RejectedBySystem, "redirects elsewhere, which is not followed"),
        (202, {}, RejectedBySystem, "answered 202"),
        (408, {}, Unreachable, "answered 408"),
        (503, {"why": "starting"}, Unreachable, "answered 503: starting"),
    ],
)
async def test_each_refusal_is_told_for_what_it_is(
    target: Open, status: int, body: dict[str, object], error: type[BackoutError], words: str
) -> None:
    opened = await target(refusing(status, {"Location": "/elsewhere"}, **body))
    with pytest.raises(error, match=words):
        await put(opened, 0, "k")


@pytest.mark.parametrize(
    ("asked", "pause_s"),
    [
        ("7", 7),
        ("0", 1),
        ("86400", 60),
        (format_datetime(datetime(2001, 1, 1, tzinfo=UTC), usegmt=True), 1),
        (format_datetime(datetime(2999, 1, 1, tzinfo=UTC), usegmt=True), 60),
        ("soon", 1),
        (None, 1),
    ],
)
async def test_a_pause_is_kept_within_bounds(target: Open, asked: str | None, pause_s: float) -> None:
    opened = await target(refusing(429, {"Retry-After": asked} if asked else None))
    with pytest.raises(PauseAsked) as raised:
        await put(opened, 0, "k")
    assert raised.value.retry_after_s == pause_s


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("not JSON", "Invalid JSON"),
        ('{"share": 50}', "percent: Field required"),
        ('{"percent": 50.5}', "percent: Input should be a valid integer"),
        ('{"percent": true}', "percent: Input should be a valid integer"),
        ('{"percent": 101}', "percent: Input should be less than or equal to 100"),
    ],
)
async def test_an_answer_that_is_no_exposure_is_refused_with_its_place(
    target: Open, body: str, words: str
) -> None:
    opened = await target(lambda _: web.Response(text=body, headers={"ETag": '"7"'}))
    with pytest.raises(RejectedBySystem, match=words):
        await look(opened)


async def test_a_weak_tag_is_refused_as_it_could_never_be_compared(target: Open) -> None:
    opened = await target(lambda _: web.json_response({"percent": 5}, headers={"ETag": 'W/"7"'}))
    with pytest.raises(RejectedBySystem, match='ETag W/"7" is weak'):
        await look(opened)


async def test_a_server_without_tags_has_no_generations(target: Open) -> None:
    opened = await target(lambda _: web.json_response({"percent": 5}))
    assert (await look(opened)).generation == ""
