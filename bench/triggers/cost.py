"""What the triggers cost on one core, in the Python that runs them."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import process_time

from backout import detector, triggers
from backout.counting import Look, Totals
from backout.criteria import Criterion, LimitTest
from backout.guard import Guard
from backout.rules import AnyOf, Rule
from backout.signals import Family, RatioSignal
from backout.watch import Watch
from backout.weighing import needs
from bench.triggers.traffic import LIMIT, TICK_S

TICK = timedelta(seconds=TICK_S)
SIGNALS, RELEASES, KEEP = 20, 1000, 40
"""Signals of a release, releases, and readings in the window (10 minutes)."""
CRITERIA = [
    Criterion(id=f"c{n}", signal=f"s{n}", test=LimitTest(compare="limit", max=LIMIT)) for n in range(SIGNALS)
]
RULE = Rule(id="any", when=AnyOf(any_of=tuple(one.id for one in CRITERIA)), authority="auto")
SIGNAL = RatioSignal(kind="ratio", source="m", family=Family.QUALITY, bad="bad", of="of")
GUARD = Guard(
    tick=TICK,
    signals={f"s{n}": SIGNAL for n in range(SIGNALS)},
    criteria=tuple(CRITERIA),
    rules=(RULE,),
)
BEGUN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Cost:
    """Seconds of one core, and bytes."""

    updates_per_s: float
    two_arms_per_s: float
    tick_s: float
    dump_s: float
    state_bytes: int
    memory_mb: float

    @property
    def cores(self) -> float:
        """The share of one core that 1,000 releases take, for deciding."""
        return self.tick_s * RELEASES / TICK_S


def seconds(do: Callable[[], object], *, times: int) -> float:
    """Return the seconds of CPU that one call takes: the best of five series, as other processes disturb."""

    def series() -> float:
        begun = process_time()
        for _ in range(times):
            do()
        return (process_time() - begun) / times

    return min(series() for _ in range(5))


def look(tick: int) -> Look:
    """Return what a source shows of a release with 100 judged and one bad output in each tick."""
    totals = {f"s{n}": {"": Totals(bad=tick, of=100 * tick)} for n in range(SIGNALS)}
    return Look(at=BEGUN + tick * TICK, totals=totals)


def watched() -> Watch:
    """Return a watch whose window is full."""
    watch = Watch(started_at=BEGUN)
    for tick in range(KEEP + 1):
        watch, _ = triggers.tick(watch, look(tick), guard=GUARD, keep=KEEP)
    return watch


def measured() -> Cost:
    """Measure one update of the detector, and one tick of a release with 20 signals."""
    watch, seen = watched(), look(KEEP + 1)
    need, _ = needs(CRITERIA[0], TICK)
    cap = detector.cap(need, CRITERIA[0].evidence.sustain / TICK)
    some, ratios = watch.evidence["c0"], detector.log_ratios(LIMIT)

    def one_arm() -> object:
        return detector.advance(some, bad=1, judged=100, ratios=ratios, largest=cap)

    def two_arms() -> object:
        return detector.advance_against(
            some, bad=1, judged=100, other_bad=3, other_judged=400, ratio=1.5, largest=cap
        )

    return Cost(
        updates_per_s=1 / seconds(one_arm, times=20_000),
        two_arms_per_s=1 / seconds(two_arms, times=20_000),
        tick_s=seconds(lambda: triggers.tick(watch, seen, guard=GUARD, keep=KEEP), times=100),
        dump_s=seconds(watch.model_dump_json, times=100),
        state_bytes=len(watch.model_dump_json()),
        memory_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        / (2**20 if sys.platform == "darwin" else 2**10),
    )
