"""Readings: what was counted between two looks, by stream and by cohort."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from backout import counters
from backout.counters import Count, has_data, is_count
from backout.counting import Look, Reading, Totals
from backout.criteria import AlertTest, BaselineTest, Criterion, DriftTest, GapTest
from backout.guard import Guard
from backout.signals import EventSignal
from backout.streams import control_key, stream_key
from backout.watch import Track, Watch

MOST_COHORTS = 50
"""So many cohorts of a stream are watched: the largest."""
_NEWCOMER = 2
"""A cohort that is not watched yet takes the place of one that is when it is so many times as large."""
_NAMED = 5
"""So many of the others are named."""


def cohort_key(key: str, cohort: str) -> str:
    """Return the key of one cohort, of a stream or of a criterion."""
    return f"{key}[{cohort}]"


def cohorts(key: str, keyed: Mapping[str, object]) -> list[str]:
    """Return the cohorts of a stream or a criterion that something is known of."""
    opening, begins = f"{key}[", len(key) + 1
    return [one[begins:-1] for one in keyed if one.startswith(opening)]


def counted(watch: Watch, look: Look, *, guard: Guard, keep: int) -> dict[str, Track]:
    """Return the guard's tracks after a look; `keep` is how many readings the window holds."""
    found: dict[str, Track] = {}
    for criterion in guard.criteria:
        for key in _keys(criterion):
            if key in found:
                continue
            seen = look.totals.get(key, {})
            if isinstance(criterion.test, GapTest | DriftTest):
                shares = isinstance(criterion.test, DriftTest)
                found |= _split(watch.tracks, key, seen, at=look.at, keep=keep, shares=shares)
            else:
                track = watch.tracks.get(key, _NONE)
                if isinstance(guard.signals[criterion.signal or ""], EventSignal):
                    found[key] = _of_events(track, look, key, keep=keep)
                else:
                    found[key] = _tracked(track, seen.get("", _NOTHING), at=look.at, keep=keep)
    return found


_NONE, _NOTHING, _ZERO, _EMPTY = Track(), Totals(), Totals(bad=0, of=0), Reading()


def _keys(criterion: Criterion) -> tuple[str, ...]:
    """Return the streams of a criterion: its own, and its control where there is one."""
    match criterion.test:
        case AlertTest():
            return ()
        case BaselineTest():
            return stream_key(criterion), control_key(criterion)
        case _:
            return (stream_key(criterion),)


def _of_events(track: Track, look: Look, key: str, *, keep: int) -> Track:
    """Return the track of a counter of rare events after a look.

    Often there is none before the first event. Where its source answers and has none, it stands at zero, so
    that the first event counts; the verdict stays blind until the counter is seen. Where nobody answers, what
    is seen next may have been there before.
    """
    totals = look.totals.get(key, {}).get("", _NOTHING)
    found = _tracked(track, totals, at=look.at, keep=keep, counts_events=True)
    if found.seen_at is not None:
        return found
    is_absent = key in look.totals and key not in look.problems and totals == _NOTHING
    return found.model_copy(update={"totals": _ZERO if is_absent else _NOTHING})


def _tracked(track: Track, totals: Totals, *, at: datetime, keep: int, counts_events: bool = False) -> Track:
    is_data = has_data(totals)
    unchanged = Count(_EMPTY, track.totals, track.fallen, track.left)
    reading, kept, fallen, left = counters.counted(track, totals) if is_data else unchanged
    # A counter of rare events that stands still is data: nothing happened.
    is_seen = reading.judged > 0 or (counts_events and is_data)
    return Track(
        totals=kept,
        recent=(*track.recent, reading)[-keep:],
        bad=track.bad + reading.bad,
        judged=track.judged + reading.judged,
        silent=0 if is_seen else track.silent + 1,
        seen_at=at if is_seen else track.seen_at,
        fallen=fallen,
        left=left,
    )


def _split(
    tracks: Mapping[str, Track],
    key: str,
    seen: Mapping[str, Totals],
    *,
    at: datetime,
    keep: int,
    shares: bool,
) -> dict[str, Track]:
    """Return the tracks of a stream's cohorts, and of all of them together."""
    known = {name: tracks[cohort_key(key, name)] for name in cohorts(key, tracks)}
    parts = {
        name: _tracked(known.get(name, _NONE), seen.get(name, _NOTHING), at=at, keep=keep)
        for name in _largest(known, seen, shares=shares)
    }
    readings = [track.recent[-1] for track in parts.values()]
    # Shares are parts of the same whole; other cohorts have each its own.
    numbers = [reading.judged for reading in readings]
    judged = max(numbers, default=0) if shares else sum(numbers)
    whole = Reading(bad=sum(reading.bad for reading in readings), judged=judged)
    before = tracks.get(key, _NONE)
    together = Track(
        recent=(*before.recent, whole)[-keep:],
        bad=before.bad + whole.bad,
        judged=before.judged + whole.judged,
        silent=0 if whole.judged else before.silent + 1,
        seen_at=at if whole.judged else before.seen_at,
    )
    return {key: together, **{cohort_key(key, name): track for name, track in parts.items()}}


def _largest(known: Mapping[str, Track], seen: Mapping[str, Totals], *, shares: bool) -> list[str]:
    """Return the cohorts to watch, in a fixed order: all, or the largest where there are too many."""
    names = sorted(known.keys() | seen.keys())
    if len(names) <= MOST_COHORTS:
        return names

    def size(name: str) -> float:
        track = known.get(name)
        totals = seen[name] if track is None else track.totals
        total = totals.bad if shares else totals.of
        counts = total if is_count(total) else 0
        return counts if track is None else _NEWCOMER * max(counts, track.bad if shares else track.judged)

    return sorted(sorted(names, key=size, reverse=True)[:MOST_COHORTS])


def flaws(watch: Watch, look: Look, tracks: Mapping[str, Track], *, guard: Guard) -> Iterator[str]:
    """Yield what a look showed that was not counted, and why; `watch` is as before, `tracks` as after it."""
    for key, seen in look.totals.items():
        if isinstance(guard.signals.get(key), EventSignal):
            yield from _older(key, watch.tracks.get(key, _NONE), seen.get("", _NOTHING))
        left_out = [name for name in seen if name and cohort_key(key, name) not in tracks]
        if left_out and key in tracks:
            named = ", ".join(left_out[:_NAMED]) + (" ..." if len(left_out) > _NAMED else "")
            yield f"{key}: of {len(seen)} cohorts the largest {MOST_COHORTS} are watched, not {named}"
        for cohort, totals in seen.items():
            name = cohort_key(key, cohort) if cohort else key
            is_counted = name in tracks and tracks[name].recent[-1].judged
            before = watch.tracks.get(name)
            if not is_counted and before and (flaw := counters.flaw(before.totals, totals)):
                yield f"{name}: {flaw}"
            if is_counted and (ahead := counters.waiting(tracks[name].totals, totals)):
                yield f"{name}: {ahead} bad wait for what is judged next"
            if before and before.left and name in tracks and tracks[name].left is None:
                yield f"{name}: {before.left.judged} judged came back with what had left the sum"


def _older(key: str, before: Track, now: Totals) -> Iterator[str]:
    """Yield the events that a counter has when it is seen first, and nobody knows since when."""
    if before.totals.of is None and is_count(now.of) and now.of > 0:
        yield f"{key}: {now.of:g} events may be older than the watch; only those after them count"
