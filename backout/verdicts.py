"""Verdicts: what each criterion says now, in the sense of a breach, with all its numbers."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

from backout import detector
from backout.criteria import AlertTest, BaselineTest, Criterion, DriftTest, EventTest, GapTest
from backout.evaluation import Factor, Verdict
from backout.evidence import since_it_began
from backout.guard import Guard
from backout.readings import cohort_key
from backout.streams import control_key, stream_key
from backout.watch import Track, Watch
from backout.weighing import Cell, blind_after, cells_of, is_least, needs, tolerated

_NONE = Track()


class Said(NamedTuple):
    """A criterion's factor, and what it did not count."""

    factor: Factor
    not_counted: tuple[str, ...] = ()


def said(watch: Watch, guard: Guard, *, firing: Collection[str] = (), weaker: float = 1) -> tuple[Said, ...]:
    """Return what every criterion says; `firing` are alerts, `weaker` divides the evidence needed."""
    return tuple(_said(watch, criterion, guard.tick, firing, weaker) for criterion in guard.criteria)


def _said(
    watch: Watch, criterion: Criterion, tick: timedelta, firing: Collection[str], weaker: float
) -> Said:
    match criterion.test:
        case AlertTest(named=named):
            return Said(_alert(criterion, named, is_firing=named in firing))
        case EventTest():
            return Said(_event(watch, criterion, tick))
        case GapTest() | DriftTest():
            return _split(watch, criterion, tick, weaker)
        case _:
            (cell,) = cells_of(criterion, watch.tracks)
            return Said(_single(watch, criterion, cell, tick, weaker))


def _alert(criterion: Criterion, named: str, *, is_firing: bool) -> Factor:
    return Factor(
        criterion=criterion.id,
        verdict=Verdict.BREACHED if is_firing else Verdict.HEALTHY,
        mode=criterion.mode,
        reason=f"alert {named} is {'firing' if is_firing else 'not firing'}",
    )


def _event(watch: Watch, criterion: Criterion, tick: timedelta) -> Factor:
    track = watch.tracks.get(stream_key(criterion), _NONE)
    happened = f"{track.bad} event{'' if track.bad == 1 else 's'} since the watch began"
    if track.bad:
        verdict, reason = Verdict.BREACHED, f"{happened}, one is too many"
    elif is_blind(watch, criterion, tick):
        verdict, reason = Verdict.BLIND, "no data, blind"
    else:
        verdict, reason = Verdict.HEALTHY, "no event since the watch began, healthy"
    return _factor(criterion, verdict, track, reason=f"{criterion.id}: {reason}")


def _single(watch: Watch, criterion: Criterion, cell: Cell, tick: timedelta, weaker: float) -> Factor:
    need, suspicion = (level / weaker for level in needs(criterion, tick))
    verdict = _verdict(_evidence(watch, cell), need, suspicion, is_blind=is_blind(watch, criterion, tick))
    return _weighed(watch, criterion, cell, verdict, (need, suspicion))


def _split(watch: Watch, criterion: Criterion, tick: timedelta, weaker: float) -> Said:
    """Let every cohort with enough sample speak; the worst of them speaks for the criterion."""
    cells = cells_of(criterion, watch.tracks)
    need, suspicion = (level / weaker for level in needs(criterion, tick, cells=max(1, len(cells))))
    lacks = {cell.cohort: _lack(watch, criterion, cell, tick, need) for cell in cells}
    notes = tuple(f"{cohort_key(criterion.id, cohort)}: {lack}" for cohort, lack in lacks.items() if lack)
    counted = [cell for cell in cells if not lacks[cell.cohort]]
    if not counted:
        whole = watch.tracks.get(stream_key(criterion), _NONE)
        reason = f"{criterion.id}: {'nothing can be judged yet' if whole.judged else 'no data'}, blind"
        return Said(_factor(criterion, Verdict.BLIND, whole, need=need, reason=reason), notes)
    worst = max(counted, key=lambda cell: _evidence(watch, cell))
    verdict = _verdict(_evidence(watch, worst), need, suspicion, is_blind=is_blind(watch, criterion, tick))
    gone = _gone(watch, criterion, cells, tick, suspicion)
    if gone and verdict is Verdict.HEALTHY:
        return Said(_suspect_and_silent(watch, criterion, gone, need), notes)
    shift = _shift(criterion.test, cells) if isinstance(criterion.test, DriftTest) else None
    return Said(_weighed(watch, criterion, worst, verdict, (need, suspicion), shift=shift), notes)


