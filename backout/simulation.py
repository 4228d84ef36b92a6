"""Simulation: the rules of a playbook held against recorded looks. What would have fired, how often wrongly?

It is the watch itself: `triggers.tick` on every look in its order, with nothing from the future. Nothing is
taken back in it, so it goes on after a rule fired: the rule re-arms as the playbook says. Where a bad period
ends in which a rule that reverts had fired, the evidence begins anew: the release would be gone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from backout import triggers
from backout.backtest import (
    DAY_S,
    ENOUGH,
    Backtest,
    BlindTime,
    Caught,
    Fire,
    Gate,
    HeldBack,
    Period,
    RuleTally,
    failures,
    most_events,
)
from backout.counting import Look
from backout.criteria import AlertTest
from backout.evaluation import Evaluation, Outcome, Verdict
from backout.guard import Guard
from backout.model import format_duration
from backout.rules import Do, Rule, names_in
from backout.streams import stream_key
from backout.verdicts import streams_of
from backout.watch import Track, Watch

HALF = 0.5


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
        self._seen: Counter[str] = Counter()
        self._unseen: Counter[str] = Counter()
        self._judged: Counter[str] = Counter()
        """Healthy ticks in which a criterion was not blind."""
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
        seen = [key for key, track in self.watch.tracks.items() if track.silent == 0]
        self._seen.update(seen)
        self._unseen.update(self.watch.tracks.keys() - _blind_streams(said, self._guard) - set(seen))
        if within is None:
            self._healthy_ticks += bool(seen)
            self._judged.update(one.criterion for one in said.factors if one.verdict is not Verdict.BLIND)
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
        days = self._days(self._healthy_ticks)
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
            notes=(*notes, *_unheard(self._guard), *self._sparse()),
            gate=gate,
            failures=(),
        )
        untested = () if gate == Gate(rules=gate.rules) else self._untested(gate)
        return result.model_copy(update={"failures": (*untested, *failures(result))})

    def _sparse(self) -> tuple[str, ...]:
        """Say which streams had data in fewer than half of the ticks in which they were not blind."""
        tick = format_duration(self._guard.tick)
        pieces = f"a look every {tick} would have shown it in pieces"
        return tuple(
            f"{key} had data in only {share:.0%} of the ticks: {pieces}"
            for key, seen in self._seen.items()
            if (share := seen / (seen + self._unseen[key])) < HALF
        )

    def _untested(self, gate: Gate) -> Iterator[str]:
        """Say which rules that are judged hang on criteria of which there is no data, or too little."""
        tracks = self.watch.tracks if self.watch else {}
        needed = ENOUGH / gate.max_false_per_day if gate.max_false_per_day else 0.0
        shown = self._days(self._healthy_ticks) >= needed
        for rule in self._guard.rules:
            named = set(names_in(rule.when)) if rule.id in gate.rules else set()
            criteria = [one for one in self._guard.criteria if one.id in named]
            missing = [
                one.id
                for one in criteria
                if any(tracks.get(key, Track()).seen_at is None for key in streams_of(one))
            ]
            if missing:
                yield f"rule {rule.id} was not tested: there is no data at all for {', '.join(missing)}"
            for one in criteria:
                days = self._days(self._judged[one.id])
                if shown and days < needed and one.mode == "act" and one.id not in missing:
                    yield (
                        f"rule {rule.id} was hardly tested: {one.id} could be judged for {days:.3g} healthy "
                        f"days; bring at least {needed:.3g}"
                    )

    def _days(self, ticks: int) -> float:
        return ticks * self._guard.tick.total_seconds() / DAY_S

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


def _blind_streams(said: Evaluation, guard: Guard) -> set[str]:
    blind = {name for one in said.blind for name in one.criteria}
    return {stream_key(one) for one in guard.criteria if one.id in blind}


def _caught(number: int, period: Period, judged: Sequence[Fire]) -> Caught:
    first = next((fire for fire in judged if fire.period == number), None)
    return Caught(period=period, rule=first.rule, at=first.at) if first else Caught(period=period)


def _unheard(guard: Guard) -> tuple[str, ...]:
    alerts = [one.id for one in guard.criteria if isinstance(one.test, AlertTest)]
    judgments = [one.id for one in guard.judgments]
    return (
        *([f"alerts are not in the data, so nothing was heard by {', '.join(alerts)}"] if alerts else []),
        *([f"judgments are not in the data: {', '.join(judgments)}"] if judgments else []),
    )
