from __future__ import annotations

import asyncio
import gzip
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from adapters.sources import exposition
from adapters.sources.exposition import ExpositionMetrics
from backout.counting import Counted, Query
from backout.errors import RejectedBySystem, Unreachable
from tests.adapters.asking import count, counts, problem

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
Serve: TypeAlias = Callable[[Handler], Awaitable[str]]
Open: TypeAlias = Callable[..., ExpositionMetrics]

PAGE = """\
# HELP requests_total Requests.
# TYPE requests_total counter
requests_total{release="r1",code="200"} 90
requests_total{release="r1",code="500"} 1
requests_total{release="r2",code="200"} 6.0 1700000000000
requests_total{release="r2",code="500"} 4
 requests_total_other{release="r2"} 1000
up 1
nothing_yet_total 0
ratio{release="r2"} NaN
ratio{release="r1"} 1
huge_total +Inf
below_total -1
"""


def answering(body: str | bytes, *, status: int = 200, content_type: str = "text/plain") -> Handler:
    content = body.encode() if isinstance(body, str) else body

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=content, status=status, content_type=content_type)

    return answer


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("requests_total", 101),
        ('requests_total{release="r2"}', 10),
        ('requests_total{release="r2",code="500"}', 4),
        ('requests_total{code=~"5.."}', 5),
        ("nothing_yet_total", 0),
        ("up", 1),
    ],
)
async def test_a_query_adds_up_its_series(serve: Serve, metrics: Open, query: str, number: float) -> None:
    assert await count(metrics(await serve(answering(PAGE))), query) == number


async def test_queries_of_one_look_count_as_they_would_alone(serve: Serve, metrics: Open) -> None:
    texts = (
        "requests_total",
        'requests_total{release="r1"}',
        'requests_total{release="r1",code="500"}',
        'requests_total{release="r2",code="500"}',
        'requests_total{code="500"}',
        'requests_total{code=~"5..",release="r2"}',
        'requests_total{code!="500",release="r2"}',
        'requests_total{region="",release="r2"}',
        'requests_total{release="r9"}',
        "up",
    )
    source = metrics(await serve(answering(PAGE)))
    assert await counts(source, *texts) == [101, 91, 1, 4, 5, 4, 6, 10, None, 1]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        pytest.param('requests_total{release="r9"}', "", id="no series has the labels"),
        pytest.param("requests", "", id="no series has the name"),
        pytest.param(
            "ratio", "'ratio' yields nan, which counts nothing", id="one of the series is not a number"
        ),
        pytest.param("huge_total", "'huge_total' yields inf, which counts nothing", id="an infinite counter"),
        pytest.param(
            "below_total", "'below_total' yields -1, which counts nothing", id="a counter below zero"
        ),
    ],
)
async def test_no_data_is_none_and_never_zero(serve: Serve, metrics: Open, query: str, said: str) -> None:
    assert await problem(metrics(await serve(answering(PAGE))), query) == said


async def test_an_empty_page_has_no_data(serve: Serve, metrics: Open) -> None:
    assert await count(metrics(await serve(answering(""))), "up") is None


async def test_what_prometheus_own_client_serves_is_read(serve: Serve, metrics: Open) -> None:
    registry = CollectorRegistry()
    answers = Counter("answers", "Answers.", ["release"], registry=registry)
    answers.labels('r"2').inc(3)
    latency = Histogram("latency_seconds", "Latency.", buckets=(1, 2), registry=registry)
    latency.observe(1.5)
    source = metrics(await serve(answering(generate_latest(registry))))
    texts = (
        r'answers_total{release="r\"2"}',
        "latency_seconds_count",
        'latency_seconds_bucket{le="1.0"}',
        "up",
    )
    assert await counts(source, *texts) == [3, 1, 0, None]


async def test_every_query_of_a_look_is_answered_from_one_fetch(serve: Serve, metrics: Open) -> None:
    fetches = 0

    async def growing(_request: web.Request) -> web.Response:
        nonlocal fetches
        fetches += 1
        return web.Response(text=f"bad_total {fetches}\nof_total {fetches}\n")

    source = metrics(await serve(growing))
    assert await counts(source, "bad_total", "of_total", "bad_total") == [1, 1, 1]
    assert fetches == 1


async def test_the_connection_is_kept_for_the_next_look(serve: Serve, metrics: Open) -> None:
    peers = set()

    async def answer(request: web.Request) -> web.Response:
        assert request.transport is not None
        peers.add(request.transport.get_extra_info("peername"))
        return web.Response(text="up 1\n")

    source = metrics(await serve(answer))
    for _ in range(3):
        await count(source, "up")
    assert len(peers) == 1


async def test_the_token_is_sent_as_a_bearer(serve: Serve, metrics: Open) -> None:
    async def guarded(request: web.Request) -> web.Response:
        allowed = request.headers.get("Authorization") == "Bearer s3cret"
        return web.Response(text="up 1\n", status=200 if allowed else 401)

    address = await serve(guarded)
    assert await count(metrics(address, token="s3cret"), "up") == 1
    with pytest.raises(RejectedBySystem, match="answered 401; it asks for a token"):
        await count(metrics(address), "up")


async def test_a_compressed_page_is_read(serve: Serve, metrics: Open) -> None:
    async def packed(_request: web.Request) -> web.Response:
        return web.Response(body=gzip.compress(b"up 1\n"), headers={"Content-Encoding": "gzip"})

    assert await count(metrics(await serve(packed)), "up") == 1


async def test_a_broken_query_has_a_problem_with_the_position_and_spoils_no_other(
    serve: Serve, metrics: Open
) -> None:
    source = metrics(await serve(answering(PAGE)))
    broken, well = await source.look(queries=[Query(text="up{"), Query(text="up")])
    assert broken == Counted(
        problem="'up{' at character 4: expected a label name, as in name{label=\"value\"}."
    )
    assert well.total == 1


async def test_where_every_query_is_broken_nothing_is_asked(metrics: Open, closed_address: str) -> None:
    assert "at character 4" in await problem(metrics(closed_address), "up{")


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
