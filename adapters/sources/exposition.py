"""A service's own metrics page in the Prometheus text format, read without a Prometheus."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Iterable, Sequence
from datetime import timedelta

from prometheus_client.parser import text_string_to_metric_families

from adapters.fetch import Access, Fetcher, must_be_ok
from adapters.sources.selector import QueryBroken, Selector, parse_selector
from backout.counting import Totals
from backout.errors import RejectedBySystem

PAGE_LIMIT = 16 * 1024 * 1024
"""Bytes that a metrics page may have."""
_ACCEPT = "text/plain; version=0.0.4; charset=utf-8"
_OTHER_MEDIA = frozenset({"application/json", "text/html"})
# A line of the format is empty, a comment or a sample; anything else is not a metrics page.
_FOREIGN_LINE = re.compile(r"^(?![ \t\r]*(?:$|#|[a-zA-Z_:{]))[^\n]*", re.MULTILINE)


class ExpositionMetrics:
    """Counters of one page; every look is one fetch, however many queries it answers."""

    def __init__(self, url: str, timeout: timedelta, token: str | None = None) -> None:
        self._url = url
        self._what = f"metrics page {url}"
        self._fetcher = Fetcher(self._what, timeout=timeout, limit=PAGE_LIMIT, access=Access(token=token))

    async def totals(self, *, queries: Sequence[tuple[str, str]]) -> tuple[Totals, ...]:
        """Return the counters of each (bad query, of query), all from one page.

        Raises:
            Unreachable: the page did not come.
            RejectedBySystem: a query cannot be read, or the page is no metrics page.
        """
        counts = await self._counts([query for pair in queries for query in pair])
        return tuple(Totals(bad=counts[bad], of=counts[of]) for bad, of in queries)

    async def count(self, *, query: str) -> float | None:
        """Return one counter, or None where no series matches; it raises what `totals` raises."""
        return (await self._counts([query]))[query]

    async def aclose(self) -> None:
        """Close the kept-alive connection."""
        await self._fetcher.aclose()

    async def _counts(self, queries: Iterable[str]) -> dict[str, float | None]:
        selectors = {query: self._parse_query(query) for query in queries}
        page = must_be_ok(await self._fetcher.get(self._url, accept=_ACCEPT), what=self._what, url=self._url)
        if page.media_type in _OTHER_MEDIA:
            raise RejectedBySystem(what=self._what, why=f"it is {page.media_type}, not metrics")
        # A large page takes a while to read; meanwhile the loop must go on heartbeating.
        return await asyncio.to_thread(self._count_page, page.body, selectors)

    def _parse_query(self, query: str) -> Selector:
        try:
            return parse_selector(query)
        except QueryBroken as error:
            raise RejectedBySystem(what=self._what, why=str(error).rstrip(".")) from error

    def _count_page(self, body: bytes, selectors: dict[str, Selector]) -> dict[str, float | None]:
        try:
            text = body.decode("utf-8")
        except UnicodeDecodeError as error:
            raise RejectedBySystem(what=self._what, why=f"byte {error.start} of it is not UTF-8") from error
        if foreign := _FOREIGN_LINE.search(text):
            raise self._not_metrics(text, foreign.start())
        found: dict[str, list[float]] = {query: [] for query in selectors}
        for line in _lines_of(text, {selector.name for selector in selectors.values()}):
            for name, labels, value in self._samples(text, line):
                for query, selector in selectors.items():
                    if selector.accepts(name, labels):
                        found[query].append(value)
        return {query: _sum(values) for query, values in found.items()}

    def _samples(self, text: str, line: re.Match[str]) -> list[tuple[str, dict[str, str], float]]:
        try:
            families = list(text_string_to_metric_families(line[0]))
        except ValueError as error:
            raise self._not_metrics(text, line.start()) from error
        return [
            (sample.name, sample.labels, sample.value) for family in families for sample in family.samples
        ]

    def _not_metrics(self, text: str, position: int) -> RejectedBySystem:
        number = text.count("\n", 0, position) + 1
        line = text[position:].partition("\n")[0][:80]
        return RejectedBySystem(what=self._what, why=f"line {number} of it is no metric: {line!r}")


def _lines_of(text: str, names: set[str]) -> Iterable[re.Match[str]]:
    """Find the samples of these metrics; parsing the rest of a large page would be most of the cost."""
    wanted = "|".join(re.escape(name) for name in sorted(names))
    return re.finditer(rf"^[ \t]*(?:{wanted})(?=[{{ \t])[^\n]*", text, re.MULTILINE)


def _sum(values: list[float]) -> float | None:
    """Add up the series. No series, NaN (0/0), an infinite or a negative counter: no data, not zero."""
    if not values or not all(math.isfinite(value) and value >= 0 for value in values):
        return None
    return float(sum(values))
