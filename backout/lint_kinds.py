"""Criteria against their signals: each test gets the kind that it can weigh, and queries that fit it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import ceil, log, log1p

from backout.criteria import (
    AlertTest,
    BaselineTest,
    Criterion,
    EventTest,
    Evidence,
    GapTest,
    LimitTest,
    Missing,
    ReferenceTest,
)
from backout.lint_queries import BASELINE, RELEASE
from backout.playbook import Playbook
from backout.problems import Path, Problem
from backout.recovering import CONFIDENCE
from backout.signals import AboveSignal, BaseSignal, BelowSignal, DistributionSignal, Signal
from backout.site import ExpositionSource, PrometheusSource, PushSource, Site, SqlSource
from backout.streams import signal_queries

_RATES = ("ratio", "above", "below")
_TESTS = ("limit", "reference", "baseline", "gap")
_NEEDED = {"drift": ("distribution",), "event": ("event",)}
"""The kinds of signal that a test can weigh; all the other tests weigh rates."""
_NOT_RELEASE = re.compile(r"(!=|!~|<>|\bnot in\b)", re.IGNORECASE)
_AGGREGATION = re.compile(r"\b(sum|count|max|min|avg|topk|bottomk|group)\b\s*(by|without)?\s*\(")


def kind_problems(playbook: Playbook, site: Site | None) -> Iterator[Problem]:
    """Yield tests that do not fit their signals, and queries that do not fit their tests."""
    for i, criterion in enumerate(playbook.criteria):
        path, signal = ("criteria", i), playbook.signals.get(criterion.signal or "")
        if signal is not None:
            yield from _fit((*path, "test", "compare"), criterion, signal)
            yield from _cohorts((*path, "test", "by"), criterion, signal, site)
        yield from _baseline(path, criterion, signal)
        yield from _sample((*path, "min_sample"), criterion)
        yield from _idle(path, criterion)
    for name, signal in playbook.signals.items():
        if isinstance(signal, DistributionSignal):
            yield from _split(("signals", name, "by"), signal.by, signal, site)
        if isinstance(signal, AboveSignal | BelowSignal):
            yield from _values(("signals", name, "kind"), signal, site)
        yield from _clock(("signals", name, "clock"), signal, site)


def _fit(path: Path, criterion: Criterion, signal: Signal) -> Iterator[Problem]:
    needed = _NEEDED.get(criterion.test.compare, _RATES)
    if signal.kind in needed:
        return
    fitting = [test for test in (*_TESTS, *_NEEDED) if signal.kind in _NEEDED.get(test, _RATES)]
    msg = (
        f"'{criterion.test.compare}' needs a signal of the kind {' or '.join(needed)}, and "
        f"'{criterion.signal}' is of the kind {signal.kind}; compare it by {' or '.join(fitting)}, "
        "or test another signal"
    )
    yield Problem(path=path, message=msg)


def _cohorts(path: Path, criterion: Criterion, signal: Signal, site: Site | None) -> Iterator[Problem]:
    if isinstance(criterion.test, GapTest):
        yield from _split(path, criterion.test.by, signal, site)


def _split(path: Path, label: str, signal: Signal, site: Site | None) -> Iterator[Problem]:
    """Yield what keeps a source from counting by this label."""
    source = site.sources.get(signal.source) if site else None
    for field, query in signal_queries(signal):
        if re.search(rf"\b{re.escape(label)}\s*=\s*[\"']", query):
            msg = f"the query '{field}' asks for one '{label}' only, so there is nothing to hold it against"
            yield Problem(path=path, message=msg)
        elif label in query:
            continue
        elif isinstance(source, SqlSource):
            msg = f"the query '{field}' does not select '{label}'; each row must give it and its count"
            yield Problem(path=path, message=msg, severity="warning")
        elif isinstance(source, PrometheusSource) and _AGGREGATION.search(query):
            msg = (
                f"the query '{field}' adds up over '{label}', which is lost by that; "
                f"write 'by ({label})' after the aggregation"
            )
            yield Problem(path=path, message=msg, severity="warning")


def _values(path: Path, signal: AboveSignal | BelowSignal, site: Site | None) -> Iterator[Problem]:
    source = site.sources.get(signal.source) if site else None
    if isinstance(source, PushSource | SqlSource):
        msg = (
            f"a source of the kind {source.kind} holds counts and no values, so it cannot tell how many are "
            f"{signal.kind}; count them where they are made, and use 'kind: ratio'"
        )
        yield Problem(path=path, message=msg)


def _clock(path: Path, signal: BaseSignal, site: Site | None) -> Iterator[Problem]:
    source = site.sources.get(signal.source) if site else None
    if signal.clock == "labelled" and isinstance(source, ExpositionSource | PrometheusSource):
        msg = (
            f"'labelled' means nothing to a source of the kind {source.kind}: its counters grow when the "
            "verdict comes, whenever the output was; leave it out"
        )
        yield Problem(path=path, message=msg, severity="warning")


def _baseline(path: Path, criterion: Criterion, signal: Signal | None) -> Iterator[Problem]:
    test = criterion.test
    if not isinstance(test, BaselineTest) or signal is None:
        return
    if not any(RELEASE.search(query) for _, query in signal_queries(signal)):
        msg = (
            f"signal '{criterion.signal}' counts every release, the baseline too, so both sides move "
            'together; add release="$release" to its queries'
        )
        yield Problem(path=(*path, "signal"), message=msg, severity="warning")
    for field, query in (("bad", test.bad), ("of", test.of)):
        if BASELINE.search(query) or (RELEASE.search(query) and _NOT_RELEASE.search(query)):
            continue
        what = "counts the candidate" if RELEASE.search(query) else "counts every release"
        msg = (
            f'this query of the baseline {what}; write release="$baseline", or release!="$release" for all '
            "the others"
        )
        yield Problem(path=(*path, "test", field), message=msg, severity="warning")


def _sample(path: Path, criterion: Criterion) -> Iterator[Problem]:
    per_output = _clearest(criterion)
    if per_output is not None and per_output * criterion.min_sample < CONFIDENCE:
        msg = (
            f"even the best {criterion.min_sample} judged outputs could not show that the limit is kept; "
            f"write {ceil(CONFIDENCE / per_output)} at least"
        )
        yield Problem(path=path, message=msg, severity="warning")


def _clearest(criterion: Criterion) -> float | None:
    """Return how much one spotless output says for the recovery, in nats; None where no limit is known."""
    match criterion.test:
        case LimitTest(max=float(highest)):
            return -log1p(-highest)
        case LimitTest(min=float(lowest)):
            return -log(lowest)
        case ReferenceTest(usual=usual, max_ratio=float(ratio)):
            return -log1p(-usual * ratio)
        case ReferenceTest(usual=usual, min_ratio=float(ratio)):
            return -log(usual * ratio)
        case _:
            return None


def _idle(path: Path, criterion: Criterion) -> Iterator[Problem]:
    """Yield fields that mean nothing to this test."""
    test = criterion.test
    if isinstance(test, AlertTest | EventTest) and criterion.evidence != Evidence():
        msg = f"{'an alert' if isinstance(test, AlertTest) else 'an event'} needs no evidence; leave it out"
        yield Problem(path=(*path, "evidence"), message=msg, severity="warning")
    if isinstance(test, AlertTest) and criterion.missing != Missing():
        msg = "an alert that does not fire is no missing data; leave it out"
        yield Problem(path=(*path, "missing"), message=msg, severity="warning")
