"""Backtest: what the rules would have done on recorded data, and whether that is good enough."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import exp, lgamma, log, sqrt

from backout.model import Duration, Frozen, Name, format_duration
from backout.rules import Do

DAY_S = 86400.0
CONFIDENCE = 0.95
ENOUGH = 0.9
"""So many false fires must be expected at the rate that the gate allows, before seeing none counts."""


class Period(Frozen):
    """A time in which the release was bad, as people know by now."""

    start: datetime
    end: datetime

    def covers(self, at: datetime) -> bool:
        """Say whether the release was bad at that moment."""
        return self.start <= at <= self.end


class Gate(Frozen):
    """What a backtest must show."""

    max_false_per_day: float | None = None
    must_catch: Duration | None = None
    """Each bad period must be caught within this long after its beginning."""
    rules: tuple[Name, ...] = ()
    """The rules that are judged: whose false fires count, and who may catch."""


class Fire(Frozen):
    """A rule would have fired."""

    rule: Name
    at: datetime
    period: int | None = None
    """The number of the bad period that it belongs to, from 1; None is a false fire."""
    reasons: tuple[str, ...] = ()


class RuleTally(Frozen):
    """What one rule would have done."""

    rule: Name
    do: Do
    authority: str
    judged: bool
    """The gate judges it."""
    fires: tuple[Fire, ...] = ()
    false_per_day: float | None = None
    """None where there was no healthy time."""

    @property
    def false(self) -> int:
        """Fires outside of every bad period."""
        return sum(fire.period is None for fire in self.fires)


class Caught(Frozen):
    """Whether, and when, a rule that is judged fired in a bad period."""

    period: Period
    rule: Name | None = None
    at: datetime | None = None

    @property
    def after(self) -> timedelta | None:
        """How long after the beginning; None where nothing fired."""
        return self.at - self.period.start if self.at else None


class BlindTime(Frozen):
    """How long a source gave no data to criteria that need it."""

    source: Name
    blind_s: float
    share: float
    """Of all the time."""


class HeldBack(Frozen):
    """A rule that a veto kept from firing."""

    rule: Name
    veto: Name
    times: int


class Backtest(Frozen):
    """What the rules would have done on recorded data, and whether that passes the gate."""

    playbook: str
    start: datetime | None
    end: datetime | None
    ticks: int
    healthy_days: float
    """Days with data outside of the bad periods."""
    rules: tuple[RuleTally, ...]
    caught: tuple[Caught, ...]
    false: int
    """False fires of the rules that are judged."""
    false_per_day: float | None
    at_most_per_day: float | None
    """The true rate of false fires is at most this, with 95 % confidence."""
    blind: tuple[BlindTime, ...]
    held_back: tuple[HeldBack, ...]
    observed: dict[str, int]
    """What would have fired, had it not been told only to observe, and how often."""
    notes: tuple[str, ...]
    """What the data cannot show."""
    gate: Gate
    failures: tuple[str, ...]
    """What the gate asks for and the data does not show."""

    @property
    def passed(self) -> bool:
        """Whether nothing that the gate asks for is missing."""
        return not self.failures


def most_events(count: int) -> float:
    """Return the 95 % upper bound of the mean number of events where so many were seen; about 3 for none.

    Source: Garwood, "Fiducial limits for the Poisson distribution", Biometrika 28 (1936); for no event it is
    the rule of three.
    """
    low, high = float(count), count + 10 + 5 * sqrt(count)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _at_most(count, middle) > 1 - CONFIDENCE else (low, middle)
    return high


def _at_most(count: int, mean: float) -> float:
    """Return the chance of so many events or fewer."""
    return sum(exp(number * log(mean) - mean - lgamma(number + 1)) for number in range(count + 1))


def failures(result: Backtest) -> tuple[str, ...]:
    """Return what the gate asks for and the numbers do not show."""
    gate = result.gate
    found = [] if gate.max_false_per_day is None else _false_failures(result, gate.max_false_per_day)
    if gate.must_catch is not None:
        found += [] if result.caught else ["no bad period is named, so nothing shows that one is caught"]
        found += [why for one in result.caught if (why := _missed(one, gate.must_catch))]
    return tuple(found)


def _false_failures(result: Backtest, allowed: float) -> list[str]:
    days, per_day = result.healthy_days, result.false_per_day
    if per_day is not None and per_day > allowed:
        return [f"{per_day:.3g} false fires a day, more than {allowed:g}"]
    if days * allowed < ENOUGH:
        needed = ENOUGH / allowed if allowed else float("inf")
        enough = f"bring at least {needed:.3g}" if allowed else "no data can show that it never happens"
        return [f"{days:.3g} healthy days are too few to show {allowed:g} false fires a day; {enough}"]
    return []


def _missed(one: Caught, within: timedelta) -> str:
    span = f"the bad period from {one.period.start.isoformat()}"
    if one.after is None:
        return f"{span} was missed"
    if one.after > within:
        return f"{span} was caught after {format_duration(one.after)}, later than {format_duration(within)}"
    return ""
