"""What range queries answer only rarely, from a server of our own; and what they ask."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import pytest
from aiohttp import web

from adapters.sources import prometheus
from adapters.sources.prometheus import PrometheusApi
from backout.counting import Counted, Query
from backout.errors import Unreachable

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
Serve: TypeAlias = Callable[[Handler], Awaitable[str]]
Open: TypeAlias = Callable[..., PrometheusApi]

NOW = 1_700_000_000.123
START = datetime.fromtimestamp(NOW, UTC)
TICK = timedelta(seconds=15)


def runs(*runs: tuple[dict[str, str], list[tuple[float, str]]]) -> web.Response:
    """Answer these series over some time."""
    result = [{"metric": metric, "values": values} for metric, values in runs]
    return web.json_response({"status": "success", "data": {"resultType": "matrix", "result": result}})


async def recalled(source: PrometheusApi, *queries: Query, ticks: int) -> list[list[Counted]]:
    """Return what the source recalls of so many ticks."""
    end = START + (ticks - 1) * TICK
    found = await source.history(queries=queries, start=START, end=end, tick=TICK)
    return [list(counted) for counted in found]


async def test_a_long_history_is_asked_in_parts_that_the_server_answers(
    serve: Serve, api: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert prometheus.POINTS_AT_ONCE < 11_000
    monkeypatch.setattr(prometheus, "POINTS_AT_ONCE", 3)
    asked: list[tuple[float, float]] = []

    async def answer(request: web.Request) -> web.Response:
        assert request.path == "/api/v1/query_range"
        assert request.query["step"] == "15.000"
        start, end = (float(request.query[name]) for name in ("start", "end"))
        asked.append((start - NOW, end - NOW))
        points = range(round((end - start) / 15) + 1)
        return runs(({}, [(start + 15 * n, str(start - NOW + 15 * n)) for n in points]))

    (found,) = await recalled(api(await serve(answer)), Query(text="a"), ticks=7)
    assert [counted.total for counted in found] == pytest.approx([15 * n for n in range(7)], abs=0.01)
    assert asked == [(0, 30), (45, 75), (90, 90)]


async def test_a_gap_and_a_value_that_counts_nothing_are_no_data_at_their_ticks(
    serve: Serve, api: Open
) -> None:
    values = [(NOW, "1"), (NOW + 30, "NaN"), (NOW + 45, "4")]

    async def answer(_request: web.Request) -> web.Response:
        return runs(({}, values))

    (found,) = await recalled(api(await serve(answer)), Query(text="a"), ticks=5)
    assert [counted.total for counted in found] == [1, None, None, 4, None]
    assert found[2].problem == "'a' yields nan, which counts nothing"


async def test_several_series_are_a_problem_only_where_they_meet(serve: Serve, api: Open) -> None:
    async def answer(_request: web.Request) -> web.Response:
        old = ({"replica": "old"}, [(NOW, "1"), (NOW + 15, "2")])
        return runs(old, ({"replica": "new"}, [(NOW + 15, "1"), (NOW + 30, "2")]))

    (found,) = await recalled(api(await serve(answer)), Query(text="a"), ticks=3)
    assert [counted.total for counted in found] == [1, None, 2]
    assert "it yields 2 series where one is needed" in found[1].problem


async def test_history_has_cohorts(serve: Serve, api: Open) -> None:
    async def answer(request: web.Request) -> web.Response:
        assert request.query["query"] == "sum by (language) (\na\n)"
        return runs(({"language": "en"}, [(NOW, "5")]), ({"language": "de"}, [(NOW, "2"), (NOW + 15, "3")]))

    (found,) = await recalled(api(await serve(answer)), Query(text="a", by="language"), ticks=2)
    assert [counted.counts for counted in found] == [{"en": 5, "de": 2}, {"de": 3}]


async def test_a_history_of_no_time_is_empty(api: Open, closed_address: str) -> None:
    assert await recalled(api(closed_address), Query(text="a"), ticks=0) == [[]]


async def test_a_server_that_is_gone_has_no_history(api: Open, closed_address: str) -> None:
    with pytest.raises(Unreachable):
        await recalled(api(closed_address), Query(text="a"), ticks=2)
