"""A Prometheus server, or what speaks its HTTP API: each query is PromQL that yields one number."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Literal, TypeAlias

from pydantic import ValidationError

from adapters.fetch import OPEN, Access, Fetcher, Page, must_be_ok
from adapters.sources.prometheus_answers import (
    Data,
    Labels,
    Matrix,
    Sample,
    Scalar,
    Success,
    Vector,
    bounds_of,
    counted,
    words_of,
)
from adapters.sources.promql import buckets, promql
from adapters.sources.selector import QueryBroken
from adapters.sources.tally import no_bucket
from backout.counting import Counted, Query
from backout.errors import BackoutError, RejectedBySystem, Unreachable

ANSWER_LIMIT = 16 * 1024 * 1024
"""Bytes that an answer may have; a point of history has about thirty."""
AT_ONCE = 8
"""Queries that are under way at the same time."""
POINTS_AT_ONCE = 5000
"""Points that one range query asks for; Prometheus answers no more than 11,000."""
_ADVICE = {
    HTTPStatus.UNAUTHORIZED: "it does not know us; give it 'token' or 'basic', or other ones",
    HTTPStatus.FORBIDDEN: "we may not query it; give 'token' or 'basic' the right to, or give it other ones",
}
_QUERY_REFUSED = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY})
Answers: TypeAlias = tuple[Counted, ...]
"""What one query counted at each tick; one, for a look."""


class QueryRefused(BackoutError):
    """'{query}': {why}."""


class PrometheusApi:
    """Counters as PromQL; all queries of one look are evaluated at the same time."""

    def __init__(self, url: str, timeout: timedelta, access: Access = OPEN) -> None:
        self._url = f"{url.rstrip('/')}/api/v1/query"
        self._what = f"Prometheus {url}"
        self._timeout_s = timeout.total_seconds()
        self._fetcher = Fetcher(self._what, timeout=timeout, limit=ANSWER_LIMIT, access=access)
        self._places = asyncio.Semaphore(AT_ONCE)

    async def look(self, *, queries: Sequence[Query]) -> tuple[Counted, ...]:
        """Return what each query counts, all at one time. A query that is too slow spoils no other.

        Raises:
            Unreachable: no query was answered in time.
            RejectedBySystem: it does not let us in, or it is no Prometheus.
        """
        ends = asyncio.get_running_loop().time() + self._timeout_s
        at = await self._now() if queries else ""

        async def count(query: Query) -> Answers:
            try:
                async with asyncio.timeout_at(ends):
                    return (await self._count(query, at),)
            except TimeoutError:
                why = f"{self._url} has not answered '{query.text}' within {self._timeout_s:g} s"
                raise Unreachable(what=self._what, why=why) from None

        found = await _each(queries, count, ticks=1)
        return tuple(found[query][0] for query in queries)

    async def history(
        self, *, queries: Sequence[Query], start: datetime, end: datetime, tick: timedelta
    ) -> tuple[Answers, ...]:
        """Return what each query counted at every tick, as looks at those times would have.

        Raises:
            Unreachable: no query was answered; each request has the time of a look.
            RejectedBySystem: it does not let us in, or it is no Prometheus.
        """
        ticks = max(0, (end - start) // tick + 1)

        async def recall(query: Query) -> Answers:
            return await self._recall(query, start, tick, ticks)

        found = await _each(queries, recall, ticks=ticks)
        return tuple(found[query] for query in queries)

    async def aclose(self) -> None:
        """Close the kept-alive connections."""
        await self._fetcher.aclose()

    async def _now(self) -> str:
        """Return the server's own time: ours may be wrong, and what is in its future has no data."""
        match (await self._ask("", query="time()")).data:
            case Scalar(result=(_, now)):
                return f"{now:.3f}"
            case _:
                raise self._no_answer()

    async def _count(self, query: Query, at: str) -> Counted:
        answer = await self._ask(query.text, query=promql(query), time=at)
        said = await self._told(query, answer.data, at)
        return said.model_copy(update={"note": answer.note}) if said.counts else said

    async def _told(self, query: Query, data: Data, at: str) -> Counted:
        match data:
            case Scalar(result=sample):
                return counted(query, [({}, sample)])
            case Vector(result=[]):
                return await self._nothing(query, at)
            case Vector(result=series):
                return counted(query, [(one.metric, one.value) for one in series])
            case other:
                raise QueryRefused(query=query.text, why=f"it yields a {other.kind} where a number is needed")

    async def _recall(self, query: Query, start: datetime, tick: timedelta, ticks: int) -> Answers:
        seen: dict[int, list[tuple[Labels, Sample | None]]] = {}
        for first in range(0, ticks, POINTS_AT_ONCE):
            last = min(first + POINTS_AT_ONCE, ticks) - 1
            span = {"start": _time(start + first * tick), "end": _time(start + last * tick)}
            step = f"{tick.total_seconds():.3f}"
            answer = await self._ask(query.text, "_range", query=promql(query), step=step, **span)
            for number, labels, sample in _points(answer.data, start, tick):
                seen.setdefault(number, []).append((labels, sample))
        nothing = Counted() if seen or not ticks else await self._nothing(query, _time(start + ticks * tick))
        return tuple(counted(query, seen[number]) if number in seen else nothing for number in range(ticks))

    async def _nothing(self, query: Query, at: str) -> Counted:
        """Return no data, and why if it is for the lack of a bucket."""
        if query.up_to is None:
            return Counted()
        bounds = bounds_of((await self._ask(query.text, query=buckets(query), time=at)).data)
        return no_bucket(query, bounds) if bounds else Counted()

    async def _ask(self, name: str, over: Literal["", "_range"] = "", **asked: str) -> Success:
        """Evaluate an expression; `name` is what people call it."""
        async with self._places:
            try:
                page = await self._fetcher.get(self._url + over, accept="application/json", fields=asked)
            except RejectedBySystem as error:
                if not name:
                    raise
                raise QueryRefused(query=name, why=error.details["why"]) from error
        self._must_be_answered(page, name)
        try:
            return Success.model_validate_json(page.body)
        except ValidationError as error:
            raise self._no_answer() from error

    def _must_be_answered(self, page: Page, name: str) -> None:
        if page.status == HTTPStatus.OK:
            return
        words = words_of(page)
        if name and words and page.status in _QUERY_REFUSED:
            raise QueryRefused(query=name, why=words)
        if words and page.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Unreachable(what=self._what, why=f"{self._url} answered {page.status}: {words}")
        if page.status in _ADVICE:
            why = f"{self._url} answered {page.status}: {_ADVICE[HTTPStatus(page.status)]}"
            raise RejectedBySystem(what=self._what, why=why)
        must_be_ok(page, what=self._what, url=self._url)

    def _no_answer(self) -> RejectedBySystem:
        why = f"what {self._url} answers is not what Prometheus does; see where the address leads"
        return RejectedBySystem(what=self._what, why=why)


