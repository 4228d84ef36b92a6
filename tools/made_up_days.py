"""Makes up the days that shipped playbooks are tested on: healthy ones, and a bad hour of each limit.

    python -m tools.made_up_days PLAYBOOK DAYS FILE

It writes a CSV file for `backout backtest --data` and prints the bad hours as its `--bad` options. The same
arguments write the same file. Healthy traffic swings through the day, varies from minute to minute, has gaps,
outages and six blips a day; its rates are half of what the playbook tolerates. In a bad hour one signal is at
four times of what is tolerated. Made-up traffic shows that rules work, not how they do on yours.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backout.backtest import Period
from backout.criteria import Criterion, LimitTest, ReferenceTest
from backout.lint import checked_playbook
from backout.playbook import Playbook
from deployment import load_templates

START = datetime(2026, 1, 5, tzinfo=UTC)
SEED = 20260105
PER_MINUTE = 500.0
HEALTHY, BAD = 0.5, 4.0
"""Times the tolerated rate."""
LASTING = timedelta(hours=1)
BLIPS_A_DAY, OUTAGES_A_DAY, MISSING = 6.0, 2.0, 0.05
SPREAD, SWING = 0.3, 0.7
BLIP_RATE = 0.3
_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)

Numbers = NDArray[np.float64]


def tolerated(criterion: Criterion) -> float | None:
    """Return the highest rate that a criterion tolerates; None where it has no such rate."""
    match criterion.test:
        case LimitTest(max=float(most)):
            return most
        case ReferenceTest(usual=usual, max_ratio=float(most)):
            return usual * most
        case _:
            return None


def bad_periods(playbook: Playbook, days: int) -> dict[str, Period]:
    """Return when each signal with a highest rate is bad, spread over the days."""
    limits = _limits(playbook)
    apart = days * _DAY / (len(limits) + 1)
    starts = {name: START + number * apart for number, name in enumerate(limits, 1)}
    return {name: Period(start=start, end=start + LASTING) for name, start in starts.items()}


def _limits(playbook: Playbook) -> dict[str, float]:
    return {
        one.signal: limit for one in playbook.criteria if one.signal and (limit := tolerated(one)) is not None
    }


def rows(playbook: Playbook, days: int) -> Iterator[tuple[str, str, int, int]]:
    """Yield every row: time, signal, bad and judged."""
    draw = np.random.default_rng(SEED)
    limits, bad = _limits(playbook), bad_periods(playbook, days)
    events = [name for name, signal in playbook.signals.items() if signal.kind == "event"]
    for day in range(days):
        start = START + day * _DAY
        counted = {name: _day(draw, start, playbook.tick, limit, bad[name]) for name, limit in limits.items()}
        answered = np.flatnonzero(_answered(draw, _DAY // playbook.tick, playbook.tick))
        shown = {name: [_shown(one, answered) for one in pair] for name, pair in counted.items()}
        for place, number in enumerate(answered):
            at = (start + (int(number) + 1) * playbook.tick).isoformat()
            for name, (wrong, judged) in shown.items():
                yield at, name, int(wrong[place]), int(judged[place])
            for name in events:
                yield at, name, 0, 0


def _day(
    draw: np.random.Generator, start: datetime, tick: timedelta, limit: float, bad: Period
) -> tuple[Numbers, Numbers]:
    """Return bad and judged in each tick of a day."""
    ticks = _DAY // tick
    share = np.arange(ticks) / ticks
    wave = np.sin(2 * np.pi * share)
    volume = PER_MINUTE * (tick / _MINUTE) * (1 + SWING * wave)
    rate = limit * HEALTHY * (1 + SWING / 4 * wave)
    minutes = draw.gamma(SPREAD**-2, SPREAD**2, 24 * 60)
    rate *= minutes[(share * 24 * 60).astype(int)]
    lasting = np.maximum(1, draw.integers(15, 121, ticks) // tick.total_seconds())
    rate = np.where(_spells(draw, ticks, BLIPS_A_DAY, lasting), BLIP_RATE, rate)
    times = start + np.arange(1, ticks + 1) * np.array(tick)
    is_bad = np.array([bad.start < at <= bad.end for at in times])
    rate = np.minimum(np.where(is_bad, limit * BAD, rate), 1.0)
    judged = draw.poisson(volume)
    return draw.binomial(judged, rate).astype(float), judged.astype(float)


def _shown(counted: Numbers, answered: NDArray[np.int_]) -> Numbers:
    """Return what each answered look shows: all that was counted since the one before."""
    return np.diff(counted.cumsum()[answered], prepend=0.0)


def _answered(draw: np.random.Generator, ticks: int, tick: timedelta) -> NDArray[np.bool_]:
    lasting = np.ceil(draw.exponential(10 * _MINUTE / tick, ticks))
    outage = _spells(draw, ticks, OUTAGES_A_DAY, lasting)
    return ~outage & (draw.random(ticks) >= MISSING)


def _spells(draw: np.random.Generator, ticks: int, a_day: float, lasting: Numbers) -> NDArray[np.bool_]:
    """Say which ticks of a day lie in a spell; `lasting` is how long one that begins there would last."""
    begins = draw.random(ticks) < a_day / ticks
    ends = np.maximum.accumulate(np.where(begins, np.arange(ticks) + lasting, 0.0))
    return np.asarray(np.arange(ticks) < ends)


def main(arguments: list[str]) -> None:
    """Write the file, and print the bad periods."""
    playbook_file, days, file = Path(arguments[0]), int(arguments[1]), Path(arguments[2])
    text = playbook_file.read_text(encoding="utf-8")
    playbook = checked_playbook(text, file=str(playbook_file), templates=load_templates(), site=None)
    with file.open("w", encoding="utf-8", newline="") as out:
        table = csv.writer(out, lineterminator="\n")
        table.writerow(["at", "signal", "bad", "judged"])
        table.writerows(rows(playbook, days))
    for period in bad_periods(playbook, days).values():
        print(f"--bad {period.start.isoformat()}..{period.end.isoformat()}")


if __name__ == "__main__":
    main(sys.argv[1:])
