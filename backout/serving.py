"""Served-version proof: what each probe was answered, round by round, and what that proves.

A round asks every user of every probe once. Rounds go on until the declared client lag is over; the last ones
come after it, and they decide. A user whose conversation began before the revert is asked on, with its own
cookies: only such a user can be pinned to the candidate.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta

from backout.messages import Answered, Cookie
from backout.model import Frozen, Name
from backout.probes import Way
from backout.release_sets import Conversations

LAST_ROUNDS = 3
"""Rounds after the lag: what they are answered decides."""
MOST_RELEASES = 8
"""Releases that are told apart in the answers to one user; what answers beyond them is `(others)`."""
OTHERS = "(others)"
_SLOWEST, _QUICKEST = timedelta(seconds=10), timedelta(seconds=1)
_ROUNDS = 30
"""So many rounds fit into a lag, where they are neither too quick nor too slow then."""


def pause(lag: timedelta) -> timedelta:
    """Return the pause between two rounds: a thirtieth of the lag, from 1 s to 10 s."""
    return min(max(lag / _ROUNDS, _QUICKEST), _SLOWEST)


def takes(left: timedelta, between: timedelta) -> timedelta:
    """Return how long the rounds take until what is left of the lag is over, and the last ones after it.

    How long the answers take comes on top: so many rounds, each of `LONGEST_ANSWER` at most.
    """
    return left + LAST_ROUNDS * between


class Session(Frozen):
    """A user of a probe whose conversation began before anything was reverted."""

    probe: Name
    number: int
    """From 1."""
    release: str
    """Which release began to answer it."""
    began: datetime
    cookies: tuple[Cookie, ...] = ()


class OpenSessions(Frozen):
    """Request: begin the conversations of every probe that knows sessions."""

    probes: tuple[Name, ...]
    service: Name
    key: str
    """Made from the place: the same users come again with it."""


class Opened(Frozen):
    """The conversations that began."""

    sessions: tuple[Session, ...]
    problems: tuple[str, ...] = ()
    """Who was not answered, and why."""


class SeeTo(Frozen):
    """Request: see that what is to become of conversations can be had from one of the targets."""

    targets: tuple[Name, ...]
    conversations: Conversations


class AskServed(Frozen):
    """Request: ask every probe until the lag is over, and judge what answered."""

    probes: tuple[Name, ...]
    service: Name
    candidate: str
    baseline: str = ""
    """The release that must answer; empty where none is known: then it must be another one."""
    lag_s: float
    """What is left of the client lag, in seconds; 0 where it is over."""
    pause_s: float
    """Between two rounds."""
    conversations: Conversations | None = None
    """What was to become of those that were under way."""
    sessions: tuple[Session, ...] = ()
    """The conversations that began before the revert."""
    key: str


class Seen(Frozen):
    """How often, and when, a release answered one user."""

    release: str
    times: int
    first: datetime
    last: datetime
    stale: str = ""
    """What said last that a cache had kept the answer."""


class Trail(Frozen):
    """What one user of a probe was answered so far."""

    probe: Name
    number: int
    """From 1 among those of its kind; 0 for the user who is a new one at every question."""
    old: bool = False
    """Its conversation began before the revert."""
    talk: datetime | None = None
    """When the conversation that is under way began."""
    talks: int = 0
    """Conversations that the service ended: the user is another one after each."""
    cookies: tuple[Cookie, ...] = ()
    asked: int = 0
    seen: tuple[Seen, ...] = ()
    turns: tuple[str, ...] = ()
    """The releases of the conversation that is under way, in their order: one, unless it was switched."""
    switched: tuple[str, ...] = ()
    """Those of the first conversation that more than one release answered."""
    went_on: datetime | None = None
    """When the candidate last went on with the conversation that began before the revert."""
    final: tuple[Answered, ...] = ()
    """What was answered after the lag, without cookies."""
    problem: str = ""
    """Why the last question had no answer."""

    @property
    def releases(self) -> tuple[str, ...]:
        """Return the releases that answered after the lag."""
        return tuple(dict.fromkeys(answer.release for answer in self.final))

    @property
    def is_from_before(self) -> bool:
        """Say whether the conversation that is under way is the one that began before the revert."""
        return self.old and self.talk == min(one.first for one in self.seen)


class Progress(Frozen):
    """How far the asking is: what travels in heartbeats."""

    until: datetime
    """When the lag is over."""
    final: int = 0
    """Rounds that were asked after it."""
    trails: tuple[Trail, ...]


def mark(key: str, trail: Trail, *, nth: int = 0) -> str:
    """Return what a user calls itself: the same in every question, unless it is a new one each time."""
    digest = hashlib.sha256(key.encode()).hexdigest()[:8]
    again = f".{trail.talks}" if trail.talks else ""
    new = f".new{nth}" if not trail.number else ""
    return f"backout-{digest}-{trail.probe}-{trail.number}{again}{new}"


def trails(request: AskServed, ways: Mapping[str, Way]) -> tuple[Trail, ...]:
    """Return whom to ask: those who began before the revert, and who comes only now."""
    found = []
    for probe in request.probes:
        way = ways[probe]
        if way.path != "session":
            found += [Trail(probe=probe, number=number) for number in range(1, way.sessions + 1)]
            continue
        found += [_begun(one) for one in request.sessions if one.probe == probe]
        found.append(Trail(probe=probe, number=0))
    return tuple(found)


def _begun(session: Session) -> Trail:
    seen = Seen(release=session.release, times=1, first=session.began, last=session.began)
    return Trail(
        probe=session.probe,
        number=session.number,
        old=True,
        talk=session.began,
        cookies=session.cookies,
        asked=1,
        seen=(seen,),
        turns=(session.release,),
    )


class Heard(Frozen):
    """What came of one question."""

    said: Answered | None = None
    problem: str = ""
    """Why there is no answer."""
    at: datetime
    final: bool
    """It was asked after the lag. That is the bound which was declared for conversations: what answers after
    it is no part of one that began before."""


def heard(trail: Trail, one: Heard, way: Way, request: AskServed) -> Trail:
    """Return the trail after one more question: what answered it, or why nothing did."""
    trail = trail.model_copy(update={"asked": trail.asked + 1})
    said = one.said
    if said is None:
        return trail.model_copy(update={"problem": one.problem})
    if said.ended:
        fresh = {"talk": None, "talks": trail.talks + 1, "cookies": (), "turns": (), "problem": ""}
        return trail.model_copy(update=fresh)
    known = {seen.release for seen in trail.seen} | {request.candidate, request.baseline}
    name = said.release if said.release in known or len(known) < MOST_RELEASES else OTHERS
    said = said.model_copy(update={"release": name})
    changes: dict[str, object] = {"seen": _counted(trail.seen, said, one.at), "problem": ""}
    if trail.number:
        changes["cookies"] = said.cookies
    if one.final:
        changes["final"] = (*trail.final, said.model_copy(update={"cookies": ()}))
    else:
        changes |= _talked(trail, name, one.at, way, candidate=request.candidate)
    return trail.model_copy(update=changes)


def _counted(seen: tuple[Seen, ...], said: Answered, at: datetime) -> tuple[Seen, ...]:
    others = tuple(one for one in seen if one.release != said.release)
    before = next((one for one in seen if one.release == said.release), None)
    if before is None:
        return (*others, Seen(release=said.release, times=1, first=at, last=at, stale=said.stale))
    stale = said.stale or before.stale
    return (*others, before.model_copy(update={"times": before.times + 1, "last": at, "stale": stale}))


def _talked(trail: Trail, release: str, at: datetime, way: Way, *, candidate: str) -> dict[str, object]:
    """Return how the conversation goes on; after `lasts` the same user begins another."""
    over = trail.talk is None or (way.lasts is not None and at - trail.talk >= way.lasts)
    if over or not trail.number:
        return {"talk": at, "turns": (release,)}
    again = trail.is_from_before and release == candidate and release in trail.turns
    goes_on: dict[str, object] = {"went_on": at} if again else {}
    if trail.turns[-1:] == (release,):
        return goes_on
    turns = (*trail.turns, release)[:MOST_RELEASES]
    is_first = trail.switched in {(), trail.turns}
    return goes_on | {"turns": turns, "switched": turns if is_first and len(turns) > 1 else trail.switched}
