"""Evidence: how much there is after a look, where it began, and what was counted since."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from backout import detector
from backout.criteria import BaselineTest, Criterion, DriftTest, EventTest
from backout.guard import Guard
from backout.readings import cohort_key
from backout.streams import control_key, stream_key
from backout.watch import Began, Track, Watch
from backout.weighing import Cell, cells_of, is_least, needs, tolerated

Counts = tuple[int, int, int, int]
"""Bad and judged of one arm, then of the other."""


class Weighed(NamedTuple):
    """What a look makes of the fields of a watch that have these names."""

    evidence: dict[str, tuple[float, ...]]
    weighed: dict[str, Counts]
    began: dict[str, Began]


def weighed(watch: Watch, tracks: Mapping[str, Track], *, guard: Guard) -> Weighed:
    """Return the evidence after a look, what of two arms is weighed by now, and where the evidence began."""
    after = Weighed({}, {}, {})
    for criterion in guard.criteria:
        if isinstance(criterion.test, EventTest):
            continue
        cells = cells_of(criterion, tracks)
        need, _ = needs(criterion, guard.tick, cells=len(cells))
        largest = detector.cap(need, criterion.evidence.sustain / guard.tick) if cells else 0.0
        for cell in cells:
            if cell.other is None:
                _weigh_one_arm(after, watch, criterion, cell, largest)
            elif _is_seen(cell.track) and _is_seen(cell.other):
                now = cell.track.bad, cell.track.judged, cell.other.bad, cell.other.judged
                _weigh_two_arms(after, watch, criterion, cell, now, largest)
            elif cell.key in watch.evidence:
                # What it had shown stays, although this watch has not seen it.
                after.evidence[cell.key] = watch.evidence[cell.key]
    return after


def _is_seen(track: Track) -> bool:
    return track.totals.of is not None


def _weigh_one_arm(after: Weighed, watch: Watch, criterion: Criterion, cell: Cell, largest: float) -> None:
    key, track = cell.key, cell.track
    reading, began = track.recent[-1], watch.began.get(key)
    ratios = (detector.log_ratios_below if is_least(criterion) else detector.log_ratios)(cell.limit)
    after.evidence[key] = detector.advance(
        watch.evidence.get(key, detector.NO_EVIDENCE),
        bad=reading.bad,
        judged=reading.judged,
        ratios=ratios,
        largest=largest,
    )
    gain = min(detector.log_ratio(reading.bad, reading.judged, ratios), largest)
    if (leaning := _leaning(began) + gain) > 0:
        was = track.bad - reading.bad, track.judged - reading.judged, 0, 0
        after.began[key] = _going_on(began or _begin(watch, criterion, cell, was), leaning)


def _weigh_two_arms(
    after: Weighed, watch: Watch, criterion: Criterion, cell: Cell, now: Counts, largest: float
) -> None:
    """Weigh what both arms counted since the last time; what one has counted alone waits for the other."""
    key, used, began = cell.key, watch.weighed.get(cell.key), watch.began.get(cell.key)
    before = watch.evidence.get(key, detector.NO_EVIDENCE)
    if used is None or any(count < was for count, was in zip(now, used, strict=True)):
        after.evidence[key], after.weighed[key] = before, now
        return
    news = _since(used, now)
    if news[1] and news[3]:
        after.evidence[key], after.weighed[key] = _advanced(before, criterion, news, largest), now
        leaning = _leaning(began) + min(_log_ratio(criterion, news), largest)
        # Where the arms' parts of the traffic have changed, the rates may not say what each tick said.
        is_begun = leaning > 0 and _log_ratio(criterion, _since(_counts(began) if began else used, now)) > 0
    else:
        after.evidence[key], after.weighed[key] = before, used
        # What waits counts from where it began to wait, if it is evidence in the end.
        leaning, is_begun = _leaning(began), began is not None or any(news)
    if is_begun:
        after.began[key] = _going_on(began or _begin(watch, criterion, cell, used), leaning)


def _since(was: Counts, now: Counts) -> Counts:
    return now[0] - was[0], now[1] - was[1], now[2] - was[2], now[3] - was[3]


def _advanced(
    before: tuple[float, ...], criterion: Criterion, news: Counts, largest: float
) -> tuple[float, ...]:
    (bad, judged, other_bad, other_judged), ratio = _arms(criterion, news)
    return detector.advance_against(
        before,
        bad=bad,
        judged=judged,
        other_bad=other_bad,
        other_judged=other_judged,
        ratio=ratio,
        largest=largest,
    )


def _log_ratio(criterion: Criterion, counts: Counts) -> float:
    (bad, judged, other_bad, other_judged), ratio = _arms(criterion, counts)
    return detector.log_ratio_against(bad, judged, other_bad, other_judged, ratio=ratio)


def _arms(criterion: Criterion, counts: Counts) -> tuple[Counts, float]:
    """Return the counts as the detector holds the one arm against the other, and the ratio."""
    ratio = tolerated(criterion)
    if not is_least(criterion):
        return counts, ratio
    # Not less than a part of the control's rate: so the control has not more than a multiple of ours.
    bad, judged, other_bad, other_judged = counts
    return (other_bad, other_judged, bad, judged), 1 / ratio


def _begin(watch: Watch, criterion: Criterion, cell: Cell, counts: Counts) -> Began:
    """Return a beginning with what was counted before the news; it is where that was counted last."""
    key = stream_key(criterion)
    match criterion.test:
        case DriftTest():
            keys = [cohort_key(key, cell.cohort)]
        case BaselineTest():
            keys = [key, control_key(criterion)]
        case _:
            keys = [key]
    seen = (watch.tracks[one].seen_at for one in keys if one in watch.tracks)
    at = max((at for at in seen if at), default=watch.started_at)
    bad, judged, other_bad, other_judged = counts
    return Began(at=at, bad=bad, judged=judged, other_bad=other_bad, other_judged=other_judged)


def _leaning(began: Began | None) -> float:
    return began.leaning if began else 0.0


def _going_on(began: Began, leaning: float) -> Began:
    return began if leaning == began.leaning else began.model_copy(update={"leaning": leaning})


def _counts(began: Began) -> Counts:
    return began.bad, began.judged, began.other_bad, began.other_judged


def since_it_began(watch: Watch, cell: Cell) -> Cell:
    """Return a cell with what was counted since its evidence began; all of it where it began with the watch.

    Their rate is beyond the limit. Of two arms it is what was weighed of both, without what waits.
    """
    began = watch.began.get(cell.key)
    if began is None or not (began.judged or began.other_judged):
        return cell
    now = watch.weighed.get(cell.key, (cell.track.bad, cell.track.judged, 0, 0))
    bad, judged, other_bad, other_judged = _since(_counts(began), now)
    if not judged:
        return cell
    return cell._replace(
        track=Track(bad=bad, judged=judged),
        other=cell.other and Track(bad=other_bad, judged=other_judged),
        since=min(began.at, watch.at or began.at),
    )
