"""Proof of a baseline: it served users well for long enough, and nothing that is known speaks against it.

No data is never proof. What is missing is a doubt, in a plain sentence with its numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from backout import counters
from backout.counting import Totals
from backout.model import format_duration
from backout.playbook import Proven
from backout.proof import Choice, Doubt, Floor, Known, Proof, ProveBaseline, Served, moment
from backout.releases import BaselineRecord, ReleaseRecord
from backout.view import IncidentOutcome, IncidentSummary
from backout.watch import Track

TICKS = 48
"""So often is the count looked at over the time that a baseline must have served."""
MOST_CHOICES = 5
"""Releases that are offered in the place of a baseline that is not proven, the newest of them."""


def floor(candidate: str, named: Sequence[BaselineRecord]) -> BaselineRecord | None:
    """Return the newest of the named baselines that is not the candidate; they come newest first."""
    return next((one for one in named if one.release != candidate), None)


def baseline(asked: ProveBaseline, candidate: ReleaseRecord | None, lowest: Floor | None) -> str:
    """Return the release that is to be proven: the one that was known, unless another was named since."""
    known = asked.baseline if asked.baseline != asked.release else ""
    if lowest is None:
        return known
    known_at = candidate.registered_at if candidate else asked.known_at
    is_newer = known_at is not None and lowest.named.at > known_at
    return lowest.named.release if is_newer or not known else known


def stretches(asked: ProveBaseline, candidate: ReleaseRecord | None, *, now: datetime) -> tuple[Served, ...]:
    """Return the times in which a baseline may have shown itself, with nothing counted yet.

    It is the last one; or, as a candidate that has all the traffic leaves none to the baseline, the last one
    before the candidate was registered.
    """
    over = asked.wanted.over
    last = Served(start=now - over, end=now)
    if candidate is None or candidate.registered_at > now:
        return (last,)
    at = candidate.registered_at
    return last, Served(start=at - over, end=at, before=asked.release)


def counted(stretch: Served, counts: Sequence[float | None], *, tick: timedelta) -> Served:
    """Return what was served in a stretch, from the counter at its start and at every tick of it.

    A counter that fell begins anew, and a replica that comes back does not count twice: as in a watch.
    """
    track, seen = Track(), []
    for number, count in enumerate(counts):
        totals = Totals(bad=0, of=count)
        if not counters.has_data(totals):
            continue
        seen.append(stretch.start + number * tick)
        reading, kept, fallen, left = counters.counted(track, totals)
        track = Track(
            totals=kept,
            recent=(*track.recent, reading),
            judged=track.judged + reading.judged,
            fallen=fallen,
            left=left,
        )
    if not seen:
        return stretch
    return stretch.model_copy(update={"requests": track.judged, "since": seen[0], "until": seen[-1]})


def proof(
    asked: ProveBaseline,
    found: Known | None,
    lowest: Floor | None,
    choices: Sequence[Known],
    *,
    is_baseline: bool = False,
) -> Proof:
    """Return whether the baseline is proven; `found` is what is known of it, None where none is known.

    `is_baseline`: the candidate was itself named the last known good release.
    """
    offered = tuple(_choice(one, asked.wanted, lowest) for one in choices)
    if found is None:
        doubt = Doubt(kind="none", text=_nowhere(asked, is_baseline=is_baseline))
        return Proof(baseline="", doubts=(doubt,), choices=offered)
    doubts = tuple(_doubts(found, asked.wanted, lowest))
    return Proof(
        baseline=found.release,
        shown=tuple(_shown(found, asked.wanted)),
        doubts=doubts,
        choices=offered,
    )


def _nowhere(asked: ProveBaseline, *, is_baseline: bool) -> str:
    if is_baseline:
        good = f"{asked.release} is itself the last known good release of {asked.service}"
        return f"{good}, so none is known to go back to"
    return f"no last known good release of {asked.service} is known"


def _choice(known: Known, wanted: Proven, lowest: Floor | None) -> Choice:
    assert known.record is not None  # noqa: S101  # only what is registered is offered
    return Choice(
        release=known.release,
        registered_at=known.record.registered_at,
        shown=tuple(_shown(known, wanted)),
        doubts=tuple(_doubts(known, wanted, lowest)),
    )


def _doubts(known: Known, wanted: Proven, lowest: Floor | None) -> Iterator[Doubt]:
    yield from _below(known, lowest)
    for one in known.quarantines[:1]:
        shared = "" if one.release == known.release else f" as {one.release}"
        text = f"it is quarantined{shared} since {moment(one.at)}: {one.why}"
        yield Doubt(kind="quarantine", text=text)
    if known.record is None:
        text = "it is not registered, so no digest of its artifacts is on record"
        yield Doubt(kind="unregistered", text=text)
    best = _best(known, wanted)
    for lacks in _lacks(best, wanted) if best else ():
        yield Doubt(kind="requests", text=lacks)
    for bad in _bad(known, best):
        until = f"to {moment(bad.closed_at)}" if bad.closed_at else "and goes on"
        text = f"an incident was open on it from {moment(bad.opened_at)} {until}"
        yield Doubt(kind="incident", text=text)


def _below(known: Known, lowest: Floor | None) -> Iterator[Doubt]:
    """Yield that a release is older than the floor, or not known to be newer."""
    if lowest is None or known.release == lowest.named.release:
        return
    if known.record is not None and known.record.registered_at > lowest.since:
        return
    named = lowest.named
    by = f"{named.release}, which {named.by} promoted on {moment(named.at)}: the floor"
    how = "it is older than" if known.record else "it is not known to be newer than"
    yield Doubt(kind="floor", text=f"{how} {by}")


def _best(known: Known, wanted: Proven) -> Served | None:
    """Return the stretch that shows most: one that is enough, else the one with the most requests."""
    return max(
        known.served,
        key=lambda one: (not _lacks(one, wanted), one.since is not None, one.requests),
        default=None,
    )


def _lacks(served: Served, wanted: Proven) -> tuple[str, ...]:
    """Return what a stretch lacks to be proof; nothing where it is."""
    if served.since is None or served.until is None:
        why = f" ({served.problem.removesuffix('.')})" if served.problem else ""
        return (f"no data on how many requests it served {served.when}{why}",)
    lacks = []
    if served.requests < wanted.requests:
        lacks.append(f"it served {served.requests:,} of {wanted.requests:,} requests {served.when}")
    # A counter is there from its first request on, and the last look may come just before its next one.
    lasted, slack = served.until - served.since, 2 * wanted.over / TICKS
    if lasted < wanted.over - slack:
        seen = f"it was seen from {moment(served.since)} to {moment(served.until)}"
        lacks.append(f"{seen}: {_short(lasted)}, not {format_duration(wanted.over)}")
    return tuple(lacks)


def _short(length: timedelta) -> str:
    return format_duration(timedelta(minutes=round(length.total_seconds() / 60)))


def _bad(known: Known, best: Served | None) -> Iterator[IncidentSummary]:
    """Yield the incidents on a release since the time began in which it showed itself, the newest first."""
    for one in known.incidents:
        if one.outcome is IncidentOutcome.FALSE_ALARM:
            continue
        if one.closed_at is None or best is None or one.closed_at >= best.start:
            yield one


def _shown(known: Known, wanted: Proven) -> Iterator[str]:
    best = _best(known, wanted)
    if best is not None and not _lacks(best, wanted):
        yield f"it served {best.requests:,} requests {best.when}"
        if not any(_bad(known, best)):
            yield f"no incident was open on it since {moment(best.start)}"
    if known.record is not None and not known.quarantines:
        yield "its artifacts are registered with their digests, and none is quarantined"
