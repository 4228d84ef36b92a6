"""Looks at one counter, as a source shows it."""

from __future__ import annotations

from collections.abc import Sequence

from backout.alerts import Alert
from backout.counting import Totals
from backout.criteria import Criterion
from backout.evaluation import Evaluation
from backout.rules import Rule
from backout.triggers import advance, recovery, tick
from backout.watch import Watch
from tests.unit.guards import guard_of, limit, look_of
from tests.unit.views import OPENED

NONE, NAN, INF = None, float("nan"), float("inf")
Look = tuple[float | None, float | None]
"""What a source has counted up to now: bad, of how many."""
ERRORS = limit(evidence={"sustain": "3m"})


def watched(looks: Sequence[Look], *criteria: Criterion, keep: int = 40) -> Watch:
    """Watch the signal of the errors through these looks."""
    watch, guard = Watch(started_at=OPENED), guard_of(*(criteria or (ERRORS,)))
    for number, (bad, of) in enumerate(looks):
        watch = advance(watch, look_of(number, errors=Totals(bad=bad, of=of)), guard=guard, keep=keep)
    return watch


def growing(ticks: int, bad: float, judged: float) -> list[Look]:
    """Return looks at counters that grow by so much in each tick."""
    return [(1000 + bad * tick, 50_000 + judged * tick) for tick in range(ticks + 1)]


def said(
    looks: Sequence[Look],
    *criteria: Criterion,
    rules: Sequence[Rule] = (),
    firing: Sequence[Alert] = (),
    keep: int = 40,
) -> Evaluation:
    """Return what is said at the last of these looks."""
    guard = guard_of(*(criteria or (ERRORS,)), rules=rules)
    watch = watched(looks[:-1], *criteria, keep=keep)
    bad, of = looks[-1]
    look = look_of(watch.ticks, errors=Totals(bad=bad, of=of))
    return tick(watch, look, guard=guard, firing=firing, keep=keep)[1]


def recovered(looks: Sequence[Look], *criteria: Criterion, keep: int = 40) -> Evaluation:
    """Return what the window shows in the recovery sense."""
    return recovery(watched(looks, *criteria, keep=keep), guard=guard_of(*(criteria or (ERRORS,))))
