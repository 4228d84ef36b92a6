"""The shipped fake world: every port in memory, on a virtual clock, with switches for faults.

The numbers are expected values, never drawn: the same acts at the same virtual times count the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import floor
from typing import NamedTuple

from adapters.faults import Faulty, Gate
from adapters.memory_leases import MemoryLeases
from adapters.memory_quarantines import MemoryQuarantines
from adapters.stores.memory import MemoryOutbox, MemoryRegistry, MemoryStore
from backout.counting import UNLABELLED, Counted, Query
from backout.errors import (
    ExposureMoved,
    NoHistory,
    RateLimited,
    RejectedBySystem,
    UnknownName,
    Unreachable,
)
from backout.exposure import Capability, Exposure, must_be_possible
from backout.messages import CheckResult, Message, Posted
from backout.people import Person
from backout.release_sets import Conversations
from backout.requests import RunCheck

__all__ = [
    "START",
    "Change",
    "MemoryChannel",
    "MemoryCheck",
    "MemoryClock",
    "MemoryOutbox",
    "MemorySource",
    "MemoryStore",
    "MemoryTarget",
    "MemoryWorld",
    "Rates",
]

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
"""Where the virtual clock starts."""


class MemoryClock(Gate):
    """A clock that jumps: a sleep takes no time and moves the clock by its duration.

    While it is paused, sleepers stay asleep; `reached(n)` waits for the n-th sleep to begin.
    """

    def __init__(self, start: datetime = START) -> None:
        super().__init__()
        self._now = start

    def now(self) -> datetime:
        """Return the virtual time."""
        return self._now

    def advance(self, duration: timedelta) -> None:
        """Move the clock while nobody sleeps."""
        self._now += duration

    async def sleep(self, *, duration: timedelta) -> None:
        """Move the clock to the end of the sleep, and let others run."""
        until = self._now + duration
        await self.pass_by()
        await asyncio.sleep(0)
        self._now = max(self._now, until)


class Change(NamedTuple):
    """An effect that a target really had."""

    release: str
    percent: int
    key: str


class MemoryTarget(Faulty):
    """Exposure per service and release, with the effects in the order in which they happened."""

    def __init__(self, clock: MemoryClock, exposure: dict[tuple[str, str], int]) -> None:
        super().__init__("target memory")
        self.writes = Gate()
        """A gate for writes alone, before the one that everybody passes: whoever looks is let through."""
        self.changes: list[Change] = []
        self.lies: int | None = None
        """What every read returns instead of the truth."""
        self.sees_to = frozenset(Conversations)
        self.told: list[Conversations | None] = []
        """What each effect was to make of conversations."""
        self.loses_answers = 0
        """So many next sets take effect and then raise Unreachable."""
        self._clock = clock
        self._levels = {place: [(clock.now(), percent)] for place, percent in exposure.items()}
        self._done: dict[str, int] = {}

    async def read(self, *, service: str, release: str) -> Exposure:
        """Return the exposure now, or the lie."""
        await self.enter()
        return self._look(service, release)

    @property
    def capability(self) -> Capability:
        """Any percent."""
        return Capability.PERCENTAGE

    @property
    def conversations(self) -> frozenset[Conversations]:
        """What a test lets it do."""
        return self.sees_to

    async def set(
        self,
        *,
        service: str,
        release: str,
        percent: int,
        key: str,
        expected: str = "",
        conversations: Conversations | None = None,
    ) -> Exposure:
        """Set the exposure and return what reads back; a known key has no effect."""
        await self.writes.pass_by()
        await self.enter()
        if self._done.get(key, percent) != percent:
            why = f"key '{key}' has set {self._done[key]} % before, so it cannot set {percent} %"
            raise RejectedBySystem(what=self.name, why=why)
        must_be_possible(percent, of=self.name, capability=self.capability)
        found = self._look(service, release)
        if key not in self._done:
            if expected and found.generation != expected:
                raise ExposureMoved(target=self.name, expected=expected, found=found.generation)
            self.put(service=service, release=release, percent=percent)
            self.changes.append(Change(release, percent, key))
            self.told.append(conversations)
            self._done[key] = percent
        if self.loses_answers > 0:
            self.loses_answers -= 1
            raise Unreachable(what=self.name, why="the answer was lost")
        return self._look(service, release)

    def put(self, *, service: str, release: str, percent: int) -> None:
        """Change the exposure from outside, as somebody else would."""
        self._levels[service, release].append((self._clock.now(), percent))

    def exposed_s(self, *, service: str, release: str, since: datetime, until: datetime) -> float:
        """Return the seconds of full exposure between two moments: 10 s at 50 % are 5."""
        levels = self._levels[service, release]
        ends = [at for at, _ in levels[1:]] + [until]
        total = 0.0
        for (at, percent), end in zip(levels, ends, strict=True):
            total += max(0.0, (min(end, until) - max(at, since)).total_seconds()) * percent / 100
        return total

    def _look(self, service: str, release: str) -> Exposure:
        if (service, release) not in self._levels:
            known = [f"{known_service}/{known_release}" for known_service, known_release in self._levels]
            raise UnknownName(kind="release", name=f"{service}/{release}", known=known)
        levels = self._levels[service, release]
        percent = levels[-1][1] if self.lies is None else self.lies
        by = next((change.key for change in reversed(self.changes) if change.release == release), "")
        return Exposure(percent=percent, generation=str(len(levels)), changed_by=by)


class Rates(NamedTuple):
    """Events per request: of the requests that the baseline serves, and of the candidate's."""

    baseline: float
    candidate: float


