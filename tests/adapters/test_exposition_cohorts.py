"""Cohorts and distributions of a metrics page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import pytest
from aiohttp import web

from adapters.sources.exposition import ExpositionMetrics
from backout.counting import UNLABELLED, Counted, Query
from backout.errors import NoHistory
from tests.adapters.asking import answer, problem, values

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
Serve: TypeAlias = Callable[[Handler], Awaitable[str]]
Open: TypeAlias = Callable[..., ExpositionMetrics]


def answering(body: str) -> Handler:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text=body)

    return answer


COHORTS = """\
judged_total{language="en",replica="a"} 90
judged_total{language="en",replica="b"} 10
judged_total{language="de"} 7
judged_total 3
judged_total{language="fr",release="r2"} NaN
"""


async def test_cohorts_are_told_apart_by_their_label(serve: Serve, metrics: Open) -> None:
    source = metrics(await serve(answering(COHORTS)))
    found = await answer(source, 'judged_total{release=""}', by="language")
    assert found.counts == {"en": 100, "de": 7, UNLABELLED: 3}


async def test_a_cohort_that_counts_nothing_leaves_no_data_for_any(serve: Serve, metrics: Open) -> None:
    source = metrics(await serve(answering(COHORTS)))
    said = await problem(source, "judged_total", by="language")
    assert said == "'judged_total' yields nan for language='fr', which counts nothing"


async def test_a_label_that_no_series_has_is_a_problem(serve: Serve, metrics: Open) -> None:
    source = metrics(await serve(answering(COHORTS)))
    said = await problem(source, 'judged_total{release=""}', by="region")
    assert said == "'judged_total{release=\"\"}': no series has the label 'region'"


async def test_no_series_has_no_cohort(serve: Serve, metrics: Open) -> None:
    assert await answer(metrics(await serve(answering(COHORTS))), "up", by="language") == Counted()


HISTOGRAM = """\
latency_bucket{release="r1",le="1"} 5
latency_bucket{release="r1",le="2.50"} 8
latency_bucket{release="r1",le="+Inf"} 10
latency_count{release="r1"} 10
latency_sum{release="r1"} 17
latency_bucket{release="r2",le="1.0"} 1
latency_bucket{release="r2",le="5e+00"} 2
latency_bucket{release="r2",le="+Inf"} 4
latency_count{release="r2"} 4
latency_bucket{le="?"} 4
"""


@pytest.mark.parametrize(
    ("text", "up_to", "number"),
    [
        ('latency{release="r1"}', None, 10),
        ('latency{release="r1"}', 1, 5),
        ('latency{release="r1"}', 2.5, 8),
        ('latency{release="r2"}', 5, 2),
        ("latency", 1, 6),
        ("latency", None, 14),
        ("latency", float("inf"), 14),
    ],
)
async def test_the_values_of_a_distribution_are_counted_up_to_a_bound_however_it_is_written(
    serve: Serve, metrics: Open, text: str, up_to: float | None, number: float
) -> None:
    assert (await values(metrics(await serve(answering(HISTOGRAM))), text, up_to=up_to)).total == number


@pytest.mark.parametrize(
    ("text", "up_to", "known"),
    [
        pytest.param('latency{release="r1"}', 2, "1, 2.5, inf", id="no series has it"),
        pytest.param("latency", 2.5, "1, 2.5, 5, inf", id="only some series have it"),
    ],
)
async def test_a_bound_at_which_a_bucket_is_lacking_is_a_problem_that_names_those_that_there_are(
    serve: Serve, metrics: Open, text: str, up_to: float, known: str
) -> None:
    found = await values(metrics(await serve(answering(HISTOGRAM))), text, up_to=up_to)
    why = f"not every series has a bucket that ends at {up_to:g}; there are {known}"
    assert found == Counted(problem=f"'{text}': {why}")


async def test_a_distribution_that_is_not_there_is_no_data(serve: Serve, metrics: Open) -> None:
    source = metrics(await serve(answering(HISTOGRAM)))
    assert await values(source, "duration", up_to=1) == Counted()
    assert await values(source, "duration") == Counted()


async def test_a_distribution_may_be_split_into_cohorts(serve: Serve, metrics: Open) -> None:
    source = metrics(await serve(answering(HISTOGRAM)))
    assert (await values(source, "latency", up_to=1, by="release")).counts == {"r1": 5, "r2": 1}


async def test_a_page_has_no_history(metrics: Open) -> None:
    now = datetime(2026, 1, 5, tzinfo=UTC)
    with pytest.raises(NoHistory, match="metrics page http://x/metrics knows only the present"):
        await metrics("http://x").history(
            queries=[Query(text="up")], start=now, end=now, tick=timedelta(seconds=1)
        )
