"""Suggestions: what other limits and other patience would have done on the same data.

Every cell of the grid is a simulation of its own. The best of them was chosen on the very data that it is
measured on, so it promises too much: try it on data that it has not seen before you take it over.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from statistics import median

from backout.backtest import Backtest, Gate, Period
from backout.counting import Look
from backout.criteria import BaselineTest, Criterion, DriftTest, GapTest, LimitTest, ReferenceTest, Test
from backout.guard import Guard
from backout.model import Frozen
from backout.simulation import Simulation

FACTORS = (0.5, 0.7, 0.85, 1.0, 1.25, 1.5)
"""Times the tolerated rate or ratio of every criterion."""
SUSTAINS = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 4, 10))
_HIGHEST_RATE = 0.99
_SMALLEST_RISE = 1.01


class Cell(Frozen):
    """One setting and what it would have done."""

    factor: float
    sustain_s: float | None
    """None leaves each criterion's own."""
    false: int
    false_per_day: float | None
    missed: int
    delays_s: tuple[float, ...]
    """How long after the beginning each caught period was caught."""

    @property
    def worst_s(self) -> float:
        """The longest delay; infinite where a period was missed or there is none."""
        return max(self.delays_s) if self.delays_s and not self.missed else float("inf")

    @property
    def median_s(self) -> float | None:
        """The delay in the middle; None where nothing was caught."""
        return median(self.delays_s) if self.delays_s else None


class Grid(Frozen):
    """What the playbook's own setting did, and what others would have done."""

    own: Cell
    cells: tuple[Cell, ...]

    @property
    def best(self) -> Cell | None:
        """The quickest setting with no more false fires than the playbook's own; None where that is it."""
        able = [
            cell for cell in self.cells if cell.false <= self.own.false and cell.worst_s < self.own.worst_s
        ]
        return min(able, key=lambda cell: (cell.worst_s, cell.false, -cell.factor), default=None)


class GridSearch:
    """Simulates every cell of the grid side by side: one pass over the data."""

    def __init__(self, guard: Guard, *, bad: Sequence[Period], gate: Gate) -> None:
        """Prepare the simulations."""
        self._gate = gate
        self._own = Simulation(guard, bad=bad)
        self._cells = {
            (factor, sustain): Simulation(changed(guard, factor=factor, sustain=sustain), bad=bad)
            for factor in FACTORS
            for sustain in SUSTAINS
        }

    def look(self, look: Look) -> None:
        """Let every cell go on by one look."""
        self._own.look(look)
        for simulation in self._cells.values():
            simulation.look(look)

    def result(self) -> Grid:
        """Return what came of it."""
        return Grid(
            own=_cell(1.0, None, self._own.result("", self._gate)),
            cells=tuple(
                _cell(factor, sustain, simulation.result("", self._gate))
                for (factor, sustain), simulation in self._cells.items()
            ),
        )


def _cell(factor: float, sustain: timedelta | None, result: Backtest) -> Cell:
    delays = [one.after.total_seconds() for one in result.caught if one.after is not None]
    return Cell(
        factor=factor,
        sustain_s=sustain.total_seconds() if sustain else None,
        false=result.false,
        false_per_day=result.false_per_day,
        missed=len(result.caught) - len(delays),
        delays_s=tuple(delays),
    )


def changed(guard: Guard, *, factor: float, sustain: timedelta) -> Guard:
    """Return the guard with every tolerated rate or ratio times the factor, and with this `sustain`."""
    criteria = tuple(_criterion(one, factor, sustain) for one in guard.criteria)
    return guard.model_copy(update={"criteria": criteria})


def _criterion(one: Criterion, factor: float, sustain: timedelta) -> Criterion:
    evidence = one.evidence.model_copy(update={"sustain": sustain})
    return one.model_copy(update={"evidence": evidence, "test": _test(one.test, factor)})


def _test(test: Test, factor: float) -> Test:
    """Return the test with another tolerance: a highest rate times the factor, a lowest one divided by it."""
    match test:
        case LimitTest(max=highest, min=lowest):
            update = {"max": highest and _rate(highest * factor), "min": lowest and _rate(lowest / factor)}
        case ReferenceTest(usual=usual, max_ratio=most, min_ratio=least):
            highest = most and min(max(most * factor, _SMALLEST_RISE), _HIGHEST_RATE / usual)
            update = {"max_ratio": highest, "min_ratio": least and min(least / factor, 1 / _SMALLEST_RISE)}
        case BaselineTest(max_ratio=most, min_ratio=least):
            update = {
                "max_ratio": most and max(most * factor, 1.0),
                "min_ratio": least and min(least / factor, 1.0),
            }
        case GapTest(max_ratio=most):
            update = {"max_ratio": max(most * factor, 1.0)}
        case DriftTest(max_rise=rise):
            update = {"max_rise": _rate(rise * factor)}
        case _:
            return test
    return test.model_copy(update=update)


def _rate(value: float) -> float:
    return min(value, _HIGHEST_RATE)
