"""Queries: their placeholders, and what they count."""

from __future__ import annotations

import re
from collections.abc import Iterator

from backout.criteria import BaselineTest
from backout.placeholders import IN_ADDRESSES, IN_QUERIES, placeholder_problems
from backout.playbook import Playbook
from backout.problems import Path, Problem, unknown
from backout.site import Site, SqlSource
from backout.streams import signal_queries

RELEASE = re.compile(r"\$release\b|\$\{release\}|(?<![:\w\\]):release\b")
BASELINE = re.compile(r"\$baseline\b|\$\{baseline\}|(?<![:\w\\]):baseline\b")
_MOMENT = "at"
"""A database can also be given the moment that is asked for."""
_BOUND = re.compile(r"(?<![:\w\\]):([A-Za-z_]\w*)")


def query_problems(playbook: Playbook, site: Site | None) -> Iterator[Problem]:
    """Yield placeholders that nothing fills in, and a blast radius that counts everything."""
    for path, source, query, known in every_query(playbook):
        if site and isinstance(site.sources.get(source), SqlSource):
            yield from bound_problems(path, query, (*known, _MOMENT))
        else:
            yield from placeholder_problems(path, query, known)
    requests = playbook.release.requests
    if requests and not RELEASE.search(requests.query):
        msg = 'it counts every release; add release="$release" to count what the candidate alone has served'
        yield Problem(path=("release", "requests", "query"), message=msg, severity="warning")


def every_query(playbook: Playbook) -> Iterator[tuple[Path, str, str, tuple[str, ...]]]:
    """Yield every query: its place, its source, its text and its placeholders."""
    for name, signal in playbook.signals.items():
        for field, query in signal_queries(signal):
            yield ("signals", name, field), signal.source, query, IN_QUERIES
    for i, criterion in enumerate(playbook.criteria):
        tested = playbook.signals.get(criterion.signal or "")
        if isinstance(criterion.test, BaselineTest) and tested:
            yield ("criteria", i, "test", "bad"), tested.source, criterion.test.bad, IN_QUERIES
            yield ("criteria", i, "test", "of"), tested.source, criterion.test.of, IN_QUERIES
    if requests := playbook.release.requests:
        yield ("release", "requests", "query"), requests.source, requests.query, IN_ADDRESSES


def bound_problems(path: Path, query: str, known: tuple[str, ...]) -> Iterator[Problem]:
    """Yield what a database does not take: its placeholders are bound, never filled into the text."""
    if "$" in query:
        msg = "a database is given its values apart from the text; write :release where you wrote $release"
        yield Problem(path=path, message=msg)
    for name in _BOUND.findall(query):
        if name not in known:
            yield Problem(path=path, message=unknown("placeholder", name, known))
