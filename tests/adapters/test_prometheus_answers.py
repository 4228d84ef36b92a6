"""What a real Prometheus answers only rarely, from a server of our own; and what it is asked."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import pytest
from aiohttp import web

from adapters.fetch import Access
from adapters.sources import prometheus
from adapters.sources.prometheus import AT_ONCE, PrometheusApi
from backout.counting import Counted, Query
from backout.errors import RejectedBySystem, Unreachable
from tests.adapters.asking import count, counts, problem

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
Serve: TypeAlias = Callable[[Handler], Awaitable[str]]
Open: TypeAlias = Callable[..., PrometheusApi]

NOW = 1_700_000_000.123
PATIENCE_S = 30


def number(value: float | str, **more: object) -> web.Response:
    """Answer one series with this value."""
    series = {"metric": {}, "value": [NOW, str(value)]}
    data = {"resultType": "vector", "result": [series]}
    return web.json_response({"status": "success", "data": data, **more})


def is_clock(request: web.Request) -> bool:
    """Say whether the server is asked for its time."""
    return request.query["query"] == "time()"


def clock() -> web.Response:
    """Answer the server's time."""
    return web.json_response({"status": "success", "data": {"resultType": "scalar", "result": [0, str(NOW)]}})


def answering(response: Callable[[], web.Response]) -> Handler:
    async def answer(request: web.Request) -> web.Response:
        return clock() if is_clock(request) else response()

    return answer


async def test_the_servers_own_time_holds_for_every_query_whatever_ours_is(serve: Serve, api: Open) -> None:
    asked: list[tuple[str, str | None]] = []

    async def answer(request: web.Request) -> web.Response:
        assert request.path == "/prometheus/api/v1/query"
        asked.append((request.query["query"], request.query.get("time")))
        return clock() if is_clock(request) else number(1)

    await api(f"{await serve(answer)}/prometheus/").look(queries=[Query(text=text) for text in "abcb"])
    assert asked[0] == ("time()", None)
    assert sorted(asked[1:]) == [(name, "1700000000.123") for name in "abc"]


async def test_equal_queries_of_a_look_are_asked_once(serve: Serve, api: Open) -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.query["query"])
        return clock() if is_clock(request) else number(len(request.query["query"]))

    source = api(await serve(answer))
    assert await counts(source, "a", "bb", "ccc", "bb", "a") == [1, 2, 3, 2, 1]
    assert sorted(asked) == ["a", "bb", "ccc", "time()"]


async def test_queries_are_asked_at_once_but_not_all(serve: Serve, api: Open) -> None:
    waiting: list[asyncio.Event] = []
    full = asyncio.Event()

    async def answer(request: web.Request) -> web.Response:
        if is_clock(request):
            return clock()
        mine = asyncio.Event()
        waiting.append(mine)
        if len(waiting) == AT_ONCE:
            full.set()
        await mine.wait()
        return number(1)

    look = asyncio.create_task(counts(api(await serve(answer)), *(f"q{n}" for n in range(16))))
    async with asyncio.timeout(PATIENCE_S):
        await full.wait()
    await asyncio.sleep(0.05)
    assert len(waiting) == AT_ONCE
    for done in range(16):
        async with asyncio.timeout(PATIENCE_S):
            while len(waiting) <= done:  # noqa: ASYNC110  # the next one comes when this one has gone
                await asyncio.sleep(0.001)
        waiting[done].set()
    assert await look == [1] * 16


