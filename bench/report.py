"""What a benchmark prints."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from bench.first_change import Way
from bench.outage import Outage

MOST_P50, MOST_P99, MOST_AFTER_KILL_S = 2.0, 3.0, 2.0
MOST_TO_PAGE_P50, MOST_ACK_P99_MS = 3.0, 100.0
"""The targets."""


class Size(NamedTuple):
    """How large a history is."""

    name: str
    events: int
    size_bytes: int


def heading(count: int) -> Iterator[str]:
    """Say what was measured on what."""
    yield f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, {count} rounds."
    yield "The cores are shared: trust the ratios within one run, not the figures."


def first_change(taken: Sequence[tuple[Way, Way]]) -> Iterator[str]:
    """Compare the two ways from an alert to the first change."""
    ways = {"Backout": [way for way, _ in taken], "bare workflow": [way for _, way in taken]}
    figures = {name: _percentiles(way.changed for way in found) for name, found in ways.items()}
    yield "Alert POST -> first change of exposure, ms"
    yield f"  {'':32}{'p50':>8}{'p99':>8}"
    for name, (p50, p99) in figures.items():
        yield f"  {name:32}{p50:8.1f}{p99:8.1f}"
    ratios = [ours / bare for ours, bare in zip(*figures.values(), strict=True)]
    yield f"  {'ratio':32}{ratios[0]:7.2f}x{ratios[1]:7.2f}x   target {MOST_P50:g}x and {MOST_P99:g}x"
    for name, found in ways.items():
        yield from _hops(name, found)


def _hops(name: str, ways: Sequence[Way]) -> Iterator[str]:
    yield f"Where the time goes ({name}), median ms after the POST"
    reached = {hop: statistics.median(way.hops[hop] for way in ways) for hop in ways[0].hops}
    before = 0.0
    for hop, at in reached.items():
        yield f"  {hop:32}{at:8.1f}{at - before:+8.1f}"
        before = at
    yield f"  {'the POST is answered':32}{statistics.median(way.answered for way in ways):8.1f}"


def sizes(histories: Sequence[Size], incidents: int, memory_mb: float) -> Iterator[str]:
    """Say how large the histories of one incident are, and the worker after some of them."""
    yield "One incident from alert to postmortem"
    yield f"  {'':32}{'events':>8}{'KiB':>8}"
    for history in histories:
        yield f"  {history.name:32}{history.events:8}{history.size_bytes / 1024:8.1f}"
    yield f"The worker after {incidents} incidents holds {memory_mb:.0f} MB."


def first_page(taken: Sequence[tuple[float, float]]) -> Iterator[str]:
    """Compare the way from an alert to a page with the least way of the same run."""
    ours, bare = (_percentiles(ways) for ways in zip(*taken, strict=True))
    yield "Alert POST -> the pager has the page, ms"
    yield f"  {'':32}{'p50':>8}{'p99':>8}"
    for name, (p50, p99) in {"Backout": ours, "bare workflow": bare}.items():
        yield f"  {name:32}{p50:8.1f}{p99:8.1f}"
    ratio = f"{ours[0] / bare[0]:7.2f}x{ours[1] / bare[1]:7.2f}x"
    yield f"  {'ratio':32}{ratio}   target of the p50 {MOST_TO_PAGE_P50:g}x"


def crowd(
    incidents: int, opened_s: float, memory_mb: float, taken: Sequence[tuple[float, float]]
) -> Iterator[str]:
    """Say how soon acknowledgements were answered among many open incidents."""
    yield f"{incidents} open incidents; {len(taken)} acknowledgements by Slack's command, ms until answered"
    yield f"  All have called people after {opened_s:.0f} s; the worker holds {memory_mb:.0f} MB."
    yield f"  {'':32}{'p50':>8}{'p99':>8}{'worst':>8}"
    for name, found in zip(("Backout", "bare update"), zip(*taken, strict=True), strict=True):
        p50, p99 = _percentiles(found)
        yield f"  {name:32}{p50:8.1f}{p99:8.1f}{max(found):8.1f}"
    yield f"  {'target of the p99':40}{MOST_ACK_P99_MS:8.1f}"


def outage(seen: Outage) -> Iterator[str]:
    """Say what became of alerts while the engine was down."""
    yield f"The engine is killed and away for {seen.lasted_s:.0f} s"
    slowest = f"the slowest after {seen.slowest_ms:.0f} ms"
    yield f"  {seen.accepted} alerts answered 202, {seen.refused} otherwise; {slowest}"
    yield f"  {seen.incidents} of them are incidents {seen.caught_up_s:.1f} s after the engine answers again"


def after_kill(taken: Mapping[str, Sequence[float]]) -> Iterator[str]:
    """Say how soon an approval took effect after the worker was killed."""
    yield "SIGKILL of the worker; then an approval -> change of exposure, s"
    yield f"  {'':32}{'median':>8}{'worst':>8}"
    for name, seconds in taken.items():
        figures = f"{statistics.median(seconds):8.2f}{max(seconds):8.2f}"
        yield f"  {name:32}{figures}   target {MOST_AFTER_KILL_S:g}; {len(seconds)} kills"


def _percentiles(values: Iterable[float]) -> tuple[float, float]:
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return cuts[49], cuts[98]
