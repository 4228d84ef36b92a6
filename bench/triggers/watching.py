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
from adapters.memory import MemoryClock
from backout.model import digest_of
from backout.playbook import Playbook
from backout.releases import Artifact, Registration, ReleaseRecord
from bench.stand import free_places, memory_mb
from bench.triggers.traffic import TICK_S
from bench.triggers.watch_worker import STALL, Traffic, activities
from cli.engine import is_ready, prepare_namespace, server_command
from cli.places import without_temporal
from cli.processes import Child
from gateway.watches import Watches
from worker import build_worker

SIGNALS, RELEASES = 20, (200, 1000)
MEASURED_TICKS, SETTLING_TICKS = 4, 2
AT_ONCE = 20
"""Watches that are started at the same time."""
DAYS = 3
"""Days of the machine's own clock that one watch is taken through, to count its events."""
WITHIN_S = 60.0
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
            {"step": "manual", "owner": "on_call", "items": ["look"], "within": "1h", "on_timeout": "hold"}
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
    """Of the worker, its libraries included."""
    stall_s: float
    """The longest time in which the worker did nothing but watch."""


@dataclass(frozen=True)
class Measured:
    """Everything that is printed."""

    spent: tuple[Spent, ...]
    events_a_day: float
    """Events in the history of a healthy release's watch."""


async def measured(releases: Sequence[int]) -> Measured:
    """Measure a worker with each number of watched releases."""
    with TemporaryDirectory() as folder:
        async with _engine(Path(folder)) as (client, _):
            events = await _events_a_day(client)
    return Measured(spent=tuple([await _with(number) for number in releases]), events_a_day=events)


async def _events_a_day(client: Client) -> float:
    """Take one watch through some days on a clock that jumps, and count the events of its history."""
    clock, watches = MemoryClock(), Watches(client=client)
    connected = await wiring.connect({"target_host": client.service_client.config.target_host})
    async with build_worker(connected, activities(clock, Traffic(clock))):
        begun = clock.now()
        await _start(client, 1)
        while clock.now() - begun < timedelta(days=DAYS):  # noqa: ASYNC110  # it jumps on while we sleep
            await asyncio.sleep(0.05)
        shown = await client.get_workflow_handle("watch/chat/r0").describe()
        await watches.retire(service="chat", release="r0", why="counted", within_s=WITHIN_S)
    return shown.history_length / DAYS


async def _with(releases: int) -> Spent:
    with TemporaryDirectory() as folder:
        async with _engine(Path(folder)) as (client, engine):
            address = client.service_client.config.target_host
            command = [sys.executable, "-m", "bench.triggers.watch_worker", address, folder]
            worker = Child(
                "worker", command, env=without_temporal(os.environ), log=Path(folder) / "worker.log"
            )
            await worker.start()
            try:
                await _start(client, releases)
                await asyncio.sleep(SETTLING_TICKS * TICK_S)
                return await _spent(releases, worker, engine, Path(folder) / STALL)
            finally:
                await worker.stop(grace_s=5)


async def _spent(releases: int, worker: Child, engine: Child, stall: Path) -> Spent:
    begun, before = monotonic(), (_cpu_s(worker), _cpu_s(engine))
    _forget(stall)
    await asyncio.sleep(MEASURED_TICKS * TICK_S)
    passed = monotonic() - begun
    return Spent(
        releases=releases,
        cores=(_cpu_s(worker) - before[0]) / passed,
        engine_cores=(_cpu_s(engine) - before[1]) / passed,
        memory_mb=memory_mb(worker),
        stall_s=_read(stall),
    )


async def _start(client: Client, releases: int) -> None:
    watches, digest = Watches(client=client), digest_of(PLAYBOOK)
    for first in range(0, releases, AT_ONCE):
        some = range(first, min(first + AT_ONCE, releases))
        starts = (
            watches.start(record=_record(number), playbook=PLAYBOOK, digest=digest, within_s=WITHIN_S)
            for number in some
        )
        await asyncio.gather(*starts)


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


def _cpu_s(process: Child) -> float:
    """Return the seconds of CPU that a process has taken."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _forget(stall: Path) -> None:
    stall.unlink(missing_ok=True)


def _read(stall: Path) -> float:
    return float(stall.read_text()) if stall.exists() else 0.0


def print_watching(found: Measured) -> None:
    """Print what watched releases cost, in Markdown."""
    print(f"\nWatched releases, {SIGNALS} signals every {TICK_S} s each, on one worker and a real engine\n")
    print("| releases | worker: cores | memory | longest stall | engine: cores |")
    print("|---|---|---|---|---|")
    for one in found.spent:
        cells = f"{one.cores:.2f} | {one.memory_mb:.0f} MB | {one.stall_s:.2f} s | {one.engine_cores:.2f}"
        print(f"| {one.releases} | {cells} |")
    print(f"\nHistory of a healthy release: {found.events_a_day:.0f} events a watch-day.", flush=True)


async def main(releases: Sequence[int]) -> None:
    """Measure and print."""
    print_watching(await measured(releases))
    await asyncio.sleep(0.1)  # a process that ends right after its last connection may crash in the SDK


if __name__ == "__main__":
    asyncio.run(main([int(number) for number in sys.argv[1:]] or RELEASES))
