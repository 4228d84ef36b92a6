"""The worker that the bench of watches measures: python -m bench.triggers.watch_worker ADDRESS FOLDER."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic

import wiring
from activities.baselines import BaselineActivities
from activities.checks import CheckActivities
from activities.exposure import ExposureActivities
from activities.leasing import LeaseActivities
from activities.people import PeopleActivities
from activities.quarantining import QuarantineActivities
from activities.records import RecordActivities
from activities.serving import ServingActivities
from activities.signals import SignalActivities
from activities.witnesses import Witnesses
from adapters.clock import SystemClock
from adapters.memory import MemoryStore
from adapters.memory_leases import MemoryLeases
from adapters.memory_quarantines import MemoryQuarantines
from adapters.sources.shared import SharedLooks
from adapters.stores.memory import MemoryRegistry
from backout.counting import Counted, Query
from backout.ports import Clock, Source
from worker import build_worker

JUDGED_PER_S = 7
"""Of each signal; one in a hundred is bad."""
STALL = "stall"
"""The file with the longest stall so far."""


class Traffic:
    """A source that counts by the clock, for every query that there is."""

    def __init__(self, clock: Clock) -> None:
        """Begin to count."""
        self._clock = clock
        self._begun = clock.now()

    async def look(self, *, queries: Sequence[Query]) -> tuple[Counted, ...]:
        """Return how many there were since the beginning."""
        judged = JUDGED_PER_S * int((self._clock.now() - self._begun).total_seconds())
        bad, of = Counted(counts={"": float(judged // 100)}), Counted(counts={"": float(judged)})
        return tuple(bad if query.text.startswith("bad") else of for query in queries)

    async def history(
        self, *, queries: Sequence[Query], start: datetime, end: datetime, tick: timedelta
    ) -> tuple[tuple[Counted, ...], ...]:
        """Return nothing: no watch looks back here."""
        raise NotImplementedError


def activities(clock: Clock, source: Source) -> tuple[wiring.Activity, ...]:
    """Return every activity, over one source and nothing else."""
    registry, quarantines, store = MemoryRegistry(), MemoryQuarantines(), MemoryStore()
    witnesses = Witnesses(registry=registry, store=store, quarantines=quarantines, sources={}, clock=clock)
    return wiring.activities_of(
        SignalActivities(sources={"metrics": source}, clock=clock),
        BaselineActivities(witnesses=witnesses),
        ExposureActivities(targets={}),
        LeaseActivities(leases=MemoryLeases()),
        QuarantineActivities(quarantines=quarantines, registry=registry),
        CheckActivities(checks={}, store=store),
        ServingActivities(probes={}, targets={}, clock=clock),
        PeopleActivities(channels={}, directory={}, templates={}, history=""),
        RecordActivities(store=store, channels={}, directory={}, templates={}, history=""),
    )


async def work(address: str, folder: Path) -> None:
    """Work until killed, and say how long the worker does nothing but watch."""
    client = await wiring.connect({"target_host": address})
    clock = SystemClock()
    async with build_worker(client, activities(clock, SharedLooks(Traffic(clock)))):
        while True:
            slept = monotonic()
            await asyncio.sleep(0.01)
            _note(folder / STALL, monotonic() - slept - 0.01)


def _note(file: Path, stall_s: float) -> None:
    """Keep the longest stall; whoever measures removes the file before."""
    longest = float(file.read_text()) if file.exists() else 0.0
    if stall_s > longest:
        file.write_text(f"{stall_s:.3f}")


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], Path(sys.argv[2])))
