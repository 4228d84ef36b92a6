"""Guards made by hand, and looks at counters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from backout.counting import Look, Totals
from backout.criteria import Criterion
from backout.evaluation import Evaluation, Factor
from backout.guard import Guard
from backout.rules import Rule
from backout.triggers import recovery, tick
from backout.watch import Watch
from tests.unit.views import OPENED

TICK = timedelta(seconds=15)
SIGNAL = {"family": "operational", "source": "metrics"}
KINDS: dict[str, dict[str, Any]] = {
    "severe": {**SIGNAL, "kind": "event", "events": "severe"},
    "topics": {**SIGNAL, "kind": "distribution", "of": "inputs", "by": "topic"},
}
"""Signals by their names here; every other one is a ratio."""


def criterion(name: str, signal: str | None, test: Mapping[str, object], **fields: object) -> Criterion:
    """Return a criterion as a playbook would have it."""
    about = {} if signal is None else {"signal": signal}
    return Criterion.model_validate({"id": name, **about, "test": test, **fields})


def limit(name: str = "error-limit", signal: str = "errors", **fields: object) -> Criterion:
    """Return a limit of one percent, unless the fields say otherwise."""
    return criterion(name, signal, **{"test": {"compare": "limit", "max": "1%"}, **fields})  # type: ignore[arg-type]


def reported(name: str = "reported", alert: str = "Reported", **fields: object) -> Criterion:
    """Return a criterion that trusts an alert."""
    return criterion(name, None, {"compare": "alert", "named": alert}, **fields)


def rule(name: str, *names: str, when: Mapping[str, object] | None = None, **fields: object) -> Rule:
    """Return a rule that any of these fires, or with the condition that is given."""
    condition = when or {"any_of": names}
    return Rule.model_validate({"id": name, "when": condition, "authority": "auto", **fields})


def guard_of(*criteria: Criterion, rules: Sequence[Rule] = (), **fields: object) -> Guard:
    """Return a guard with these criteria and the signals that they test."""
    names = {one.signal for one in criteria if one.signal}
    ratio = {**SIGNAL, "kind": "ratio"}
    signals = {name: KINDS.get(name) or {**ratio, "bad": f"{name}_bad", "of": f"{name}_of"} for name in names}
    every = rules or [rule("every", *(one.id for one in criteria))]
    return Guard.model_validate(
        {"tick": TICK, "signals": signals, "criteria": criteria, "rules": tuple(every), **fields}
    )


def look_of(number: int, /, **streams: Totals | Mapping[str, Totals]) -> Look:
    """Return the look of this number; a stream that is not split is given by its totals alone."""
    totals = {key: {"": one} if isinstance(one, Totals) else dict(one) for key, one in streams.items()}
    return Look(at=OPENED + number * TICK, totals=totals)


Growth = Mapping[str, tuple[float, float] | Mapping[str, tuple[float, float]]]
"""By how much bad and judged grow in one look, by stream, and by cohort where it is split."""


class Eye:
    """Looks at counters that grow, look by look."""

    def __init__(self, guard: Guard, *, keep: int = 40) -> None:
        """Begin a watch that has seen nothing."""
        self.guard, self.keep = guard, keep
        self.watch = Watch(started_at=OPENED)
        self.now = OPENED
        self._counts: dict[tuple[str, str], tuple[float, float]] = {}

    def see(self, growth: Growth, *, times: int = 1, **told: Any) -> Evaluation:  # noqa: ANN401  # as tick
        """Look so often at counters that grow by this much each time; what is not named does not answer.

        Counters that were never seen before show first where they stand.
        """
        cells = {
            (key, cohort): counts
            for key, by in growth.items()
            for cohort, counts in (by if isinstance(by, Mapping) else {"": by}).items()
        }
        if cells.keys() - self._counts.keys():
            self._look(dict.fromkeys(cells, (0.0, 0.0)), told)
        found = [self._look(cells, told) for _ in range(times)]
        return found[-1]

    def _look(
        self, cells: Mapping[tuple[str, str], tuple[float, float]], told: Mapping[str, Any]
    ) -> Evaluation:
        totals: dict[str, dict[str, Totals]] = {}
        for cell, (bad, of) in cells.items():
            before = self._counts.get(cell, (100.0, 10_000.0))
            self._counts[cell] = (before[0] + bad, before[1] + of)
            totals.setdefault(cell[0], {})[cell[1]] = Totals(bad=before[0] + bad, of=before[1] + of)
        of_look = {name: told[name] for name in ("problems", "events") if name in told}
        of_tick = {name: value for name, value in told.items() if name not in of_look}
        look = Look(at=self.now, totals=totals, **of_look)
        self.watch, said = tick(self.watch, look, guard=self.guard, keep=self.keep, **of_tick)
        self.now += self.guard.tick
        return said


QUICK = {"false_alarm": "6h", "false_hold": "30m", "sustain": "1m"}
"""1440 is enough evidence, and a burst needs four ticks."""


def quick(
    test: dict[str, object], *, name: str = "it", signal: str = "errors", **fields: object
) -> Criterion:
    return criterion(name, signal, test, **{"evidence": QUICK, "min_sample": 50, **fields})


def eye_on(*criteria: Criterion) -> Eye:
    """Return a watch of these criteria."""
    return Eye(guard_of(*criteria))


def shown(eye: Eye) -> Evaluation:
    """Return what the window shows in the recovery sense."""
    return recovery(eye.watch, guard=eye.guard)


def only(said: Evaluation) -> Factor:
    """Return the only factor."""
    (factor,) = said.factors
    return factor
