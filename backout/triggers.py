"""Triggers: readings become verdicts, verdicts an evaluation of the rules, with every number kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from math import isfinite, log
from typing import TypeGuard

from backout import detector
from backout.alerts import Alert
from backout.counting import Reading, Totals
from backout.criteria import AlertTest, Criterion, LimitTest
from backout.evaluation import Evaluation, Factor, Outcome, Verdict
from backout.rules import Rule
from backout.watch import Track, Watch

BLIND_AFTER_TICKS = 4
"""So many ticks without data make a criterion blind."""
CONFIDENCE = log(20)
"""Surprise that a statement about recovery needs: wrong in at most 5 % of the cases."""


def difference(before: Totals, now: Totals) -> Reading:
    """Return what was counted between two looks; no data, or nonsense, is a reading of nothing.

    A counter that fell is no data for one tick: a service restarted, or a replica left the sum, and then what
    is left was counted over its whole life. Taken for new, it would drown what happens now.
    """
    bad, judged = _grown(before.bad, now.bad), _grown(before.of, now.of)
    if bad is None or judged is None or bad > judged:
        return Reading()
    return Reading(bad=bad, judged=judged)


def _grown(before: float | None, now: float | None) -> int | None:
    if not _is_count(before) or not _is_count(now):
        return None
    return round(now - before) if now >= before else None


def _is_count(number: float | None) -> TypeGuard[float]:
    return number is not None and isfinite(number) and number >= 0


def advance(
    watch: Watch, seen: Mapping[str, Totals], *, criteria: Sequence[Criterion], tick: timedelta, keep: int
) -> Watch:
    """Return the watch after one tick. `keep` is how many readings the window holds."""
    tracks = {name: _tracked(watch.tracks.get(name, Track()), totals, keep) for name, totals in seen.items()}
    evidence = {
        criterion.id: _weighed(watch, criterion, tracks[criterion.signal], tick)
        for criterion in criteria
        if criterion.signal is not None
    }
    return watch.model_copy(update={"ticks": watch.ticks + 1, "tracks": tracks, "evidence": evidence})


def _tracked(track: Track, totals: Totals, keep: int) -> Track:
    reading = difference(track.totals, totals)
    has_data = _is_count(totals.bad) and _is_count(totals.of)
    return Track(
        totals=totals if has_data else track.totals,
        recent=(*track.recent, reading)[-keep:],
        bad=track.bad + reading.bad,
        judged=track.judged + reading.judged,
        silent=0 if reading.judged else track.silent + 1,
    )


def _weighed(watch: Watch, criterion: Criterion, track: Track, tick: timedelta) -> tuple[float, ...]:
    statistics = watch.evidence.get(criterion.id, detector.NO_EVIDENCE)
    if not isinstance(criterion.test, LimitTest) or not track.recent:
        return statistics
    need, _ = needs(criterion, tick)
    return detector.advance(
        statistics,
        bad=track.recent[-1].bad,
        judged=track.recent[-1].judged,
        limit=criterion.test.max,
        largest=detector.cap(need, criterion.evidence.sustain / tick),
    )


def needs(criterion: Criterion, tick: timedelta) -> tuple[float, float]:
    """Return the evidence that a breach takes, and the evidence that makes a suspicion."""
    return criterion.evidence.false_alarm / tick, criterion.evidence.false_hold / tick


def breach(
    watch: Watch,
    *,
    criteria: Sequence[Criterion],
    rules: Sequence[Rule],
    firing: Iterable[Alert],
    tick: timedelta,
) -> Evaluation:
    """Hold the rules against the evidence: which fired? Clear only where every criterion is shown healthy."""
    names = {alert.name for alert in firing if alert.status == "firing"}
    factors = tuple(_breach_factor(watch, criterion, names, tick) for criterion in criteria)
    breached = {factor.criterion for factor in factors if factor.verdict is Verdict.BREACHED}
    fired = next((rule for rule in rules if breached.intersection(rule.when.any_of)), None)
    if fired:
        counted = [factor for factor in factors if factor.criterion in fired.when.any_of]
        reasons = tuple(factor.reason for factor in counted if factor.verdict is Verdict.BREACHED)
        return Evaluation(outcome=Outcome.FIRED, rule=fired.id, factors=factors, reasons=reasons)
    quiet = all(factor.verdict is Verdict.HEALTHY for factor in factors)
    shown = recovery(watch, criteria=criteria).outcome is Outcome.CLEAR
    outcome = Outcome.CLEAR if quiet and shown else Outcome.INCONCLUSIVE
    return Evaluation(outcome=outcome, factors=factors, reasons=tuple(factor.reason for factor in factors))


def _breach_factor(watch: Watch, criterion: Criterion, names: set[str], tick: timedelta) -> Factor:
    match criterion.test:
        case AlertTest(named=named):
            firing = named in names
            verdict = Verdict.BREACHED if firing else Verdict.HEALTHY
            reason = f"alert {named} is {'firing' if firing else 'not firing'}"
            return Factor(criterion=criterion.id, verdict=verdict, reason=reason)
        case LimitTest(max=limit):
            return _limit_factor(watch, criterion, limit, tick)


def _limit_factor(watch: Watch, criterion: Criterion, limit: float, tick: timedelta) -> Factor:
    track = watch.tracks.get(criterion.signal or "", Track())
    evidence = detector.evidence(watch.evidence.get(criterion.id, detector.NO_EVIDENCE))
    need, suspicion = needs(criterion, tick)
    verdict = _verdict(track, evidence, need, suspicion)
    return Factor(
        criterion=criterion.id,
        signal=criterion.signal,
        verdict=verdict,
        bad=track.bad,
        judged=track.judged,
        limit=limit,
        evidence=evidence,
        need=need,
        reason=f"{criterion.id}: {_numbers(track.bad, track.judged, limit)}, "
        f"evidence {evidence:.3g} of {need:.3g} needed, {verdict.value}",
    )


def _verdict(track: Track, evidence: float, need: float, suspicion: float) -> Verdict:
    if evidence >= need:
        return Verdict.BREACHED
    if track.judged == 0 or track.silent >= BLIND_AFTER_TICKS:
        return Verdict.BLIND
    return Verdict.SUSPECT if evidence >= suspicion else Verdict.HEALTHY


def _numbers(bad: int, judged: int, limit: float) -> str:
    if judged == 0:
        return "no data"
    return f"{bad} bad of {judged} judged ({bad / judged:.2%}, limit {limit:.2%})"


def recovery(watch: Watch, *, criteria: Sequence[Criterion]) -> Evaluation:
    """Hold the criteria against the window in the recovery sense: are the rates shown to be below the limits?

    Clear: every rate is below its limit with enough sample. Fired: one is shown to be above. Alerts do not
    count here: recovery is measured, never taken from an alert's silence.
    """
    factors = tuple(
        _recovery_factor(watch.tracks.get(criterion.signal or "", Track()), criterion, criterion.test.max)
        for criterion in criteria
        if isinstance(criterion.test, LimitTest)
    )
    verdicts = {factor.verdict for factor in factors}
    if Verdict.BREACHED in verdicts:
        outcome = Outcome.FIRED
    else:
        outcome = Outcome.CLEAR if verdicts == {Verdict.HEALTHY} else Outcome.INCONCLUSIVE
    reasons = tuple(factor.reason for factor in factors) or ("no signal measures recovery",)
    return Evaluation(outcome=outcome, factors=factors, reasons=reasons)


def _recovery_factor(track: Track, criterion: Criterion, limit: float) -> Factor:
    bad, judged = sum(r.bad for r in track.recent), sum(r.judged for r in track.recent)
    silent = track.silent >= BLIND_AFTER_TICKS
    verdict = Verdict.BLIND if silent else _recovered(bad, judged, limit, criterion.min_sample)
    said = {
        Verdict.BLIND: "blind",
        Verdict.BREACHED: "still above",
        Verdict.HEALTHY: "below",
        Verdict.SUSPECT: f"not yet shown to be below (needs {criterion.min_sample} judged, clearly below)",
    }[verdict]
    return Factor(
        criterion=criterion.id,
        signal=criterion.signal,
        verdict=verdict,
        bad=bad,
        judged=judged,
        limit=limit,
        reason=f"{criterion.id}: {_numbers(bad, judged, limit)}, {said}",
    )


def _recovered(bad: int, judged: int, limit: float, min_sample: int) -> Verdict:
    if judged == 0:
        return Verdict.BLIND
    if detector.surprise(bad, judged, limit) < CONFIDENCE:
        return Verdict.SUSPECT
    if bad > limit * judged:
        return Verdict.BREACHED
    return Verdict.HEALTHY if judged >= min_sample else Verdict.SUSPECT
