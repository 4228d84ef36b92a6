"""Metrics pages that do not come, come too late, or are none."""

import asyncio

import pytest
from aiohttp import web

from adapters.sources import exposition
from backout.errors import RejectedBySystem, Unreachable
from tests.adapters.asking import count
from tests.adapters.pages import Open, Serve, answering


@pytest.mark.parametrize(
    ("status", "error", "why"),
    [
        (500, Unreachable, "answered 500"),
        (503, Unreachable, "answered 503"),
        (429, Unreachable, "answered 429"),
        (403, RejectedBySystem, "answered 403; the token may not read it"),
        (404, RejectedBySystem, "answered 404; there is nothing at this address"),
        (204, RejectedBySystem, "answered 204"),
    ],
)
async def test_a_status_is_named_by_whether_trying_again_can_help(
    serve: Serve, metrics: Open, status: int, error: type[Exception], why: str
) -> None:
    with pytest.raises(error, match=why):
        await count(metrics(await serve(answering("", status=status))), "up")


async def test_a_redirect_is_not_followed(serve: Serve, metrics: Open) -> None:
    elsewhere = await serve(answering("up 1\n"))

    async def redirect(_request: web.Request) -> web.Response:
        raise web.HTTPFound(elsewhere)

    with pytest.raises(RejectedBySystem, match="answered 302; it redirects elsewhere, which is not followed"):
        await count(metrics(await serve(redirect)), "up")


async def test_a_service_that_is_gone_is_unreachable(metrics: Open, closed_address: str) -> None:
    with pytest.raises(Unreachable, match=r"metrics page http://127\.0\.0\.1:\d+/metrics did not answer"):
        await count(metrics(closed_address), "up")


async def test_a_page_that_drips_for_longer_than_the_time_out_is_unreachable(
    serve: Serve, metrics: Open
) -> None:
    async def dripping(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        while True:
            await answer.write(b"# still here\n")
            await asyncio.sleep(0.02)

    with pytest.raises(Unreachable, match=r"no whole answer from .* within 0\.1 s"):
        await count(metrics(await serve(dripping), timeout_s=0.1), "up")


async def test_a_page_that_breaks_off_is_unreachable(serve: Serve, metrics: Open) -> None:
    async def broken(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Length": "1000"})
        await answer.prepare(request)
        await answer.write(b"up 1\n")
        assert request.transport is not None
        request.transport.close()
        return answer

    with pytest.raises(Unreachable, match="did not answer"):
        await count(metrics(await serve(broken)), "up")


async def test_a_page_that_is_too_large_is_refused(
    serve: Serve, metrics: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert exposition.PAGE_LIMIT == 16 * 1024 * 1024
    monkeypatch.setattr(exposition, "PAGE_LIMIT", 1000)
    exact = "up 1\n" + "#" * 995
    assert await count(metrics(await serve(answering(exact))), "up") == 1
    with pytest.raises(RejectedBySystem, match="is larger than 1000 bytes"):
        await count(metrics(await serve(answering(exact + "#"))), "up")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        pytest.param(b"up 1\nname \xff\n", "byte 10 of it is not UTF-8", id="not UTF-8"),
        pytest.param("up 1\n\n\n{'a': 1} x\n<b>\n", "line 5 of it is no metric: '<b>'", id="another format"),
        pytest.param("up 1\nup one\n", "line 2 of it is no metric: 'up one'", id="a value that is no number"),
        pytest.param("up\nother 1\n", "line 1 of it is no metric: 'up'", id="no value"),
        pytest.param("other 1\nup", "line 2 of it is no metric: 'up'", id="no value at the end"),
        pytest.param('up{a="b 1\n', "line 1 of it is no metric", id="a quote that never ends"),
    ],
)
async def test_a_page_of_something_else_is_refused_with_the_place(
    serve: Serve, metrics: Open, body: str | bytes, why: str
) -> None:
    source = metrics(await serve(answering(body)))
    with pytest.raises(RejectedBySystem, match=why):
        await count(source, "up")


@pytest.mark.parametrize("media_type", ["text/html", "application/json"])
async def test_a_page_of_another_media_type_is_refused(serve: Serve, metrics: Open, media_type: str) -> None:
    page = answering('{"up": 1}', content_type=media_type)
    with pytest.raises(RejectedBySystem, match=f"it is {media_type}, not metrics"):
        await count(metrics(await serve(page)), "up")


async def test_an_address_that_is_none_is_refused(metrics: Open) -> None:
    with pytest.raises(RejectedBySystem, match="'ftp://x/metrics' is not an address"):
        await count(metrics("ftp://x"), "up")