class Counter(NamedTuple):
    """What one counter of the fake source counts."""

    query: str
    up_to: float | None
    cohort: str


class MemorySource(Faulty):
    """Counters that follow the traffic: each query counts events per request, weighted by exposure.

    A distribution is the counter of all its values, and one more for each bound that is asked for.
    """

    def __init__(
        self, clock: MemoryClock, target: MemoryTarget, *, service: str, release: str, per_s: float
    ) -> None:
        super().__init__("source memory")
        self.looks = 0
        """How often it was looked at; history is not counted."""
        self.knows_history = True
        """False: every call of `history` raises NoHistory."""
        self._clock = clock
        self._target = target
        self._place = (service, release)
        self._per_s = per_s
        self._rates: dict[Counter, list[tuple[datetime, Rates]]] = {}
        self._restarts: list[datetime] = []
        self._blind = [(clock.now(), False)]

    @property
    def blind(self) -> bool:
        """Whether no query has data; its history has a gap as long as it lasts."""
        return self._blind[-1][1]

    @blind.setter
    def blind(self, blind: bool) -> None:
        self._blind.append((self._clock.now(), blind))

    def change(
        self, query: str, *, baseline: float, candidate: float, up_to: float | None = None, cohort: str = ""
    ) -> None:
        """Count a query at these rates from now on; what was counted before stays.

        `up_to` counts the values of a distribution up to a bound, `cohort` those of one cohort.
        """
        changes = self._rates.setdefault(Counter(query, up_to, cohort), [])
        changes.append((self._clock.now(), Rates(baseline, candidate)))

    def restart(self) -> None:
        """Begin every counter at 0 again, as a restarted service does."""
        self._restarts.append(self._clock.now())

    async def look(self, *, queries: Sequence[Query]) -> tuple[Counted, ...]:
        """Return what each query counts now."""
        self.looks += 1
        await self.enter()
        return tuple(self._counted(query, self._clock.now()) for query in queries)

    async def history(
        self, *, queries: Sequence[Query], start: datetime, end: datetime, tick: timedelta
    ) -> tuple[tuple[Counted, ...], ...]:
        """Return what each query counted at every tick, as looks at those times would have."""
        await self.enter()
        if not self.knows_history:
            raise NoHistory(what=self.name)
        times = [start + number * tick for number in range((end - start) // tick + 1)]
        return tuple(tuple(self._counted(query, at) for at in times) for query in queries)

    def _counted(self, query: Query, at: datetime) -> Counted:
        counters = [one for one in self._rates if (one.query, one.up_to) == (query.text, query.up_to)]
        if not counters:
            return Counted(problem=self._unknown(query))
        if next((blind for since, blind in reversed(self._blind) if since <= at), True):
            return Counted()
        since = max((restart for restart in self._restarts if restart <= at), default=None)
        found: dict[str, float] = {}
        for counter in counters:
            if (count := self._count(counter, since, at)) is not None:
                cohort = (counter.cohort or UNLABELLED) if query.by else ""
                found[cohort] = found.get(cohort, 0.0) + count
        return Counted(counts={cohort: float(floor(round(count, 6))) for cohort, count in found.items()})

    def _unknown(self, query: Query) -> str:
        bounds = sorted(one.up_to for one in self._rates if one.query == query.text and one.up_to is not None)
        if bounds:
            return f"'{query.text}' has no bucket that ends at {query.up_to}, only at {bounds}"
        return f"it does not count '{query.text}', only {sorted({one.query for one in self._rates})}"

    def _count(self, counter: Counter, since: datetime | None, at: datetime) -> float | None:
        changes = self._rates[counter]
        if at < changes[0][0]:
            return None
        ends = [*(start for start, _ in changes[1:]), at]
        total = 0.0
        for (start, rates), end in zip(changes, ends, strict=True):
            total += self._between(rates, max(start, since or start), min(end, at))
        return total

    def _between(self, rates: Rates, start: datetime, end: datetime) -> float:
        if end <= start:
            return 0.0
        service, release = self._place
        seconds = (end - start).total_seconds()
        exposed = self._target.exposed_s(service=service, release=release, since=start, until=end)
        return self._per_s * (rates.baseline * (seconds - exposed) + rates.candidate * exposed)


class MemoryChannel(Faulty):
    """Keeps what was posted, whom it called, and what was updated."""

    def __init__(self) -> None:
        super().__init__("channel memory")
        self.posted: list[Message] = []
        self.called: list[tuple[Person, ...]] = []
        """The people that each posted message called, in the order of `posted`."""
        self.updated: list[tuple[str, Message]] = []
        self.rate_limited_s = 0.0
        """Every call raises RateLimited with this pause; 0 is off."""

    async def post(self, *, message: Message, people: Sequence[Person]) -> Posted:
        """Keep a message."""
        await self._enter_limited()
        self.posted.append(message)
        self.called.append(tuple(people))
        return Posted(ref=f"memory:{len(self.posted)}")

    async def update(self, *, ref: str, message: Message) -> None:
        """Keep an update."""
        await self._enter_limited()
        self.updated.append((ref, message))

    async def _enter_limited(self) -> None:
        await self.enter()
        if self.rate_limited_s:
            raise RateLimited(what=self.name, retry_after_s=self.rate_limited_s)


class MemoryCheck(Faulty):
    """An integrity check whose result is set by hand."""

    def __init__(self, name: str = "memory") -> None:
        super().__init__(f"check {name}")
        self._check = name
        self.passes = True
        self.found = "as it should be"
        self.again: timedelta | None = None
        """Where it does not pass: after how long it wants to be looked at again."""
        self.outputs: tuple[str, ...] = ()
        self.asked: list[RunCheck] = []

    async def run(self, *, asked: RunCheck) -> CheckResult:
        """Return the result that is set."""
        self.asked.append(asked)
        await self.enter()
        again = None if self.passes else self.again
        return CheckResult(
            check=self._check, passed=self.passes, found=self.found, again=again, outputs=self.outputs
        )


class MemoryWorld:
    """One of each: a chat service whose release r2 answers badly, and everything around it.

    Its source counts `requests` (all of the service's), `bad` (all bad answers) and `served` (the
    requests that the candidate served).
    """

    def __init__(
        self, *, service: str = "chat", release: str = "r2", exposure: int = 100, per_s: float = 100
    ) -> None:
        self.service = service
        self.release = release
        self.clock = MemoryClock()
        self.target = MemoryTarget(self.clock, {(service, release): exposure})
        self.source = MemorySource(self.clock, self.target, service=service, release=release, per_s=per_s)
        self.source.change("requests", baseline=1, candidate=1)
        self.source.change("served", baseline=0, candidate=1)
        self.sicken()
        self.channel = MemoryChannel()
        self.pager = MemoryChannel()
        """A channel beside the one in which the responders work."""
        self.check = MemoryCheck()
        self.leases = MemoryLeases()
        self.quarantines = MemoryQuarantines()
        self.registry = MemoryRegistry()
        self.store = MemoryStore()
        self.outbox = MemoryOutbox()

    def sicken(self, *, candidate: float = 0.3) -> None:
        """Let that share of the candidate's answers be bad from now on; of the baseline's, 1 in 1000."""
        self.source.change("bad", baseline=0.001, candidate=candidate)

    def heal(self) -> None:
        """Let the candidate answer as well as the baseline from now on."""
        self.sicken(candidate=0.001)
