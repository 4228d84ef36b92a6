"""Recorded counts for tests: seeded streams, written as the rows of a backtest."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from backout.backtest import Backtest, Gate, Period
from backout.counting import Look
from backout.guard import Guard
from backout.recorded import Row
from backout.series import looks_of_rows
from backout.simulation import Simulation, judged_by_default

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
TICK = timedelta(seconds=15)
RATIO = {"kind": "ratio", "source": "metrics", "family": "operational", "bad": "bad", "of": "all"}
LIMIT = {"compare": "limit", "max": "2%"}


def guard(**changes: object) -> Guard:
    """Return a guard with one criterion, `errors` at most 2 %, and one rule that reverts on it."""
    told: dict[str, Any] = {
        "tick": "15s",
        "signals": {"errors": RATIO},
        "criteria": [{"id": "limit", "signal": "errors", "test": LIMIT}],
        "rules": [{"id": "critical", "when": {"any_of": ["limit"]}, "authority": "auto"}],
    }
    return Guard.model_validate(told | changes)


def at(**after: float) -> datetime:
    """Return a moment so long after the start."""
    return START + timedelta(**after)


def stream(
    rates: Sequence[tuple[int, float]],
    *,
    signal: str = "errors",
    judged: int = 100,
    seed: int = 1,
    tick: timedelta = TICK,
) -> Iterator[Row]:
    """Yield a row for each tick: so many ticks at each rate. A rate below 0 has no row: no data."""
    draw = random.Random(seed)
    number = 0
    for ticks, rate in rates:
        for _ in range(ticks):
            number += 1
            if rate >= 0:
                bad = sum(draw.random() < rate for _ in range(judged))
                yield Row(START + number * tick, (signal,), "", bad, judged)


def looks(*streams: Iterable[Row], tick: timedelta = TICK) -> Iterator[Look]:
    """Return the looks at some streams together."""
    rows = sorted((row for one in streams for row in one), key=lambda row: row.at)
    return looks_of_rows(rows, tick=tick)


def backtested(
    seen: Iterable[Look], *, by: Guard, bad: Sequence[Period] = (), gate: Gate | None = None
) -> Backtest:
    """Return what a guard makes of these looks; its rules that revert are judged."""
    simulation = Simulation(by, bad=bad)
    for look in seen:
        simulation.look(look)
    return simulation.result("chat", gate or Gate(rules=judged_by_default(by)))
