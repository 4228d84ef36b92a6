"""What the triggers cost on one core, in the Python that runs them."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import process_time

from backout import detector, triggers
from backout.counting import Totals
from backout.criteria import Criterion, LimitTest
from backout.rules import AnyOf, Rule
from bench.triggers.traffic import LIMIT, TICK_S

TICK = timedelta(seconds=TICK_S)
SIGNALS, RELEASES, KEEP = 20, 1000, 40
"""Signals of a release, releases, and readings in the window (10 minutes)."""
CRITERIA = [
    Criterion(id=f"c{n}", signal=f"s{n}", test=LimitTest(compare="limit", max=LIMIT)) for n in range(SIGNALS)
]
RULES = [Rule(id="any", when=AnyOf(any_of=tuple(one.id for one in CRITERIA)), authority="auto")]


@dataclass(frozen=True)
class Cost:
    """Seconds of one core, and bytes."""

    updates_per_s: float
    advance_s: float
    breach_s: float
    dump_s: float
    state_bytes: int
    memory_mb: float

    @property
    def cores(self) -> float:
        """The share of one core that 1,000 releases take, for advance and breach in each tick."""
        return (self.advance_s + self.breach_s) * RELEASES / TICK_S


def seconds(do: Callable[[], object], *, times: int) -> float:
    """Return the seconds of CPU that one call takes: the best of five series, as other processes disturb."""

    def series() -> float:
        begun = process_time()
        for _ in range(times):
            do()
        return (process_time() - begun) / times

    return min(series() for _ in range(5))


def totals(tick: int) -> dict[str, Totals]:
    """Return what a source shows of a release with 100 judged and one bad output in each tick."""
    return {f"s{n}": Totals(bad=tick, of=100 * tick) for n in range(SIGNALS)}


def watched() -> triggers.Watch:
    """Return a watch whose window is full."""
    watch = triggers.Watch(started_at=datetime(2026, 1, 1, tzinfo=UTC))
    for tick in range(KEEP + 1):
        watch = triggers.advance(watch, totals(tick), criteria=CRITERIA, tick=TICK, keep=KEEP)
    return watch


def measured() -> Cost:
    """Measure one update of the detector, and one tick of a release with 20 signals."""
    watch, seen = watched(), totals(KEEP + 1)
    cap = detector.cap(*triggers.needs(CRITERIA[0], TICK)[:1], CRITERIA[0].evidence.sustain / TICK)
    some = watch.evidence["c0"]
    update = seconds(
        lambda: detector.advance(some, bad=1, judged=100, limit=LIMIT, largest=cap), times=20_000
    )
    return Cost(
        updates_per_s=1 / update,
        advance_s=seconds(
            lambda: triggers.advance(watch, seen, criteria=CRITERIA, tick=TICK, keep=KEEP), times=100
        ),
        breach_s=seconds(
            lambda: triggers.breach(watch, criteria=CRITERIA, rules=RULES, firing=(), tick=TICK), times=100
        ),
        dump_s=seconds(watch.model_dump_json, times=100),
        state_bytes=len(watch.model_dump_json()),
        memory_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        / (2**20 if sys.platform == "darwin" else 2**10),
    )
