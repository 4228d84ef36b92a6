"""Proof of a baseline: it served users well for long enough, and nothing that is known speaks against it.

No data is never proof. What is missing is a doubt, in a plain sentence with its numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Literal

from backout import counters
from backout.counting import Totals
from backout.messages import CheckResult
from backout.model import Frozen, Name, digest_of, format_duration
from backout.playbook import CountQuery, Proven
from backout.releases import BaselineRecord, Quarantine, ReleaseRecord
from backout.view import IncidentOutcome, IncidentSummary
from backout.watch import Track

TICKS = 48
"""So often is the count looked at over the time that a baseline must have served."""
MOST_CHOICES = 5
"""Releases that are offered in the place of a baseline that is not proven, the newest of them."""

Kind = Literal["none", "floor", "quarantine", "unregistered", "requests", "incident", "check", "unseen"]
"""What a doubt is about. none: no baseline is known. unseen: nobody could look."""


class Doubt(Frozen):
    """Why a baseline is not proven."""

    kind: Kind
    text: str
    """One sentence without its full stop, with its numbers."""


class ProveBaseline(Frozen):
    """Request: say whether the release that traffic is to go back to is proven."""

    service: Name
    release: str
    """The candidate, which is never its own baseline."""
    baseline: str = ""
    """The last known good release as far as it was known before; empty where none was."""
    known_at: datetime | None = None
    """Until when that was so: a baseline that was named later takes its place. None: whatever is named."""
    wanted: Proven
    count: CountQuery | None
    """What counts the requests of a release."""


class Served(Frozen):
    """What a release served in one stretch of time, as far as its source knows."""

    start: datetime
    end: datetime
    before: str = ""
    """The release before whose registration the stretch ends; empty where it ends now."""
    requests: int = 0
    since: datetime | None = None
    """The first look of the stretch that had data; None where none had any."""
    until: datetime | None = None
    """The last one."""
    problem: str = ""
    """Why there is no data, where that is known."""

    @property
    def when(self) -> str:
        """The stretch in words."""
        length = format_duration(self.end - self.start)
        if self.before:
            return f"in the {length} before {self.before} was registered"
        return f"in the last {length}"


class Known(Frozen):
    """Everything that is known of one release."""

    release: str
    record: ReleaseRecord | None = None
    served: tuple[Served, ...] = ()
    incidents: tuple[IncidentSummary, ...] = ()
    quarantines: tuple[Quarantine, ...] = ()


class Floor(Frozen):
    """The last release that a person promoted: automation goes back to none that is older."""

    named: BaselineRecord
    registered_at: datetime | None = None
    """None where nobody registered it."""

    @property
    def since(self) -> datetime:
        """From when on a release is no older than this one."""
        return self.registered_at or self.named.at


class Choice(Frozen):
    """A release that people may name the baseline instead."""

    release: str
    registered_at: datetime
    shown: tuple[str, ...]
    """What is proven of it."""
    doubts: tuple[Doubt, ...]
    """What is not."""

    @property
    def line(self) -> str:
        """The choice in one sentence."""
        parts = (*self.shown, f"not proven: {told(self.doubts)}" if self.doubts else "")
        return f"{self.release}, registered {moment(self.registered_at)}: {'; '.join(filter(None, parts))}"

    @property
    def brief(self) -> str:
        """The choice in a word or two."""
        return f"{self.release} ({'not proven' if self.doubts else 'proven'})"


class Proof(Frozen):
    """Whether a baseline is proven, and why not."""

    baseline: str
    """Empty where none is known."""
    shown: tuple[str, ...] = ()
    """What is proven of it, each with its numbers."""
    doubts: tuple[Doubt, ...] = ()
    choices: tuple[Choice, ...] = ()
    """What people may name instead, where it is not proven."""

    @property
    def is_proven(self) -> bool:
        """Whether nothing is left to doubt."""
        return not self.doubts

    def checked(self, results: Sequence[CheckResult]) -> Proof:
        """Return the proof with what integrity checks found of the baseline."""
        passed = tuple(f"check {one.check} passed: {one.found}" for one in results if one.passed)
        failed = tuple(
            Doubt(kind="check", text=f"check {one.check} failed: {one.found}")
            for one in results
            if not one.passed
        )
        return self.model_copy(update={"shown": (*self.shown, *passed), "doubts": (*self.doubts, *failed)})


class _Waiver(Frozen):
    incident: str
    step: str
    baseline: str
    kinds: tuple[str, ...]


def waiver(found: Proof, *, incident: str, step: str) -> str:
    """Return what an override of these doubts is bound to.

    The numbers in them are others at every look: what is bound is which baseline it is, and what it lacks.
    """
    kinds = tuple(sorted({doubt.kind for doubt in found.doubts}))
    return digest_of(_Waiver(incident=incident, step=step, baseline=found.baseline, kinds=kinds))


def question(found: Proof, *, service: str, candidate: str) -> str:
    """Return what people are asked who may override: its first line says it all, the others help."""
    to = f" to {found.baseline}, which is not proven" if found.baseline else ""
    choices = [f"- {choice.line}" for choice in found.choices]
    lines = (
        f"Revert {service} {candidate}{to}: {told(found.doubts)}",
        *([f"Proven: {'; '.join(found.shown)}"] if found.shown else []),
        *(["Other releases:", *choices] if choices else []),
        f"Override it to go on, or name another one: {_naming(service)}; it is looked at within minutes",
    )
    return "\n".join(lines)


def way_out(found: Proof, *, service: str) -> str:
    """Return what is wrong and what to do, for an incident that is held because of it."""
    which = f"{found.baseline} is no proven baseline: " if found.baseline else ""
    choices = ", ".join(choice.brief for choice in found.choices) or "no other one is registered"
    naming = f"Name the release to go back to with {_naming(service)}, then resume"
    return f"{which}{told(found.doubts)}. {naming}; choices: {choices}"


def _naming(service: str) -> str:
    return f"'backout release baseline {service}/RELEASE --why TEXT'"


def told(doubts: Sequence[Doubt]) -> str:
    """Return the doubts as one line."""
    return "; ".join(doubt.text for doubt in doubts)


def moment(at: datetime) -> str:
    """Write a moment as people read it."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def floor(candidate: str, named: Sequence[BaselineRecord]) -> BaselineRecord | None:
    """Return the newest of the named baselines that is not the candidate; they come newest first."""
    return next((one for one in named if one.release != candidate), None)


def baseline(asked: ProveBaseline, lowest: BaselineRecord | None) -> str:
    """Return the release that is to be proven: the one that was known, unless another was named since."""
    known = asked.baseline if asked.baseline != asked.release else ""
    if lowest is None:
        return known
    is_newer = asked.known_at is not None and lowest.at > asked.known_at
    return lowest.release if is_newer or not known else known


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


def proof(asked: ProveBaseline, found: Known | None, lowest: Floor | None, choices: Sequence[Known]) -> Proof:
    """Return whether the baseline is proven; `found` is what is known of it, None where none is known."""
    offered = tuple(_choice(one, asked.wanted, lowest) for one in choices)
    if found is None:
        doubt = Doubt(kind="none", text=f"no last known good release of {asked.service} is known")
        return Proof(baseline="", doubts=(doubt,), choices=offered)
    doubts = tuple(_doubts(found, asked.wanted, lowest))
    return Proof(
        baseline=found.release,
        shown=tuple(_shown(found, asked.wanted)),
        doubts=doubts,
        choices=offered if doubts else (),
    )


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
