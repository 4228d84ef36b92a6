from __future__ import annotations

import gzip

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from backout.counting import Counted, Query
from backout.errors import RejectedBySystem
from tests.adapters.asking import count, counts, problem
from tests.adapters.pages import PAGE, Open, Serve, answering


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


async def test_a_series_that_the_page_has_twice_is_a_problem_of_who_asks_for_it(
    serve: Serve, metrics: Open
) -> None:
    page = 'bad_total{a="1",b="2"} 3\nbad_total{b="2",a="1"} 3\nbad_total{a="2"} 1\nof_total 4\n'
    source = metrics(await serve(answering(page)))
    assert (
        await problem(source, "bad_total") == """'bad_total': the page has the series {a="1", b="2"} twice"""
    )
    assert await counts(source, 'bad_total{a="2"}', "of_total") == [1, 4]


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
