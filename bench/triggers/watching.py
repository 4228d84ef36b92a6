"""What watched releases cost one worker, on a real engine: python -m bench.triggers.watching [RELEASES ...].

Deciding, asking and heartbeats are in it; what a source itself costs is not: it is another one at each site.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from temporalio.client import Client

import wiring
from activities.checks import CheckActivities
from activities.exposure import ExposureActivities
from activities.people import PeopleActivities
from activities.records import RecordActivities
from activities.signals import SignalActivities
from adapters.clock import SystemClock
from adapters.memory import MemoryStore
from adapters.sources.shared import SharedLooks
from backout.counting import Counted, Query
from backout.model import digest_of
from backout.playbook import Playbook
from backout.releases import Artifact, Registration, ReleaseRecord
from bench.stand import free_places, memory_mb
from bench.triggers.traffic import TICK_S
from cli.engine import is_ready, prepare_namespace, server_command
from cli.places import without_temporal
from cli.processes import Child
from gateway.watches import Watches
from worker import build_worker

SIGNALS = 20
MEASURED_TICKS = 4
AT_ONCE = 20
"""Watches that are started at the same time."""
WITHIN_S = 60.0
JUDGED_PER_S = 7
"""Of each signal; one in a hundred is bad."""
PLAYBOOK = Playbook.model_validate(
    {
        "playbook": "bench",
        "version": 1,
        "scenario": "Many releases are watched.",
        "at_risk": {"users": "none", "safety": "none", "business": "none"},
        "severity": "minor",
        "release": {"service": "chat", "artifacts": ["model"]},
        "channel": "room",
        "tick": f"{TICK_S}s",
        "signals": {
            f"s{n}": {
                "kind": "ratio",
                "family": "quality",
                "source": "metrics",
                "bad": f'bad_{n}{{release="$release"}}',
                "of": f'judged_{n}{{release="$release"}}',
            }
            for n in range(SIGNALS)
        },
        "criteria": [
            {"id": f"c{n}", "signal": f"s{n}", "test": {"compare": "limit", "max": "1.5%"}}
            for n in range(SIGNALS)
        ],
        "rules": [{"id": "any", "when": {"any_of": [f"c{n}" for n in range(SIGNALS)]}, "authority": "ack"}],
        "roles": {"on_call": {"may": ["acknowledge", "approve", "hold", "abort", "note"]}},
        "escalation": {},
        "remind": "30m",
        "steps": [
            {"step": "manual", "owner": "on_call", "items": ["look"], "within": "1h", "on_timeout": "hold"},
        ],
    }
)


@dataclass(frozen=True)
class Spent:
    """What so many watched releases took of one worker."""

    releases: int
    cores: float
    """The worker's share of one core."""
    engine_cores: float
    memory_mb: float
    stall_s: float
    """The longest time in which the worker did nothing else than the watches."""
    events: float
    """Events of a watch's history so far."""


