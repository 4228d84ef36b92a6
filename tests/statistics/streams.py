"""Counters as a source shows them, and watches that looked at them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from math import exp
from typing import NamedTuple

from backout import detector
from backout.counting import Totals
from backout.evaluation import Evaluation, Factor, Outcome
from backout.triggers import recovery, tick
from backout.watch import Watch
from backout.weighing import needs
from tests.unit.guards import guard_of, limit, look_of, rule
from tests.unit.views import OPENED

TICK = timedelta(seconds=15)
CRITERION = limit(
    "limit",
    test={"compare": "limit", "max": "1.5%"},
    evidence={"false_alarm": "100d", "false_hold": "7d", "sustain": "3m"},
)
GUARD = guard_of(CRITERION, rules=[rule("r", "limit")])
Count = tuple[int, int]
"""Bad of judged, counted in one tick."""
Look = tuple[float | None, float | None]
"""What a source shows: bad, of how many; None is no answer."""
SILENT: Look = (None, None)
FIRST: Look = (5000, 400_000)
"""Where the counters stand when the watch begins."""


def looks(ticks: Iterable[Count], *, after: Look = FIRST) -> list[Look]:
    """Return what honest counters show that grow by these ticks, `after` first."""
    shown = [after]
    for bad, judged in ticks:
        before_bad, before_of = shown[-1]
        assert before_bad is not None
        assert before_of is not None
        shown.append((before_bad + bad, before_of + judged))
    return shown


class Seen(NamedTuple):
    """A watch, and what its last look said."""

    watch: Watch = Watch(started_at=OPENED)
    said: Evaluation = Evaluation(outcome=Outcome.INCONCLUSIVE)


def look_at(seen: Seen, look: Look) -> Seen:
    """Look once more; a rule says what it says as if it had never fired."""
    untold = seen.watch.model_copy(update={"fired_at": {}, "true_at": {}})
    shown = look_of(untold.ticks, errors=Totals(bad=look[0], of=look[1]))
    return Seen(*tick(untold, shown, guard=GUARD, keep=40))


def watched(shown: Sequence[Look], seen: Seen | None = None) -> Seen:
    """Return a watch that looked at all this, a new one where none is given."""
    seen = seen or Seen()
    for look in shown:
        seen = look_at(seen, look)
    return seen


def said(seen: Seen) -> Evaluation:
    return seen.said


def verdict(seen: Seen) -> Factor:
    (factor,) = seen.said.factors
    return factor


def recovered(seen: Seen) -> Evaluation:
    return recovery(seen.watch, guard=GUARD)


NEED = needs(CRITERION, TICK)[0]
SUSTAIN = round(CRITERION.evidence.sustain / TICK)
"""In ticks."""
LARGEST = detector.cap(NEED, SUSTAIN)


def head_start(ticks: int) -> float:
    """Return the evidence of so many ticks at the cap, from none."""
    return sum(exp(LARGEST * tick) for tick in range(1, ticks + 1))


def ticks_ahead(evidence: float) -> int:
    """Return how many of the sustained ticks some evidence is worth: a burst may be shorter by these."""
    return max(ticks for ticks in range(SUSTAIN + 1) if head_start(ticks) <= evidence)
