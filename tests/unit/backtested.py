"""A playbook of slow ticks and days for it, as `backout backtest` is given them in tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from typer.testing import CliRunner, Result

from cli.main import app
from tests.unit.linted import TEXT
from tests.unit.recorded import START, stream

SLOW = timedelta(minutes=10)
BAD = f"{(START + 100 * SLOW).isoformat()}..{(START + 106 * SLOW).isoformat()}"
GATE = ("--bad", BAD, "--must-catch", "1h", "--max-false-per-day", "1")
HEADER = "at,signal,bad,judged\n"
BAD_HOUR = ((100, 0.0005), (6, 0.05))
"""Ticks before the limit is passed, and of the bad hour; the limit is 30 per 10000."""


def slow_playbook(folder: Path) -> Path:
    """Write the complete playbook with ticks of ten minutes."""
    path = folder / "complete.yaml"
    text = TEXT
    for old, new in {
        "tick: 15s": "tick: 10m",
        "sustain: 3m": "sustain: 20m",
        "sustain: 10m": "sustain: 20m",
        "soak: 2m, within: 30m": "soak: 20m, within: 3h",
    }.items():
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    return path


def days(folder: Path, rates: Sequence[tuple[int, float]]) -> Path:
    """Write what was counted of errors at these rates, and of a healthy gap."""
    path = folder / "days.csv"
    ticks = sum(count for count, _ in rates)
    rows = [
        *stream(rates, judged=1000, tick=SLOW),
        *stream([(ticks, 0.01)], signal="gap", tick=SLOW),
    ]
    rows.sort(key=lambda row: row.at)
    told = (f"{row.at.isoformat()},{row.streams[0]},{row.bad},{row.judged}\n" for row in rows)
    path.write_text(HEADER + "".join(told))
    return path


def run(*arguments: str | Path) -> Result:
    """Run `backout backtest`."""
    return CliRunner().invoke(app, ["backtest", *map(str, arguments)], env={"COLUMNS": "200"})
