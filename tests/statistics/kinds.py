"""Criteria of every kind, and what they are shown by honest counters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp
from typing import Any, NamedTuple

from backout import detector
from backout.counting import Look, Totals
from backout.criteria import Criterion
from backout.evaluation import Evaluation, Factor, Outcome
from backout.guard import Guard
from backout.triggers import tick
from backout.watch import Watch
from tests.unit.guards import criterion, guard_of, look_of
from tests.unit.views import OPENED

QUICK = {"evidence": {"false_alarm": "6h", "false_hold": "30m", "sustain": "1m"}, "min_sample": 50}
SUSTAIN, NEED = 4, 1440
Cell = tuple[str, str]
"""A stream and a cohort of it."""
Count = tuple[int, int]


class Kind(NamedTuple):
    """A criterion, the cells that it counts, and what they count in a healthy and in a bad tick."""

    criterion: Criterion
    well: Mapping[Cell, Count]
    ill: Mapping[Cell, Count]
    cohorts: int = 1

    @property
    def guard(self) -> Guard:
        return guard_of(self.criterion)

    @property
    def most(self) -> float:
        """The largest factor by which one tick multiplies the evidence."""
        return exp(detector.cap(self.cohorts * NEED, SUSTAIN))


def quick(signal: str, **test: Any) -> Criterion:  # noqa: ANN401
    return criterion("it", signal, test, **QUICK)


ERRORS, CONTROL, LANGUAGE = "errors", "it@baseline", "errors/language"
KINDS = {
    "limit": Kind(
        quick(ERRORS, compare="limit", max="5%"), {(ERRORS, ""): (1, 100)}, {(ERRORS, ""): (90, 100)}
    ),
    "least": Kind(
        quick(ERRORS, compare="limit", min="90%"), {(ERRORS, ""): (98, 100)}, {(ERRORS, ""): (5, 100)}
    ),
    "baseline": Kind(
        quick(ERRORS, compare="baseline", max_ratio=1.5, bad="b", of="o"),
        {(ERRORS, ""): (3, 100), (CONTROL, ""): (12, 400)},
        {(ERRORS, ""): (95, 100), (CONTROL, ""): (12, 400)},
    ),
    "gap": Kind(
        quick(ERRORS, compare="gap", by="language", max_ratio=1.5),
        {(LANGUAGE, "en"): (4, 400), (LANGUAGE, "fi"): (1, 100)},
        {(LANGUAGE, "en"): (4, 400), (LANGUAGE, "fi"): (95, 100)},
        cohorts=2,
    ),
    "drift": Kind(
        quick("topics", compare="drift", reference={"a": 0.5, "b": 0.5}, max_rise="10%"),
        {("topics", "a"): (50, 100), ("topics", "b"): (50, 100)},
        {("topics", "a"): (99, 100), ("topics", "b"): (1, 100)},
        cohorts=2,
    ),
}


class Seen(NamedTuple):
    watch: Watch
    said: Evaluation

    @property
    def factor(self) -> Factor:
        (factor,) = self.said.factors
        return factor


Shown = Mapping[Cell, tuple[float | None, float | None]]


def shown(kind: Kind, ticks: Sequence[bool]) -> list[Shown]:
    """Return what honest counters show that grow by these ticks."""
    totals = dict.fromkeys(kind.well, (1000.0, 90_000.0))
    looks: list[Shown] = [dict(totals)]
    for is_well in ticks:
        for cell, (bad, judged) in (kind.well if is_well else kind.ill).items():
            totals[cell] = (totals[cell][0] + bad, totals[cell][1] + judged)
        looks.append(dict(totals))
    return looks


def watched(kind: Kind, looks: Sequence[Shown], watch: Watch | None = None) -> Seen:
    """Look at all this; a rule says what it says as if it had never fired."""
    watch, said, guard = (
        watch or Watch(started_at=OPENED),
        Evaluation(outcome=Outcome.INCONCLUSIVE),
        kind.guard,
    )
    for cells in looks:
        untold = watch.model_copy(update={"fired_at": {}, "true_at": {}})
        watch, said = tick(untold, as_look(watch.ticks, cells), guard=guard, keep=40)
    return Seen(watch, said)


def as_look(number: int, cells: Shown) -> Look:
    streams: dict[str, dict[str, Totals]] = {}
    for (stream, cohort), (bad, of) in cells.items():
        streams.setdefault(stream, {})[cohort] = Totals(bad=bad, of=of)
    return look_of(number, **streams)