def _lack(watch: Watch, criterion: Criterion, cell: Cell, tick: timedelta, need: float) -> str:
    """Return why a cohort is not counted, if it is not."""
    if cell.other is not None and not cell.other.judged:
        return "there is no other cohort to hold it against"
    if cell.track.judged < criterion.min_sample:
        return f"{cell.track.judged} judged, fewer than {criterion.min_sample}"
    if _is_silent(criterion, cell, tick) and _evidence(watch, cell) < need:
        return f"no data for {cell.track.silent} ticks"
    return ""


def _is_silent(criterion: Criterion, cell: Cell, tick: timedelta) -> bool:
    return cell.track.silent >= blind_after(criterion, tick)


def _gone(
    watch: Watch, criterion: Criterion, cells: list[Cell], tick: timedelta, suspicion: float
) -> Cell | None:
    """Return the cohort that fell silent while it was suspect, if there is one; the worst of several."""
    suspects = [
        cell
        for cell in cells
        if _is_silent(criterion, cell, tick)
        and cell.track.judged >= criterion.min_sample
        and _evidence(watch, cell) >= suspicion
    ]
    return max(suspects, key=lambda cell: _evidence(watch, cell), default=None)


def _suspect_and_silent(watch: Watch, criterion: Criterion, gone: Cell, need: float) -> Factor:
    """Be blind where a suspect cohort is not seen any more: that the others are well says nothing of it."""
    name, silent = cohort_key(criterion.id, gone.cohort), gone.track.silent
    counted = since_it_began(watch, gone)
    return _factor(
        criterion,
        Verdict.BLIND,
        counted.track,
        since=counted.since,
        evidence=_evidence(watch, gone),
        need=need,
        cohort=gone.cohort,
        reason=f"{name}: it was suspect, and there is no data of it for {silent} ticks, blind",
    )


def _shift(test: DriftTest, cells: list[Cell]) -> float:
    """Return how far the distribution moved: the part of everything that is in another category now."""
    shares = {cell.cohort: cell.track.bad / cell.track.judged for cell in cells if cell.track.judged}
    names = shares.keys() | test.reference.keys()
    return sum(abs(shares.get(name, 0) - test.reference.get(name, 0)) for name in names) / 2


def is_blind(watch: Watch, criterion: Criterion, tick: timedelta) -> bool:
    """Say whether some stream of a criterion never had data, or none for too long."""
    tracks = [watch.tracks.get(key, _NONE) for key in streams_of(criterion)]
    after = blind_after(criterion, tick)
    return any(track.seen_at is None or track.silent >= after for track in tracks)


def streams_of(criterion: Criterion) -> tuple[str, ...]:
    """Return the keys of the streams that a criterion needs; none for an alert."""
    match criterion.test:
        case AlertTest():
            return ()
        case BaselineTest():
            return stream_key(criterion), control_key(criterion)
        case _:
            return (stream_key(criterion),)


def _evidence(watch: Watch, cell: Cell) -> float:
    return detector.evidence(watch.evidence.get(cell.key, detector.NO_EVIDENCE))


def _verdict(evidence: float, need: float, suspicion: float, *, is_blind: bool) -> Verdict:
    # What is proven stays proven: silence takes back no evidence.
    if evidence >= need:
        return Verdict.BREACHED
    if is_blind:
        return Verdict.BLIND
    return Verdict.SUSPECT if evidence >= suspicion else Verdict.HEALTHY


