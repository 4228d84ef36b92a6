"""Streams: what the criteria of a guard need counted, and how a source's answers become totals."""

from __future__ import annotations

import re
from collections.abc import Iterator
from string import Template

from backout.counting import Counted, Query, Totals
from backout.criteria import AlertTest, BaselineTest, Criterion, GapTest
from backout.guard import Guard, Place
from backout.model import Frozen, Name
from backout.signals import (
    AboveSignal,
    BaseSignal,
    BelowSignal,
    DistributionSignal,
    EventSignal,
    RatioSignal,
    Signal,
)

_BOUND = re.compile(r"(?<![:\w\\]):(\w+)")
_BASELINE = re.compile(r"\$(?:baseline\b|\{baseline\})|(?<![:\w\\]):baseline\b")
_RELEASE = re.compile(
    r"((?:!=|!~|<>|\b(?i:not\s+in)\s*\()\s*[\"']?[^\"'\s,}$:]*)?"
    r"(?:\$(?:release\b|\{release\})|(?<![:\w\\]):release\b)"
)
"""The release, and before it what would make it everything but the release."""


class Stream(Frozen):
    """Bad and judged outputs as one pair of counters, split into cohorts where a criterion asks for it."""

    key: str
    source: Name
    bad: Query
    of: Query
    above: bool = False
    """`bad` counts the values up to the bound; those above it are the bad ones."""
    shares: bool = False
    """Each cohort's count is held against the sum of all cohorts."""
    lacks: str = ""
    """Why it cannot be asked at all, such as an unknown baseline."""

    @property
    def queries(self) -> tuple[Query, Query]:
        """What its source is asked."""
        return self.bad, self.of


def stream_key(criterion: Criterion) -> str:
    """Return the key of the stream that a criterion tests; empty for an alert."""
    match criterion.test:
        case AlertTest():
            return ""
        case GapTest(by=by):
            return f"{criterion.signal}/{by}"
        case _:
            return criterion.signal or ""


def control_key(criterion: Criterion) -> str:
    """Return the key of the stream that a baseline criterion is held against."""
    return f"{criterion.id}@baseline"


def is_of_release(signal: Signal) -> bool:
    """Say whether a signal counts the release alone: without traffic it has nothing to count."""
    return any(_is_of_release(text) for _, text in signal_queries(signal))


def _is_of_release(text: str) -> bool:
    named = [found[1] is None for found in _RELEASE.finditer(text)]
    return bool(named) and all(named) and not _BASELINE.search(text)


def streams(guard: Guard, place: Place) -> tuple[Stream, ...]:
    """Return every stream that the guard's criteria need of this release, each once, in their order."""
    found: dict[str, Stream] = {}
    for criterion in guard.criteria:
        for stream in _needed(criterion, guard, place):
            found.setdefault(stream.key, stream)
    return tuple(found.values())


def _needed(criterion: Criterion, guard: Guard, place: Place) -> Iterator[Stream]:
    if criterion.signal is None:
        return
    signal, test = guard.signals[criterion.signal], criterion.test
    by = test.by if isinstance(test, GapTest) else None
    yield _stream(stream_key(criterion), signal, place, by)
    if isinstance(test, BaselineTest):
        shared = {name: getattr(signal, name) for name in BaseSignal.model_fields}
        control = RatioSignal(kind="ratio", bad=test.bad, of=test.of, **shared)
        yield _stream(control_key(criterion), control, place, None)


def _stream(key: str, signal: Signal, place: Place, by: str | None) -> Stream:
    texts = _texts(signal)
    bad, of = (
        asked(query, place).model_copy(update={"clock": signal.clock})
        for query in (texts if by is None else tuple(query.model_copy(update={"by": by}) for query in texts))
    )
    wants_baseline = any(_BASELINE.search(query.text) for query in texts)
    return Stream(
        key=key,
        source=signal.source,
        bad=bad,
        of=of,
        above=isinstance(signal, AboveSignal),
        shares=isinstance(signal, DistributionSignal),
        lacks="no baseline release is known" if wants_baseline and not place.baseline else "",
    )


def _texts(signal: Signal) -> tuple[Query, Query]:
    match signal:
        case RatioSignal(bad=bad, of=of):
            return Query(text=bad), Query(text=of)
        case AboveSignal(value=value, than=than) | BelowSignal(value=value, than=than):
            return Query(text=value, part="values", up_to=than), Query(text=value, part="values")
        case EventSignal(events=events):
            return Query(text=events), Query(text=events)
        case DistributionSignal(of=of, by=by):
            return Query(text=of, by=by), Query(text=of, by=by)


def signal_queries(signal: Signal) -> tuple[tuple[str, str], ...]:
    """Return the queries of a signal as they are written, each with the field that holds it."""
    match signal:
        case RatioSignal(bad=bad, of=of):
            return ("bad", bad), ("of", of)
        case AboveSignal(value=value) | BelowSignal(value=value):
            return (("value", value),)
        case EventSignal(events=events):
            return (("events", events),)
        case DistributionSignal(of=of):
            return (("of", of),)


def asked(query: Query, place: Place) -> Query:
    """Return a query as its source is asked it: `$name` is filled in, and `:name` has its value beside it."""
    values = place.model_dump()
    text = Template(query.text).safe_substitute(values)
    names = sorted(values.keys() & set(_BOUND.findall(query.text)))
    bound = tuple((name, values[name]) for name in names)
    return query.model_copy(update={"text": text, "bound": bound, "pasted": text != query.text})


def totals(stream: Stream, bad: Counted, of: Counted) -> dict[str, Totals]:
    """Return the totals of a stream by cohort, from its source's answers; none where there is no data.

    A cohort that has judged outputs and no bad ones is not in the answer for the bad: that is zero, as long
    as the query itself had an answer for another cohort.
    """
    if stream.shares:
        whole = sum(of.counts.values())
        return {name: Totals(bad=count, of=whole) for name, count in of.counts.items()}
    found: dict[str, Totals] = {}
    for cohort, judged in of.counts.items():
        absent = 0.0 if stream.bad.by and bad.counts else None
        counted = bad.counts.get(cohort, absent)
        if stream.above and counted is not None:
            counted = judged - counted
        found[cohort] = Totals(bad=counted, of=judged)
    return found
