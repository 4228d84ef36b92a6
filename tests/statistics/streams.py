"""Counters as a source shows them, and watches that looked at them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from math import exp

from backout import detector
from backout.counting import Totals
from backout.criteria import Criterion
from backout.evaluation import Evaluation, Factor
from backout.rules import Rule
from backout.triggers import advance, breach, needs, recovery
from backout.watch import Watch
from tests.unit.views import OPENED

TICK = timedelta(seconds=15)
CRITERION = Criterion.model_validate(
    {
        "id": "limit",
        "signal": "errors",
        "test": {"compare": "limit", "max": "1.5%"},
        "evidence": {"false_alarm": "100d", "false_hold": "7d", "sustain": "3m"},
    }
)
RULE = Rule.model_validate({"id": "r", "when": {"any_of": ["limit"]}, "authority": "auto"})
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


def look_at(watch: Watch, look: Look) -> Watch:
    seen = {"errors": Totals(bad=look[0], of=look[1])}
    return advance(watch, seen, criteria=(CRITERION,), tick=TICK, keep=40)


def watched(shown: Sequence[Look], watch: Watch | None = None) -> Watch:
    """Return a watch that looked at all this, a new one where none is given."""
    watch = watch or Watch(started_at=OPENED)
    for look in shown:
        watch = look_at(watch, look)
    return watch


def said(watch: Watch) -> Evaluation:
    return breach(watch, criteria=(CRITERION,), rules=(RULE,), firing=(), tick=TICK)


def verdict(watch: Watch) -> Factor:
    (factor,) = said(watch).factors
    return factor


def recovered(watch: Watch) -> Evaluation:
    return recovery(watch, criteria=(CRITERION,))


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
