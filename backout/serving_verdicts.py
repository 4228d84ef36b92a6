"""What the answers of each probe prove: that only the baseline serves, or what is wrong there, by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from backout.model import Frozen, Name
from backout.probes import ProbePath, Way
from backout.release_sets import Conversations
from backout.serving import AskServed, Progress, Seen, Trail

MOST_TOLD = 5
"""So many are told of one by one: sessions of a probe, probes of a step; more are counted."""


def first_of(told: Iterable[str]) -> tuple[str, ...]:
    """Return what is told of many: the first ones, each once, and how many more there are."""
    each = tuple(dict.fromkeys(told))
    more = len(each) - MOST_TOLD
    return (*each[:MOST_TOLD], f"and {more} more") if more > 0 else each


class Verdict(StrEnum):
    """What the answers of one probe prove."""

    CLEAN = "clean"
    """The baseline answered every question after the lag."""
    STILL_SERVED = "still served"
    """The candidate answers as any user may ask, and nothing says why."""
    STUCK_REPLICA = "stuck replica"
    STALE_CACHE = "stale cache"
    PINNED_SESSION = "pinned session"
    """A user who began before the revert is still answered by the candidate."""
    MIXED = "mixed conversation"
    """Two releases answered one conversation that was to finish where it began."""
    CONTINUED = "continued conversation"
    """The candidate answered a conversation that was to be ended."""
    UNKNOWN = "unknown release"
    """Neither the baseline nor the candidate answered."""
    BLIND = "blind"
    """Nobody answered, which is no proof of anything."""


class Finding(Frozen):
    """What one probe shows."""

    probe: Name
    path: ProbePath
    verdict: Verdict
    asked: int
    seen: tuple[Seen, ...]
    """By release: how often, first and last, of all users together."""
    why: str = ""
    """What is wrong, in words; empty where nothing is."""
    kept: str = ""
    """The conversations that were left to finish on the candidate, and until when."""


class Served(Frozen):
    """What every probe shows, in the order in which they are named."""

    findings: tuple[Finding, ...]


class _Wrong(NamedTuple):
    verdict: Verdict
    why: str


def judge(request: AskServed, ways: Mapping[str, Way], progress: Progress) -> Served:
    """Return what the last rounds, and all before them, prove."""
    return Served(
        findings=tuple(
            _finding(request, probe, ways[probe], [one for one in progress.trails if one.probe == probe])
            for probe in request.probes
        )
    )


def _finding(request: AskServed, probe: str, way: Way, trails: Sequence[Trail]) -> Finding:
    wrong = [wrong for trail in trails for wrong in _wrong(request, way.path, trail)]
    if way.path == "session" and not any(trail.old for trail in trails):
        why = "no session of it began before the revert, so nothing shows whether one is pinned"
        wrong.append(_Wrong(Verdict.BLIND, why))
    return Finding(
        probe=probe,
        path=way.path,
        verdict=wrong[0].verdict if wrong else Verdict.CLEAN,
        asked=sum(trail.asked for trail in trails),
        seen=_together(trails),
        why="; ".join(first_of(one.why for one in wrong)),
        kept=_kept(request, trails),
    )


def _wrong(request: AskServed, path: ProbePath, trail: Trail) -> Iterator[_Wrong]:
    who = _who(path, trail)
    for release in trail.releases:
        if release == request.candidate:
            yield _candidate(request, path, trail)
        elif request.baseline and release != request.baseline:
            why = (
                f"{who}was answered by {release}, which is neither {request.baseline} nor {request.candidate}"
            )
            yield _Wrong(Verdict.UNKNOWN, why)
    if not trail.final:
        yield _Wrong(Verdict.BLIND, f"{who}was not answered: {trail.problem or 'its conversation has ended'}")
    if not trail.old:
        return
    if request.conversations is Conversations.FINISH and trail.switched:
        turns = f"{trail.switched[0]}, then by {', then by '.join(trail.switched[1:])}"
        yield _Wrong(Verdict.MIXED, f"conversation s{trail.number} was answered by {turns}")
    if request.conversations is Conversations.RESTART and trail.went_on:
        why = f"conversation s{trail.number} was to be ended, and {request.candidate} went on with it"
        yield _Wrong(Verdict.CONTINUED, why)


def _candidate(request: AskServed, path: ProbePath, trail: Trail) -> _Wrong:
    """Name what lets the candidate answer after the lag."""
    candidate = [answer for answer in trail.final if answer.release == request.candidate]
    stale = next((answer.stale for answer in candidate if answer.stale), "")
    often = f"{len(candidate)} of {len(trail.final)} times"
    who = _who(path, trail)
    why = f"{who}was answered by {request.candidate} after the lag, {often}"
    if stale or path == "cache":
        return _Wrong(Verdict.STALE_CACHE, f"{why} ({stale or 'nothing says how old the answer is'})")
    if path == "replica":
        return _Wrong(Verdict.STUCK_REPLICA, why)
    return _Wrong(Verdict.PINNED_SESSION if trail.old else Verdict.STILL_SERVED, why)


def _who(path: ProbePath, trail: Trail) -> str:
    if path != "session":
        return f"user {trail.number} " if trail.number > 1 else "it "
    return f"session s{trail.number} " if trail.number else "a new session "


def _together(trails: Sequence[Trail]) -> tuple[Seen, ...]:
    """Return the releases that answered, those of all users together, the last seen one last."""
    found: dict[str, Seen] = {}
    for one in (seen for trail in trails for seen in trail.seen):
        before = found.get(one.release, one.model_copy(update={"times": 0}))
        found[one.release] = Seen(
            release=one.release,
            times=before.times + one.times,
            first=min(before.first, one.first),
            last=max(before.last, one.last),
            stale=one.stale or before.stale,
        )
    return tuple(sorted(found.values(), key=lambda seen: (seen.last, seen.release)))


def _kept(request: AskServed, trails: Sequence[Trail]) -> str:
    """List the conversations that were left to finish, where that is the policy."""
    if request.conversations is not Conversations.FINISH:
        return ""
    lasts = [(trail.number, trail.went_on) for trail in trails if trail.went_on]
    return ", ".join(first_of(f"s{number} until {_clock(last)}" for number, last in lasts))


def _clock(at: datetime) -> str:
    return f"{at:%H:%M:%S} UTC"
