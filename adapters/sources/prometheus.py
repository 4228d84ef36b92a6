"""A Prometheus server, or what speaks its HTTP API: each query is PromQL that yields one number."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Literal

from pydantic import BaseModel, Field, ValidationError

from adapters.fetch import OPEN, Access, Fetcher, Page, must_be_ok
from backout.counting import Totals
from backout.errors import RejectedBySystem, Unreachable

ANSWER_LIMIT = 1024 * 1024
"""Bytes that an answer may have; that of one series has less than a thousand."""
AT_ONCE = 8
"""Queries that are under way at the same time."""
_ADVICE = {
    HTTPStatus.UNAUTHORIZED: "it does not know us; give it 'token' or 'basic', or other ones",
    HTTPStatus.FORBIDDEN: "we may not query it; give 'token' or 'basic' the right to, or give it other ones",
}
_QUERY_REFUSED = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY})


class _Series(BaseModel):
    metric: dict[str, str]
    value: tuple[float, float] | None = None
    """The time and the number; absent where the sample is a native histogram."""

    def __str__(self) -> str:
        labels = ", ".join(f'{name}="{text}"' for name, text in self.metric.items() if name != "__name__")
        return f"{self.metric.get('__name__', '')}{{{labels}}}"


class _Vector(BaseModel):
    kind: Literal["vector"] = Field(alias="resultType")
    result: list[_Series]


class _Scalar(BaseModel):
    kind: Literal["scalar"] = Field(alias="resultType")
    result: tuple[float, float]
    """The time and the number."""


class _NoNumber(BaseModel):
    kind: Literal["matrix", "string"] = Field(alias="resultType")


class _Success(BaseModel):
    data: Annotated[_Vector | _Scalar | _NoNumber, Field(discriminator="kind")]


class _Failure(BaseModel):
    error: str


class PrometheusApi:
    """Counters as PromQL; all queries of one look are evaluated at the same time."""

    def __init__(self, url: str, timeout: timedelta, access: Access = OPEN) -> None:
        self._url = f"{url.rstrip('/')}/api/v1/query"
        self._what = f"Prometheus {url}"
        self._timeout_s = timeout.total_seconds()
        self._fetcher = Fetcher(self._what, timeout=timeout, limit=ANSWER_LIMIT, access=access)
        self._places = asyncio.Semaphore(AT_ONCE)

    async def totals(self, *, queries: Sequence[tuple[str, str]]) -> tuple[Totals, ...]:
        """Return the counters of each (bad query, of query).

        Raises:
            Unreachable: the answers did not come in time.
            RejectedBySystem: it does not let us in, or a query does not yield one number.
        """
        counts = await self._counts([query for pair in queries for query in pair])
        return tuple(Totals(bad=counts[bad], of=counts[of]) for bad, of in queries)

    async def count(self, *, query: str) -> float | None:
        """Return one counter, or None where it has no data; it raises what `totals` raises."""
        return (await self._counts([query]))[query]

    async def aclose(self) -> None:
        """Close the kept-alive connections."""
        await self._fetcher.aclose()

    async def _counts(self, queries: Iterable[str]) -> dict[str, float | None]:
        try:
            async with asyncio.timeout(self._timeout_s):
                at = await self._now()
                async with asyncio.TaskGroup() as group:
                    asking = {query: group.create_task(self._number(query, at)) for query in set(queries)}
        except TimeoutError:
            why = f"{self._url} has not answered every query within {self._timeout_s:g} s"
            raise Unreachable(what=self._what, why=why) from None
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
        return {query: task.result() for query, task in asking.items()}

    async def _now(self) -> str:
        """Return the server's own time: ours may be wrong, and what is in its future has no data."""
        match await self._ask({"query": "time()"}):
            case _Scalar(result=(_, now)):
                return f"{now:.3f}"
            case _:
                raise self._no_answer()

    async def _number(self, query: str, at: str) -> float | None:
        match await self._ask({"query": query, "time": at}):
            case _Scalar(result=(_, number)):
                return _counted(number)
            case _Vector(result=[]):
                return None
            case _Vector(result=[_Series(value=(_, number))]):
                return _counted(number)
            case _Vector(result=[_]):
                raise self._refused(query, "it yields a native histogram; histogram_count(...) is a number")
            case _Vector(result=[first, *rest]):
                several = f"it yields {1 + len(rest)} series where one is needed, the first is {first}"
                raise self._refused(query, f"{several}; sum(...) makes it one")
            case other:
                raise self._refused(query, f"it yields a {other.kind} where a number is needed")

    async def _ask(self, asked: dict[str, str]) -> _Vector | _Scalar | _NoNumber:
        query = asked["query"]
        async with self._places:
            try:
                page = await self._fetcher.get(self._url, accept="application/json", fields=asked)
            except RejectedBySystem as error:
                raise self._refused(query, str(error.details["why"])) from error
        self._must_be_answered(page, query)
        try:
            return _Success.model_validate_json(page.body).data
        except ValidationError as error:
            raise self._no_answer() from error

    def _must_be_answered(self, page: Page, query: str) -> None:
        if page.status == HTTPStatus.OK:
            return
        words = _words_of(page)
        if words and page.status in _QUERY_REFUSED:
            raise self._refused(query, words)
        if words and page.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Unreachable(what=self._what, why=f"{self._url} answered {page.status}: {words}")
        if page.status in _ADVICE:
            why = f"{self._url} answered {page.status}: {_ADVICE[HTTPStatus(page.status)]}"
            raise RejectedBySystem(what=self._what, why=why)
        must_be_ok(page, what=self._what, url=self._url)

    def _refused(self, query: str, why: str) -> RejectedBySystem:
        return RejectedBySystem(what=self._what, why=f"'{query}': {why}")

    def _no_answer(self) -> RejectedBySystem:
        why = f"what {self._url} answers is not what Prometheus does; see where the address leads"
        return RejectedBySystem(what=self._what, why=why)


def _counted(number: float) -> float | None:
    """Return a count. NaN (0/0), infinite or below zero: no data, not zero."""
    return number if math.isfinite(number) and number >= 0 else None


def _words_of(page: Page) -> str:
    """Return Prometheus' own words about what is wrong; empty where they are somebody else's."""
    try:
        return _Failure.model_validate_json(page.body).error.rstrip(".")
    except ValidationError:
        return ""