class Traffic:
    """A source that counts by the clock, for every query that there is."""

    def __init__(self) -> None:
        """Begin to count."""
        self._begun = monotonic()

    async def look(self, *, queries: Sequence[Query]) -> tuple[Counted, ...]:
        """Return how many there were since the beginning."""
        judged = JUDGED_PER_S * int(monotonic() - self._begun)
        bad, of = Counted(counts={"": float(judged // 100)}), Counted(counts={"": float(judged)})
        return tuple(bad if query.text.startswith("bad") else of for query in queries)

    async def history(
        self,
        *,
        queries: Sequence[Query],
        start: datetime,
        end: datetime,
        tick: timedelta,
    ) -> tuple[tuple[Counted, ...], ...]:
        """Return nothing: no watch looks back here."""
        raise NotImplementedError


async def measured(releases: int, *, ticks: int = MEASURED_TICKS) -> Spent:
    """Watch so many releases and measure the worker for so many ticks."""
    with TemporaryDirectory() as folder:
        async with _engine(Path(folder)) as (client, engine):
            worker = Child(
                "worker",
                [sys.executable, "-m", "bench.triggers.watching", "worker", _address(client), folder],
                env=without_temporal(os.environ),
                log=Path(folder) / "worker.log",
            )
            await worker.start()
            try:
                await _start(client, releases)
                await asyncio.sleep(2 * TICK_S)
                return await _spent(client, releases, (worker, engine), Path(folder), ticks)
            finally:
                await worker.stop(grace_s=5)


async def _spent(
    client: Client, releases: int, processes: tuple[Child, Child], folder: Path, ticks: int
) -> Spent:
    begun, before = monotonic(), [_cpu_s(process) for process in processes]
    (folder / "stall").unlink(missing_ok=True)
    await asyncio.sleep(ticks * TICK_S)
    passed = monotonic() - begun
    worker, engine = (
        (_cpu_s(process) - spent) / passed for process, spent in zip(processes, before, strict=True)
    )
    lengths = [
        (await client.get_workflow_handle(f"watch/chat/r{n}").describe()).history_length for n in range(10)
    ]
    return Spent(
        releases=releases,
        cores=worker,
        engine_cores=engine,
        memory_mb=memory_mb(processes[0]),
        stall_s=float((folder / "stall").read_text()),
        events=sum(lengths) / len(lengths),
    )


async def _start(client: Client, releases: int) -> None:
    watches, digest = Watches(client=client), digest_of(PLAYBOOK)
    for first in range(0, releases, AT_ONCE):
        numbers = range(first, min(first + AT_ONCE, releases))
        await asyncio.gather(
            *(
                watches.start(record=_record(number), playbook=PLAYBOOK, digest=digest, within_s=WITHIN_S)
                for number in numbers
            )
        )


def _record(number: int) -> ReleaseRecord:
    told = Registration(
        service="chat",
        release=f"r{number}",
        playbook="bench",
        owner="bench",
        artifacts=(Artifact(kind="model", name="chat", digest="sha256:" + "ab" * 32),),
    )
    return ReleaseRecord(registration=told, registered_at=datetime.now(UTC), by="bench")


@asynccontextmanager
async def _engine(folder: Path) -> AsyncIterator[tuple[Client, Child]]:
    places = free_places()
    command = server_command(port=places.temporal.port, ui_port=places.ui.port, database=folder / "engine.db")
    child = Child("engine", command, env=without_temporal(os.environ), log=folder / "engine.log")
    client = await wiring.connect({"target_host": str(places.temporal)}, lazy=True)
    await child.start()
    try:
        await child.until(lambda: is_ready(client), hint=f"See {folder / 'engine.log'}.")
        await prepare_namespace(client)
        yield client, child
    finally:
        await child.stop(grace_s=5)


def _address(client: Client) -> str:
    return client.service_client.config.target_host


def _cpu_s(process: Child) -> float:
    """Return the seconds of CPU that a process has taken."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def work(address: str, folder: Path) -> None:
    """Be the worker, and say how long it stalls."""
    client = await wiring.connect({"target_host": address})
    activities = wiring.activities_of(
        SignalActivities(sources={"metrics": SharedLooks(Traffic())}, clock=SystemClock()),
        ExposureActivities(targets={}),
        CheckActivities(checks={}),
        PeopleActivities(channels={}, directory={}, templates={}, history=""),
        RecordActivities(store=MemoryStore(), channels={}, templates={}, history=""),
    )
    async with build_worker(client, activities):
        while True:
            slept = monotonic()
            await asyncio.sleep(0.01)
            _note(folder / "stall", monotonic() - slept - 0.01)


def _note(file: Path, stall_s: float) -> None:
    """Keep the longest stall; whoever measures removes the file before."""
    longest = float(file.read_text()) if file.exists() else 0.0
    if stall_s > longest:
        file.write_text(f"{stall_s:.3f}")


async def _print(releases: Sequence[int]) -> None:
    for number in releases:
        print(await measured(number), flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["worker"]:
        asyncio.run(work(sys.argv[2], Path(sys.argv[3])))
    else:
        asyncio.run(_print([int(number) for number in sys.argv[1:]] or [200, 1000]))