def _weighed(
    watch: Watch,
    criterion: Criterion,
    cell: Cell,
    verdict: Verdict,
    levels: tuple[float, float],
    *,
    shift: float | None = None,
) -> Factor:
    evidence, (need, suspicion) = _evidence(watch, cell), levels
    if evidence >= suspicion:
        # What was counted before may drown what goes on now. Without a suspicion it is the other way round:
        # in a long healthy time there is always a stretch that is beyond the limit by chance.
        cell = since_it_began(watch, cell)
    held = held_against(criterion, cell.limit, cell.track, cell.other, since=_from(cell.since, watch.at))
    unproven = (
        f", {held.beyond} the limit but not yet proven" if verdict is Verdict.HEALTHY and held.beyond else ""
    )
    name = cohort_key(criterion.id, cell.cohort) if cell.cohort else criterion.id
    reason = f"{name}: {held.text}, evidence {evidence:.3g} of {need:.3g} needed, {verdict.value}{unproven}"
    moved = "" if shift is None else f", total variation distance {shift:.2%}"
    # Of the other categories nobody knows what had been counted when the evidence of this one began.
    moved += " since the watch began" if moved and cell.since else ""
    return _factor(
        criterion,
        verdict,
        cell.track,
        since=cell.since,
        limit=held.limit,
        evidence=evidence,
        need=need,
        cohort=cell.cohort,
        shift=shift,
        reason=f"{reason}{moved}",
    )


def _factor(  # noqa: PLR0913  # all that a factor says
    criterion: Criterion,
    verdict: Verdict,
    track: Track,
    *,
    reason: str,
    since: datetime | None = None,
    limit: float | None = None,
    evidence: float = 0.0,
    need: float = 0.0,
    cohort: str = "",
    shift: float | None = None,
) -> Factor:
    return Factor(
        criterion=criterion.id,
        signal=criterion.signal,
        verdict=verdict,
        bad=track.bad,
        judged=track.judged,
        since=since,
        limit=limit,
        evidence=evidence,
        need=need,
        cohort=cohort,
        shift=shift,
        mode=criterion.mode,
        reason=reason,
    )


class Held(NamedTuple):
    """A rate beside what it is held against."""

    text: str
    limit: float | None
    """The rate that it was held against, where there is one."""
    beyond: Literal["", "above", "below"] = ""
    """On which side of it the rate is, where that is the wrong one."""


def _from(since: datetime | None, now: datetime | None) -> str:
    """Say since when something counts, with the day where that is another one."""
    if since is None:
        return ""
    at = since.astimezone(UTC)
    is_today = now is not None and at.date() == now.astimezone(UTC).date()
    return f" since {at:%H:%M:%S} UTC" if is_today else f" since {at:%Y-%m-%d %H:%M:%S} UTC"


def held_against(
    criterion: Criterion, limit: float, track: Track, other: Track | None, *, since: str = ""
) -> Held:
    """Return what was counted beside what is tolerated, in words and numbers."""
    least = is_least(criterion)
    word = "" if least else "bad "
    if track.judged == 0:
        return Held("no data", None if other else limit)
    rate = track.bad / track.judged
    counted = f"{track.bad} {word}of {track.judged} judged{since} ({rate:.2%}"
    if other is None:
        side = "at least" if least else "limit"
        return Held(f"{counted}, {side} {limit:.2%})", limit, _beyond(rate, limit, least=least))
    arm = "the rest" if isinstance(criterion.test, GapTest) else "the baseline"
    if other.judged == 0:
        return Held(f"{counted}, no data of {arm})", None)
    others, ratio = other.bad / other.judged, tolerated(criterion)
    side = "at least" if least else "at most"
    told = f"{arm} {other.bad} of {other.judged}, {others:.2%}, {side} {ratio:g} times that"
    limit = ratio * others
    return Held(f"{counted}, {told})", min(limit, 1.0), _beyond(rate, limit, least=least))


def _beyond(rate: float, limit: float, *, least: bool) -> Literal["", "above", "below"]:
    if least:
        return "below" if rate < limit else ""
    return "above" if rate > limit else ""
