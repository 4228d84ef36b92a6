"""A service's own metrics page in the Prometheus text format, read without a Prometheus."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from prometheus_client.parser import text_string_to_metric_families

from adapters.fetch import Access, Fetcher, must_be_ok
from adapters.sources.selector import QueryBroken, Selector, parse_selector
from adapters.sources.tally import bound_of, no_bucket, tally
from backout.counting import Counted, Query
from backout.errors import NoHistory, RejectedBySystem

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

    async def look(self, *, queries: Sequence[Query]) -> tuple[Counted, ...]:
        """Return what each query counts, all from one page.

        Raises:
            Unreachable: the page did not come.
            RejectedBySystem: the page is no metrics page, or we may not read it.
        """
        wanted: dict[Query, _Wanted] = {}
        answers: dict[Query, Counted] = {}
        for query in queries:
            try:
                wanted[query] = _Wanted(query)
            except QueryBroken as error:
                answers[query] = Counted(problem=str(error))
        if wanted:
            body = await self._fetch()
            # A large page takes a while to read; meanwhile the loop must go on heartbeating.
            await asyncio.to_thread(self._read, body, tuple(wanted.values()))
        answers |= {query: one.counted() for query, one in wanted.items()}
        return tuple(answers[query] for query in queries)

    async def history(
        self,
        *,
        queries: Sequence[Query],  # noqa: ARG002  # the port's shape
        start: datetime,  # noqa: ARG002  # as above
        end: datetime,  # noqa: ARG002  # as above
        tick: timedelta,  # noqa: ARG002  # as above
    ) -> tuple[tuple[Counted, ...], ...]:
        """Raise NoHistory: a page has the present only."""
        raise NoHistory(what=self._what)

    async def aclose(self) -> None:
        """Close the kept-alive connection."""
        await self._fetcher.aclose()

    async def _fetch(self) -> bytes:
        page = must_be_ok(await self._fetcher.get(self._url, accept=_ACCEPT), what=self._what, url=self._url)
        if page.media_type in _OTHER_MEDIA:
            raise RejectedBySystem(what=self._what, why=f"it is {page.media_type}, not metrics")
        return page.body

    def _read(self, body: bytes, wanted: Sequence[_Wanted]) -> None:
        """Give every sample of the page to whoever wants it."""
        try:
            text = body.decode("utf-8")
        except UnicodeDecodeError as error:
            raise RejectedBySystem(what=self._what, why=f"byte {error.start} of it is not UTF-8") from error
        if foreign := _FOREIGN_LINE.search(text):
            raise self._not_metrics(text, foreign.start())
        takers = _Takers(wanted)
        for line in _lines_of(text, {one.selector.name for one in wanted}):
            for name, labels, value in self._samples(text, line):
                for one in takers.of(name, labels):
                    one.take(labels, value)

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


class _Wanted:
    """The samples that answer one query. `QueryBroken`: it cannot be read."""

    def __init__(self, query: Query) -> None:
        self._query = query
        self.selector = _selector(query)
        self._found: list[tuple[str, float]] = []
        self._bounds: list[float] = []
        """Where every bucket of every series ends."""
        self._seen: set[frozenset[tuple[str, str]]] = set()
        self._twice = ""
        """A series that the page has twice: its numbers would count twice."""

    def take(self, labels: dict[str, str], value: float) -> None:
        """Take a sample that the selector accepts; of a histogram's buckets, only that of the bound."""
        if self._query.up_to is not None:
            bound = bound_of(labels)
            self._bounds += [] if bound is None else [bound]
            if bound != self._query.up_to:
                return
        series = frozenset(labels.items())
        if series in self._seen:
            self._twice = ", ".join(f'{label}="{text}"' for label, text in sorted(labels.items()))
            self._twice = f"the page has the series {{{self._twice}}} twice"
        self._seen.add(series)
        self._found.append((labels.get(self._query.by or "", ""), value))

    def counted(self) -> Counted:
        """Return what the samples amount to."""
        if self._twice:
            return Counted(problem=f"'{self._query.text}': {self._twice}")
        series = max(map(self._bounds.count, set(self._bounds)), default=0)
        if series > len(self._found):
            return no_bucket(self._query, self._bounds)
        return tally(self._query, self._found)


class _Takers:
    """Finds who wants a sample without asking everybody: a thousand releases may want one each."""

    def __init__(self, wanted: Sequence[_Wanted]) -> None:
        shared = Counter((one.selector.name, *demand) for one in wanted for demand in one.selector.demands)
        self._by_demand: dict[tuple[str, str, str], list[_Wanted]] = {}
        for one in wanted:
            name = one.selector.name
            rarest = min(
                ((name, *demand) for demand in one.selector.demands), key=shared.__getitem__, default=None
            )
            self._by_demand.setdefault(rarest or (name, "", ""), []).append(one)

    def of(self, name: str, labels: dict[str, str]) -> Iterator[_Wanted]:
        """Yield everybody who wants this sample."""
        for label, value in (("", ""), *labels.items()):
            for one in self._by_demand.get((name, label, value), ()):
                if one.selector.accepts(name, labels):
                    yield one


def _selector(query: Query) -> Selector:
    selector = parse_selector(query.text)
    if query.part == "events":
        return selector
    suffix = "_count" if query.up_to is None else "_bucket"
    return selector._replace(name=selector.name + suffix)


def _lines_of(text: str, names: set[str]) -> Iterable[re.Match[str]]:
    """Find the samples of these metrics; parsing the rest of a large page would be most of the cost."""
    wanted = "|".join(re.escape(name) for name in sorted(names))
    return re.finditer(rf"^[ \t]*(?:{wanted})(?=[{{\s]|\Z)[^\n]*", text, re.MULTILINE)
