"""A JSON API: an answer becomes a model, and a refusal an error with the server's own words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import TypeAlias

import pytest
from aiohttp import web
from pydantic import BaseModel

from adapters.fetch import Access
from adapters.targets.api import JsonApi
from backout.errors import BackoutError, PauseAsked, RejectedBySystem, Unreachable
from tests.adapters.conftest import Serve

Answers: TypeAlias = Callable[..., web.Response]


class Held(BaseModel):
    percent: int


@pytest.fixture
async def opened() -> AsyncIterator[Callable[[str], JsonApi]]:
    """Open an API at an address; closed after the test."""
    async with AsyncExitStack() as stack:

        def start(address: str) -> JsonApi:
            found = JsonApi("it", address, timeout=timedelta(seconds=20), access=Access(token="s3cret"))
            stack.push_async_callback(found.aclose)
            return found

        yield start


async def asked(serve: Serve, opened: Callable[[str], JsonApi], answer: web.Response) -> Held:
    async def handler(_: web.Request) -> web.Response:
        return answer

    return await opened(await serve(handler)).ask("GET", "/held", Held)


async def test_what_is_asked_arrives_as_json_of_the_kind_that_is_named(
    serve: Serve, opened: Callable[[str], JsonApi]
) -> None:
    async def handler(request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer s3cret"
        assert (request.rel_url.raw_path, request.content_type) == ("/a%2Fb", "application/merge-patch+json")
        assert request.query == {"by": "us"}
        return web.json_response({"percent": (await request.json())["wanted"], "more": 1}, status=201)

    api, kind = opened(f"{await serve(handler)}/"), "application/merge-patch+json"
    done = await api.ask("PATCH", "/a%2Fb", Held, body={"wanted": 7}, fields={"by": "us"}, media_type=kind)
    assert done == Held(percent=7)


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        ((500, "down."), Unreachable, "GET http://.*/held answered 500: down. Check that it runs"),
        ((408, ""), Unreachable, "answered 408. Check"),
        ((401, "who?"), RejectedBySystem, "answered 401: who\\?: it does not know us; name its 'token'"),
        ((403, "no"), RejectedBySystem, "answered 403: no: we may not do this"),
        ((409, "moved"), RejectedBySystem, "answered 409: moved. Trying again will not help"),
        ((302, ""), RejectedBySystem, "answered 302; it redirects elsewhere, which is not followed. Trying"),
    ],
    ids=lambda value: str(value[0]) if isinstance(value, tuple) else "",
)
async def test_a_refusal_says_what_the_server_said_and_whether_to_try_again(
    serve: Serve,
    opened: Callable[[str], JsonApi],
    answer: tuple[int, str],
    error: type[BackoutError],
    said: str,
) -> None:
    status, message = answer
    with pytest.raises(error, match=said) as refused:
        await asked(serve, opened, web.json_response({"message": message}, status=status))
    assert refused.value.details["status"] == status
    assert refused.value.details["said"] == message


@pytest.mark.parametrize(
    ("headers", "pause_s"), [({"Retry-After": "7"}, 7), ({}, 1), ({"Retry-After": "86400"}, 60)]
)
async def test_too_many_requests_are_a_pause_as_long_as_the_server_says_within_bounds(
    serve: Serve, opened: Callable[[str], JsonApi], headers: dict[str, str], pause_s: float
) -> None:
    with pytest.raises(PauseAsked, match=rf"it answers no more questions for {pause_s} s") as limited:
        await asked(serve, opened, web.json_response({"message": "slower"}, status=429, headers=headers))
    assert limited.value.retry_after_s == pause_s


async def test_a_page_for_people_is_not_told_as_what_the_server_said(
    serve: Serve, opened: Callable[[str], JsonApi]
) -> None:
    page = web.Response(status=404, text='{"message": "<h1>Sorry</h1>"}', content_type="text/html")
    with pytest.raises(RejectedBySystem, match=r"answered 404\. Trying") as refused:
        await asked(serve, opened, page)
    assert refused.value.details["said"] == ""


@pytest.mark.parametrize(
    ("text", "place"),
    [("<html>", "the whole"), ('{"percent": "many"}', "percent"), ("", "percent")],
    ids=["not JSON", "another type", "nothing"],
)
async def test_an_answer_that_is_none_of_this_api_is_refused_with_the_place(
    serve: Serve, opened: Callable[[str], JsonApi], text: str, place: str
) -> None:
    with pytest.raises(RejectedBySystem, match=rf"answered what is not of this API \({place}: "):
        await asked(serve, opened, web.Response(text=text))