async def test_the_token_is_sent_as_a_bearer(serve: Serve, api: Open) -> None:
    async def guarded(request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != "Bearer s3cret":
            return web.Response(status=401)
        return clock() if is_clock(request) else number(1)

    address = await serve(guarded)
    assert await count(api(address, access=Access(token="s3cret")), "up") == 1
    with pytest.raises(RejectedBySystem, match="answered 401: it does not know us"):
        await count(api(address), "up")


def test_what_is_shown_to_a_server_is_not_printed() -> None:
    assert "s3cret" not in repr(Access(token="s3cret", basic=("backout", "s3cret")))


async def test_a_warning_stands_beside_the_count_and_changes_nothing(serve: Serve, api: Open) -> None:
    told = answering(lambda: number("7", warnings=["some blocks are missing"], infos=["not a counter"]))
    (found,) = await api(await serve(told)).look(queries=[Query(text="up")])
    assert found == Counted(counts={"": 7}, note="Prometheus warns: some blocks are missing")


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf", "-1"])
async def test_a_value_that_counts_nothing_is_no_data(serve: Serve, api: Open, value: str) -> None:
    said = await problem(api(await serve(answering(lambda: number(value)))), "up")
    assert said == f"'up' yields {float(value):g}, which counts nothing"


@pytest.mark.parametrize(
    ("status", "body", "error", "why"),
    [
        (503, '{"status":"error","error":"query timed out"}', Unreachable, "answered 503: query timed out"),
        (503, "Service Unavailable", Unreachable, "answered 503"),
        (500, "", Unreachable, "answered 500"),
        (429, "", Unreachable, "answered 429"),
        (403, "no", RejectedBySystem, "answered 403: we may not query it; give 'token' or 'basic' the right"),
        (400, "Bad Request", RejectedBySystem, "answered 400"),
        (404, "", RejectedBySystem, "answered 404; there is nothing at this address"),
        (302, "", RejectedBySystem, "answered 302; it redirects elsewhere, which is not followed"),
        (
            200,
            "<html>Log in</html>",
            RejectedBySystem,
            "not what Prometheus does; see where the address leads",
        ),
        (200, '{"status":"success"}', RejectedBySystem, "not what Prometheus does"),
        (
            200,
            '{"data":{"resultType":"vector","result":[{"metric":{},"value":[NaN,"7"]}]}}',
            RejectedBySystem,
            "not what Prometheus does",
        ),
        (200, '{"data":{"resultType":"streams","result":[]}}', RejectedBySystem, "not what Prometheus does"),
    ],
)
async def test_an_answer_is_named_by_whether_trying_again_can_help(
    serve: Serve, api: Open, status: int, body: str, error: type[Exception], why: str
) -> None:
    headers = {"Location": "/elsewhere"} if status == 302 else {}
    address = await serve(answering(lambda: web.Response(status=status, text=body, headers=headers)))
    with pytest.raises(error, match=why):
        await count(api(address), "up")


async def test_a_server_that_cannot_tell_its_time_is_refused_as_a_whole(serve: Serve, api: Open) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.json_response({"status": "error", "error": "tenant is missing"}, status=400)

    with pytest.raises(RejectedBySystem, match="answered 400"):
        await count(api(await serve(answer)), "up")


async def test_a_native_histogram_is_refused(serve: Serve, api: Open) -> None:
    series = {"metric": {}, "histogram": [NOW, {"count": "3", "sum": "5"}]}
    data = {"status": "success", "data": {"resultType": "vector", "result": [series]}}
    said = await problem(api(await serve(answering(lambda: web.json_response(data)))), "up")
    assert said == "'up': {} is a native histogram; histogram_count(...) is a number"


async def test_an_answer_that_is_too_large_is_a_problem_of_its_query(
    serve: Serve, api: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert prometheus.ANSWER_LIMIT == 16 * 1024 * 1024
    monkeypatch.setattr(prometheus, "ANSWER_LIMIT", 1000)

    async def answer(request: web.Request) -> web.Response:
        padding = "#" * 1000 if request.query["query"] == "up" else ""
        return clock() if is_clock(request) else number(1, infos=[padding])

    source = api(await serve(answer))
    large, small = await source.look(queries=[Query(text="up"), Query(text="down")])
    assert re.fullmatch(r"'up': http.* is larger than 1000 bytes", large.problem)
    assert small.total == 1


async def silent(_request: web.Request) -> web.Response:
    await asyncio.sleep(PATIENCE_S)
    return clock()


async def test_a_look_that_takes_too_long_is_unreachable(serve: Serve, api: Open) -> None:
    with pytest.raises(Unreachable, match=r"within 0\.1 s"):
        await counts(api(await serve(silent), timeout_s=0.1), "a", "b")


async def test_a_query_that_is_too_slow_spoils_no_other(serve: Serve, api: Open) -> None:
    async def answer(request: web.Request) -> web.Response:
        if request.query["query"] == "slow":
            return await silent(request)
        return clock() if is_clock(request) else number(1)

    source = api(await serve(answer), timeout_s=0.3)
    slow, quick = await source.look(queries=[Query(text="slow"), Query(text="quick")])
    assert "'slow' within 0.3 s" in slow.problem
    assert quick.total == 1


async def test_a_failure_of_one_query_spoils_no_other(serve: Serve, api: Open) -> None:
    async def answer(request: web.Request) -> web.Response:
        if request.query["query"] == "heavy":
            return web.Response(status=503, text='{"status":"error","error":"query timed out"}')
        return clock() if is_clock(request) else number(1)

    heavy, light = await api(await serve(answer)).look(queries=[Query(text="heavy"), Query(text="light")])
    assert "answered 503: query timed out" in heavy.problem
    assert light.total == 1


async def test_no_queries_are_not_asked(api: Open, closed_address: str) -> None:
    assert await api(closed_address).look(queries=[]) == ()


async def test_a_server_that_is_gone_is_unreachable(api: Open, closed_address: str) -> None:
    with pytest.raises(Unreachable, match=r"Prometheus http://127\.0\.0\.1:\d+ did not answer"):
        await counts(api(closed_address), "a", "b")
