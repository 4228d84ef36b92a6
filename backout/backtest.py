"""Backtest: the rules of a playbook held against what was recorded. What would have fired, how often wrongly?

The simulation is the watch itself: `triggers.tick` on every look in its order, with nothing from the future.
Nothing is taken back in it, so it goes on after a rule fired: the rule re-arms as the playbook says. Where a
bad period ends in which a rule that reverts had fired, the evidence begins anew: the release would be gone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from math import exp, lgamma, log, sqrt

from backout import triggers
from backout.counting import Look
from backout.criteria import AlertTest
from backout.evaluation import Evaluation, Outcome
from backout.guard import Guard
from backout.model import Duration, Frozen, Name, format_duration
from backout.rules import Condition, Do, Rule
from backout.streams import stream_key
from backout.watch import Track, Watch

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


def judged_by_default(guard: Guard) -> tuple[str, ...]:
    """Return the rules that revert: those whose false fires cost most."""
    return tuple(rule.id for rule in guard.rules if rule.do is Do.REVERT)


class Simulation:
    """One guard that watches recorded looks."""

    def __init__(self, guard: Guard, *, bad: Sequence[Period] = ()) -> None:
        """Watch for this guard; `bad` are the periods in which firing is right, sorted by time."""
        self.watch: Watch | None = None
        self.fires: list[Fire] = []
        self._guard = guard
        self._bad = bad
        self._reverting = frozenset(judged_by_default(guard))
        self._start: datetime | None = None
        self._ticks = 0
        self._healthy_ticks = 0
        self._blind: Counter[str] = Counter()
        self._held_back: Counter[tuple[str, str]] = Counter()
        self._observed: Counter[str] = Counter()
        self._told: tuple[frozenset[tuple[str, str]], frozenset[str]] = (frozenset(), frozenset())
        self._within: int | None = None

    def look(self, look: Look) -> Evaluation:
        """Go on by one look; return what the rules say."""
        watch = self.watch or Watch(started_at=look.at)
        self._start = self._start or look.at
        within = self._period(look.at)
        if self._within is not None and within != self._within and self._taken_back(self._within):
            watch = _begun_anew(watch)
        self._within = within
        self.watch, said = triggers.tick(watch, look, guard=self._guard)
        self._ticks += 1
        has_data = any(track.silent == 0 for track in self.watch.tracks.values())
        self._healthy_ticks += within is None and has_data
        self._count(look, said, within)
        return said

    def _period(self, at: datetime) -> int | None:
        """Return the number of the bad period of a moment: the time to go quiet belongs to it."""
        settle = self._guard.rearm.quiet
        covering = (number for number, one in enumerate(self._bad, 1) if one.start <= at <= one.end + settle)
        return max(covering, default=None)

    def _taken_back(self, period: int) -> bool:
        return any(fire.period == period and fire.rule in self._reverting for fire in self.fires)

    def _count(self, look: Look, said: Evaluation, within: int | None) -> None:
        if said.outcome is Outcome.FIRED and said.rule:
            self.fires.append(Fire(rule=said.rule, at=look.at, period=within, reasons=said.reasons))
        self._blind.update(one.source for one in said.blind)
        held_back = frozenset((one.rule, one.veto) for one in said.vetoed)
        observed = frozenset(one.partition(":")[0] for one in said.observed)
        self._held_back.update(held_back - self._told[0])
        self._observed.update(observed - self._told[1])
        self._told = held_back, observed

    def result(self, playbook: str, gate: Gate, *, notes: Sequence[str] = ()) -> Backtest:
        """Return what came of it, held against the gate."""
        ticks, tick_s = self._ticks, self._guard.tick.total_seconds()
        days = self._healthy_ticks * tick_s / DAY_S
        judged = [fire for fire in self.fires if fire.rule in gate.rules]
        false = sum(fire.period is None for fire in judged)
        result = Backtest(
            playbook=playbook,
            start=self._start,
            end=self.watch.at if self.watch else None,
            ticks=ticks,
            healthy_days=days,
            rules=tuple(self._tally(rule, gate, days) for rule in self._guard.rules),
            caught=tuple(_caught(number, one, judged) for number, one in enumerate(self._bad, 1)),
            false=false,
            false_per_day=false / days if days else None,
            at_most_per_day=most_events(false) / days if days else None,
            blind=tuple(
                BlindTime(source=source, blind_s=count * tick_s, share=count / ticks)
                for source, count in sorted(self._blind.items())
            ),
            held_back=tuple(
                HeldBack(rule=rule, veto=veto, times=times)
                for (rule, veto), times in sorted(self._held_back.items())
            ),
            observed=dict(sorted(self._observed.items())),
            notes=(*notes, *_unheard(self._guard)),
            gate=gate,
            failures=(),
        )
        untested = () if gate == Gate(rules=gate.rules) else self._untested(gate)
        return result.model_copy(update={"failures": (*untested, *_failures(result))})

    def _untested(self, gate: Gate) -> tuple[str, ...]:
        """Say which rules that are judged hang on signals of which there was no data at all."""
        tracks = self.watch.tracks if self.watch else {}
        unseen = {
            one.id
            for one in self._guard.criteria
            if one.signal and tracks.get(stream_key(one), Track()).seen_at is None
        }
        judged = (rule for rule in self._guard.rules if rule.id in gate.rules)
        return tuple(
            f"rule {rule.id} was not tested: there is no data at all for {', '.join(missing)}"
            for rule in judged
            if (missing := [name for name in names_in(rule.when) if name in unseen])
        )

    def _tally(self, rule: Rule, gate: Gate, days: float) -> RuleTally:
        fires = tuple(fire for fire in self.fires if fire.rule == rule.id)
        false = sum(fire.period is None for fire in fires)
        return RuleTally(
            rule=rule.id,
            do=rule.do,
            authority=rule.authority,
            judged=rule.id in gate.rules,
            fires=fires,
            false_per_day=false / days if days else None,
        )


def _begun_anew(watch: Watch) -> Watch:
    """Return a watch that has seen nothing yet but the totals, as for the next release."""
    tracks = {
        key: Track(totals=track.totals, seen_at=track.seen_at, silent=track.silent)
        for key, track in watch.tracks.items()
    }
    return Watch(started_at=watch.at or watch.started_at, tracks=tracks, at=watch.at)


def names_in(condition: Condition) -> Iterator[str]:
    """Yield the names that a condition and those inside it use."""
    for part in condition.parts:
        if isinstance(part, str):
            yield part
        else:
            yield from names_in(part)


def _caught(number: int, period: Period, judged: Sequence[Fire]) -> Caught:
    first = next((fire for fire in judged if fire.period == number), None)
    return Caught(period=period, rule=first.rule, at=first.at) if first else Caught(period=period)


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


def _unheard(guard: Guard) -> tuple[str, ...]:
    alerts = [one.id for one in guard.criteria if isinstance(one.test, AlertTest)]
    judgments = [one.id for one in guard.judgments]
    return (
        *([f"alerts are not in the data, so nothing was heard by {', '.join(alerts)}"] if alerts else []),
        *([f"judgments are not in the data: {', '.join(judgments)}"] if judgments else []),
    )


def _failures(result: Backtest) -> tuple[str, ...]:
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
