"""Recovering: what each criterion says of the window, in the sense of recovery."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from math import log
from typing import NamedTuple

from backout import detector
from backout.criteria import AlertTest, Criterion, EventTest, GapTest
from backout.evaluation import Evaluation, Factor, Outcome, Verdict
from backout.guard import Guard
from backout.readings import cohort_key, cohorts
from backout.streams import is_of_release, stream_key
from backout.verdicts import held_against, is_blind
from backout.watch import Track, Watch
from backout.weighing import Cell, cells_of, is_least, needs, tolerated

CONFIDENCE = log(20)
"""Surprise that a statement about recovery needs: wrong in at most 5 % of the cases."""


def begun(breach: Watch, guard: Guard, at: datetime) -> Watch | None:
    """Return a watch for recovery that remembers the cohorts that were suspect; None where there were none.

    It has counted nothing: what was counted before belongs to no window of recovery.
    """
    evidence: dict[str, tuple[float, ...]] = {}
    tracks: dict[str, Track] = {}
    for criterion in guard.criteria:
        cells = [cell for cell in cells_of(criterion, breach.tracks) if cell.cohort]
        suspicion = needs(criterion, guard.tick, cells=len(cells))[1]
        for cell in cells:
            known = breach.evidence.get(cell.key, detector.NO_EVIDENCE)
            if detector.evidence(known) >= suspicion:
                evidence[cell.key] = known
                tracks[cohort_key(stream_key(criterion), cell.cohort)] = Track()
    return Watch(started_at=at, evidence=evidence, tracks=tracks) if evidence else None


def recovery(watch: Watch, *, guard: Guard, withdrawn: bool = False) -> Evaluation:
    """Hold the criteria against the window in the recovery sense: are the rates shown to be within limits?

    Clear: every rate is within its limit, with enough sample. Fired: one is shown to be beyond. Alerts do not
    count here: recovery is measured, never taken from an alert's silence.

    `withdrawn`: the release's exposure was read back as 0. What counts the release alone has nothing to count
    then and is left out, as long as something else measures recovery.
    """
    found = tuple(
        (criterion, _factor(watch, criterion, guard.tick))
        for criterion in guard.criteria
        if not isinstance(criterion.test, AlertTest)
    )
    without = _without_traffic(found, guard) if withdrawn else ()
    factors = tuple(factor for _, factor in found if factor.criterion not in without)
    verdicts = {factor.verdict for factor in factors if factor.mode == "act"}
    if Verdict.BREACHED in verdicts:
        outcome = Outcome.FIRED
    else:
        outcome = Outcome.CLEAR if verdicts == {Verdict.HEALTHY} else Outcome.INCONCLUSIVE
    reasons = tuple(factor.reason for factor in factors) or ("no signal measures recovery",)
    not_counted = tuple(f"{name}: it counts the candidate alone, which has no traffic" for name in without)
    return Evaluation(outcome=outcome, factors=factors, reasons=reasons, not_counted=not_counted)


def _without_traffic(found: Collection[tuple[Criterion, Factor]], guard: Guard) -> tuple[str, ...]:
    """Return the criteria that count a release that has no traffic, unless nothing else measures recovery.

    A breach of what is judged as it comes stays: whatever the exposure says, something reaches the release.
    """
    without = tuple(
        criterion.id
        for criterion, factor in found
        if is_of_release(signal := guard.signals[criterion.signal or ""])
        and (factor.verdict is not Verdict.BREACHED or signal.clock == "labelled")
    )
    others = any(criterion.mode == "act" for criterion, _ in found if criterion.id not in without)
    return without if others else ()


def is_shown(watch: Watch, guard: Guard) -> bool:
    """Say whether recovery would be clear."""
    acting = [
        criterion
        for criterion in guard.criteria
        if criterion.mode == "act" and not isinstance(criterion.test, AlertTest)
    ]
    shown = (_found(watch, criterion, guard.tick).verdict is Verdict.HEALTHY for criterion in acting)
    return bool(acting) and all(shown)


def _factor(watch: Watch, criterion: Criterion, tick: timedelta) -> Factor:
    verdict, cell, missed = _found(watch, criterion, tick)
    if isinstance(criterion.test, EventTest):
        reason, limit = _event_reason(cell, verdict), None
    else:
        reason, limit = _reason(criterion, cell, verdict)
    return Factor(
        criterion=criterion.id,
        signal=criterion.signal,
        verdict=verdict,
        bad=cell.track.bad,
        judged=cell.track.judged,
        limit=limit,
        cohort=cell.cohort,
        mode=criterion.mode,
        reason=f"{cohort_key(criterion.id, cell.cohort) if cell.cohort else criterion.id}: {missed}{reason}",
    )


class _Found(NamedTuple):
    """What the window shows of a criterion, and of which cohort."""

    verdict: Verdict
    cell: Cell
    missed: str = ""
    """Why a cohort cannot be left out, although there is too little of it, or nothing."""


def _found(watch: Watch, criterion: Criterion, tick: timedelta) -> _Found:
    cells = [_windowed(cell, criterion, watch) for cell in cells_of(criterion, watch.tracks)]
    enough = [cell for cell in cells if cell.track.judged >= criterion.min_sample] or cells
    if is_blind(watch, criterion, tick) or not enough:
        whole = _window(watch.tracks.get(stream_key(criterion), Track()))
        return _Found(Verdict.BLIND, cells[0] if len(cells) == 1 else Cell(criterion.id, "", whole))
    if isinstance(criterion.test, EventTest):
        return _Found(Verdict.BREACHED if cells[0].track.bad else Verdict.HEALTHY, cells[0])
    sure = CONFIDENCE + log(len(enough))
    found = [_Found(_shown(criterion, cell, sure), cell) for cell in enough]
    few = [cell for cell in cells if cell not in enough]
    suspicion = needs(criterion, tick, cells=len(cells))[1]
    found += [one for cell in few if (one := _of_few(watch, criterion, cell, len(cells), suspicion))]
    return min(found, key=lambda one: (_WORST_FIRST.index(one.verdict), -_rate(one.cell)))


def _of_few(watch: Watch, criterion: Criterion, cell: Cell, cells: int, suspicion: float) -> _Found | None:
    """Return what there is to say of a cohort of which there is little; None where it can be left out.

    It cannot where it is shown to be bad all the same, where it was suspect, or where there is none of it
    although there should be: that the others are well says nothing of it.
    """
    sure = CONFIDENCE + log(cells)
    verdict = _shown(criterion, cell, sure)
    if verdict is Verdict.BREACHED:
        return _Found(verdict, cell)
    if detector.evidence(watch.evidence.get(cell.key, detector.NO_EVIDENCE)) >= suspicion:
        return _Found(verdict, cell, "it was suspect, and there is too little of it: ")
    # The chance of none where so many are usual is exp(-usual). What is not seen of a share is no share.
    usual = _usual(watch, criterion, cell) if isinstance(criterion.test, GapTest) else 0.0
    if not cell.track.judged and usual >= sure:
        return _Found(verdict, cell, f"by its part of all before there would be {usual:.0f} judged: ")
    return None


def _usual(watch: Watch, criterion: Criterion, cell: Cell) -> float:
    """Return how many of all that was judged in the window would be of a cohort, by its part before it."""
    key = stream_key(criterion)
    before = {name: _before(watch.tracks[cohort_key(key, name)]) for name in cohorts(key, watch.tracks)}
    everything = sum(before.values())
    return _window(watch.tracks[key]).judged * before[cell.cohort] / everything if everything else 0.0


def _before(track: Track) -> float:
    """Return how many a source had judged before the window, since its counter began."""
    return max(0.0, (track.totals.of or 0.0) - _window(track).judged)


_WORST_FIRST = (Verdict.BREACHED, Verdict.BLIND, Verdict.SUSPECT, Verdict.HEALTHY)


def _window(track: Track) -> Track:
    """Return what a track counted in the window."""
    bad = judged = 0
    for reading in track.recent:
        bad += reading.bad
        judged += reading.judged
    return Track(bad=bad, judged=judged)


def _windowed(cell: Cell, criterion: Criterion, watch: Watch) -> Cell:
    track = _window(cell.track)
    if not isinstance(criterion.test, GapTest):
        return cell._replace(track=track, other=_window(cell.other) if cell.other else None)
    # The rest is everything in the ticks of the cohort's window, without the cohort.
    everything = watch.tracks[stream_key(criterion)].recent[-len(cell.track.recent) :]
    whole = _window(Track(recent=everything))
    rest = Track(bad=whole.bad - track.bad, judged=whole.judged - track.judged)
    return cell._replace(track=track, other=rest)


def _rate(cell: Cell) -> float:
    return cell.track.bad / cell.track.judged if cell.track.judged else 0.0


def _shown(criterion: Criterion, cell: Cell, sure: float) -> Verdict:
    """Say what the window shows of one rate, if it is sure enough."""
    bad, judged, limit = _share(criterion, cell)
    if cell.track.judged == 0 or (cell.other is not None and cell.other.judged == 0):
        return Verdict.BLIND
    if judged == 0 or detector.surprise(bad, judged, limit) < sure:
        return Verdict.SUSPECT
    is_within = bad > limit * judged if is_least(criterion) else bad < limit * judged
    if not is_within:
        return Verdict.BREACHED
    return Verdict.HEALTHY if cell.track.judged >= criterion.min_sample else Verdict.SUSPECT


def _share(criterion: Criterion, cell: Cell) -> tuple[int, int, float]:
    """Return the counts and the limit of one arm; of two arms the release's part of all bad outputs."""
    if cell.other is None:
        return cell.track.bad, cell.track.judged, cell.limit
    weighed = tolerated(criterion) * cell.track.judged
    whole = weighed + cell.other.judged
    return cell.track.bad, cell.track.bad + cell.other.bad, weighed / whole if whole else 0.0


def _event_reason(cell: Cell, verdict: Verdict) -> str:
    if verdict is Verdict.BLIND:
        return "no data, blind"
    return f"{cell.track.bad} in the window, one is too many" if cell.track.bad else "no event in the window"


def _reason(criterion: Criterion, cell: Cell, verdict: Verdict) -> tuple[str, float | None]:
    held = held_against(criterion, cell.limit, cell.track, cell.other)
    good, bad = ("above", "below") if is_least(criterion) else ("below", "above")
    said = {
        Verdict.BLIND: "blind",
        Verdict.BREACHED: f"still {bad}",
        Verdict.HEALTHY: good,
        Verdict.SUSPECT: f"not yet shown to be {good} (needs {criterion.min_sample} judged, clearly {good})",
    }[verdict]
    return f"{held.text}, {said}", held.limit