async def _each(
    queries: Sequence[Query], ask: Callable[[Query], Awaitable[Answers]], *, ticks: int
) -> dict[Query, Answers]:
    """Ask each query once, all at the same time. One that fails has a problem; where all fail, raise."""

    async def settle(query: Query) -> Answers | BackoutError:
        try:
            return await ask(query)
        except (QueryBroken, QueryRefused) as error:
            return (Counted(problem=str(error).rstrip(".")),) * ticks
        except (RejectedBySystem, Unreachable) as error:
            return error

    async with asyncio.TaskGroup() as group:
        asking = {query: group.create_task(settle(query)) for query in dict.fromkeys(queries)}
    settled = {query: task.result() for query, task in asking.items()}
    failures = [one for one in settled.values() if isinstance(one, BackoutError)]
    if failures and len(failures) == len(settled):
        raise failures[0]
    return {
        query: (Counted(problem=str(one)),) * ticks if isinstance(one, BackoutError) else one
        for query, one in settled.items()
    }


def _points(data: Data, start: datetime, tick: timedelta) -> Iterator[tuple[int, Labels, Sample]]:
    """Yield every value with the number of its tick."""
    for run in data.result if isinstance(data, Matrix) else ():
        for sample in run.values:
            yield round((sample[0] - start.timestamp()) / tick.total_seconds()), run.metric, sample


def _time(moment: datetime) -> str:
    return f"{moment.timestamp():.3f}"
