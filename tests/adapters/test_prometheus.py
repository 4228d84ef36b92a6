"""Against a real Prometheus."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, TypeAlias
from wsgiref.simple_server import WSGIServer

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server

from adapters.sources.prometheus import PrometheusApi
from backout.counting import UNLABELLED, Counted, Query
from tests import monitoring
from tests.adapters.asking import answer, count, counts, values

Open: TypeAlias = Callable[..., PrometheusApi]

SCRAPING = """
global: {scrape_interval: 1s}
scrape_configs:
  - {job_name: chat, static_configs: [{targets: [TARGETS]}]}
"""
PATIENCE_S = 30
TICK = timedelta(seconds=15)


class Real(NamedTuple):
    """A Prometheus that watches three replicas of a service."""

    address: str
    leaving: WSGIServer
    """The page of the replica that a test may end; it alone counts `leaving_total`."""


@contextmanager
def replica(name: str, registry: CollectorRegistry | None = None, **counted: int) -> Iterator[WSGIServer]:
    """Serve the metrics page of one replica: a counter by status code, and what the registry has already."""
    registry = registry or CollectorRegistry()
    counter = Counter(name, "Answers.", ["release", "code"], registry=registry)
    for code, number in counted.items():
        counter.labels("2026.11+b1", code.removeprefix("code")).inc(number)
    server, _ = start_http_server(0, addr="127.0.0.1", registry=registry)
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def histograms() -> CollectorRegistry:
    """Return histograms; of one of them, another replica has other buckets."""
    registry = CollectorRegistry()
    took = Histogram("took_s", "Time.", ["release"], registry=registry, buckets=(0.001, 1, 2.5, 1e6))
    for value in (0.001, 0.5, 2, 2.5, 3, 4, 1e6, 1e7):
        took.labels("r2").observe(value)
    took.labels("r1").observe(3)
    Histogram("mixed_s", "Time.", registry=registry, buckets=(1, 2.5)).observe(2)
    return registry


@pytest.fixture(scope="module")
async def real(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Real]:
    with ExitStack() as stack:
        first = stack.enter_context(replica("answers", histograms(), code200=90, code500=10))
        mixed = CollectorRegistry()
        Histogram("mixed_s", "Time.", registry=mixed, buckets=(1, 5)).observe(2)
        second = stack.enter_context(replica("answers", mixed, code200=900))
        third = stack.enter_context(replica("leaving", code200=7))
        targets = ", ".join(f"'127.0.0.1:{server.server_port}'" for server in (first, second, third))
        config = SCRAPING.replace("TARGETS", targets)
        folder = tmp_path_factory.mktemp("prometheus")
        address = f"http://{stack.enter_context(monitoring.prometheus(folder, config))}/"
        source = PrometheusApi(address, timedelta(seconds=20))
        await until(source, "sum(answers_total) + sum(leaving_total) + sum(mixed_s_count)", 1009)
        await source.aclose()
        yield Real(address, third)


async def until(source: PrometheusApi, query: str, wanted: float | None) -> None:
    """Wait until a query has this answer."""
    async with asyncio.timeout(PATIENCE_S):
        while await count(source, query) != wanted:  # noqa: ASYNC110  # it happens in another process
            await asyncio.sleep(0.05)


@monitoring.NEEDED
@pytest.mark.parametrize(
    ("query", "number"),
    [
        pytest.param("sum(answers_total)", 1000, id="a sum over replicas"),
        pytest.param('answers_total{code="500"}', 10, id="the only series that matches"),
        pytest.param('sum(answers_total{release="2026.11+b1"})', 1000, id="the series of a release"),
        pytest.param("sum(answers_total) / 8", 125, id="whatever PromQL can calculate"),
        pytest.param("scalar(sum(answers_total))", 1000, id="a scalar"),
        pytest.param("vector(0)", 0, id="zero is a count"),
        pytest.param('answers_total{code="404"}', None, id="nothing matches"),
        pytest.param("sum(no_such_total)", None, id="a sum of nothing"),
        pytest.param("0 / 0", None, id="not a number"),
        pytest.param("scalar(answers_total)", None, id="a scalar of many series"),
        pytest.param("1 / 0", None, id="infinite"),
        pytest.param("-sum(answers_total)", None, id="below zero"),
    ],
)
async def test_a_query_is_a_number_or_no_data_and_never_a_made_up_zero(
    real: Real, api: Open, query: str, number: float | None
) -> None:
    assert await count(api(real.address), query) == number


@monitoring.NEEDED
@pytest.mark.parametrize(
    ("query", "why"),
    [
        pytest.param(
            'answers_total{code="200"}',
            r"yields 2 series where one is needed, the first is answers_total\{code=\"200\", instance=\"127.*"
            r"\}; sum\(\.\.\.\) makes it one$",
            id="many series",
        ),
        pytest.param("sum(", r"'sum\(': .*parse error: unclosed left parenthesis$", id="no PromQL"),
        pytest.param(
            "answers_total / on(release) answers_total",
            "found duplicate series for the match group",
            id="PromQL that cannot be evaluated",
        ),
        pytest.param("answers_total[5m]", "': it yields a matrix where a number is needed", id="a range"),
        pytest.param("'text'", "yields a string where a number is needed", id="a text"),
    ],
)
async def test_a_query_that_makes_no_sense_is_named_with_the_reason_and_spoils_no_other(
    real: Real, api: Open, query: str, why: str
) -> None:
    broken, well = await api(real.address).look(queries=[Query(text=query), Query(text="vector(2)")])
    assert re.search(why, broken.problem)
    assert (broken.counts, well.total) == ({}, 2)


@monitoring.NEEDED
async def test_numerator_and_denominator_are_counted_apart(real: Real, api: Open) -> None:
    bad, of = 'sum(answers_total{code=~"5.."})', "sum(answers_total)"
    assert await counts(api(real.address), bad, of, "sum(no_such_total)") == [10, 1000, None]


@monitoring.NEEDED
async def test_all_queries_of_a_look_are_evaluated_at_one_time(real: Real, api: Open) -> None:
    queries = [f"time() + 0 * {n}" for n in range(40)]
    source = api(real.address)
    first, second = await counts(source, *queries), await counts(source, *queries)
    assert len(set(first)) == 1
    assert second[0] != first[0]


@monitoring.NEEDED
async def test_the_last_value_bridges_a_replica_that_is_not_seen(real: Real, api: Open) -> None:
    source = api(real.address)
    real.leaving.shutdown()
    real.leaving.server_close()
    await until(source, "sum(leaving_total)", None)
    assert await count(source, "sum(last_over_time(leaving_total[5m]))") == 7


@monitoring.NEEDED
async def test_cohorts_are_told_apart_by_their_label(real: Real, api: Open) -> None:
    source = api(real.address)
    assert (await answer(source, "answers_total # all", by="code")).counts == {"200": 990, "500": 10}
    unlabelled = "answers_total or sum(answers_total)"
    assert (await answer(source, unlabelled, by="code")).counts[UNLABELLED] == 1000
    assert await answer(source, "no_such_total", by="code") == Counted()
    assert "no series has the label 'region'" in (await answer(source, "answers_total", by="region")).problem
    assert "parse error" in (await answer(source, "sum(", by="code")).problem
    assert "expected type instant vector" in (await answer(source, "1", by="code")).problem


@monitoring.NEEDED
@pytest.mark.parametrize(
    ("up_to", "number"),
    [(None, 8), (1, 2), (2.5, 4), (0.001, 1), (1e6, 7), (float("inf"), 8)],
)
async def test_the_values_of_a_histogram_are_counted_up_to_a_bound_however_it_is_written(
    real: Real, api: Open, up_to: float | None, number: float
) -> None:
    assert (await values(api(real.address), 'took_s{release="r2", }', up_to=up_to)).total == number


@monitoring.NEEDED
async def test_the_values_of_a_histogram_have_cohorts_too(real: Real, api: Open) -> None:
    source = api(real.address)
    assert (await values(source, "took_s", by="release")).counts == {"r1": 1, "r2": 8}
    assert (await values(source, "took_s{}", up_to=2.5, by="release")).counts == {"r1": 0, "r2": 4}


@monitoring.NEEDED
async def test_a_bound_at_which_a_bucket_is_lacking_is_a_problem(real: Real, api: Open) -> None:
    source = api(real.address)
    lacking = "'took_s': not every series has a bucket that ends at 2; there are 0.001, 1, 2.5, 1e+06, inf"
    assert await values(source, "took_s", up_to=2) == Counted(problem=lacking)
    some = '{__name__=~"took_s|odd_s"}'
    assert "expected a metric name" in (await values(source, some, up_to=1)).problem
    assert (
        "not every series has a bucket that ends at 2.5"
        in (await values(source, "mixed_s", up_to=2.5)).problem
    )
    assert await values(source, "no_such_s", up_to=2) == Counted()


@monitoring.NEEDED
async def test_history_is_what_looks_have_seen(real: Real, api: Open) -> None:
    source = api(real.address)
    total, split = Query(text="sum(answers_total)"), Query(text="answers_total", by="code")
    broken, lacking = Query(text="sum("), Query(text="took_s", part="values", up_to=2)
    ended = datetime.now(UTC)
    found = await source.history(
        queries=[total, split, broken, lacking],
        start=ended - timedelta(minutes=30),
        end=ended,
        tick=TICK,
    )
    assert [len(counted) for counted in found] == [121] * 4
    assert found[0][0] == Counted()
    assert found[0][-1].total == 1000
    assert found[1][-1].counts == {"200": 990, "500": 10}
    assert {counted.counts == {} and "parse error" in counted.problem for counted in found[2]} == {True}
    assert {"has a bucket that ends at 2" in counted.problem for counted in found[3]} == {True}


@monitoring.NEEDED
async def test_what_lies_in_the_servers_future_is_no_data(real: Real, api: Open) -> None:
    start = datetime.now(UTC) + timedelta(minutes=30)
    (found,) = await api(real.address).history(
        queries=[Query(text="sum(answers_total)")], start=start, end=start + timedelta(minutes=1), tick=TICK
    )
    assert found == (Counted(),) * 5


@monitoring.NEEDED
async def test_a_month_of_history_is_more_than_one_range_query_answers(real: Real, api: Open) -> None:
    ended, tick = datetime.now(UTC), timedelta(seconds=60)
    (found,) = await api(real.address).history(
        queries=[Query(text="vector(3)")], start=ended - 12_000 * tick, end=ended, tick=tick
    )
    assert [counted.total for counted in found] == [3] * 12_001
