"""What every store of leases promises, held against each of them."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.memory_leases import MemoryLeases
from adapters.stores.leases import SqliteLeases
from adapters.stores.registry import SqliteRegistry
from backout.errors import RejectedBySystem, Unreachable
from backout.ports import Leases

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


@pytest.fixture(params=["memory", "sqlite"])
async def leases(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Leases]:
    if request.param == "memory":
        yield MemoryLeases()
        return
    leases = SqliteLeases(str(tmp_path / "state" / "store.db"))
    yield leases
    await leases.aclose()


async def take(
    leases: Leases, incident: str, *, target: str = "router", service: str = "chat", instead_of: str = ""
) -> str:
    return await leases.take(
        target=target, service=service, incident=incident, at=NOON, instead_of=instead_of
    )


async def test_a_target_is_leased_to_the_first_incident_and_to_no_other(leases: Leases) -> None:
    assert await take(leases, "one") == "one"
    assert await take(leases, "two") == "one"
    assert await take(leases, "one") == "one"


async def test_each_target_and_each_service_has_a_lease_of_its_own(leases: Leases) -> None:
    await take(leases, "one")
    assert await take(leases, "two", target="alias") == "two"
    assert await take(leases, "three", service="search") == "three"


async def test_a_lease_is_taken_over_from_the_named_incident_and_from_no_other(leases: Leases) -> None:
    await take(leases, "one")
    assert await take(leases, "two", instead_of="three") == "one"
    assert await take(leases, "two", instead_of="one") == "two"
    assert await take(leases, "three", instead_of="one") == "two"
    assert await take(leases, "one") == "two"


async def test_a_free_target_is_taken_whoever_is_named(leases: Leases) -> None:
    assert await take(leases, "two", instead_of="one") == "two"


async def test_an_incident_gives_back_all_that_it_has_and_nothing_of_others(leases: Leases) -> None:
    await take(leases, "one")
    await take(leases, "one", target="alias")
    await take(leases, "two", target="cache")
    await leases.leave(incident="one")
    await leases.leave(incident="one")
    assert await take(leases, "three") == "three"
    assert await take(leases, "three", target="alias") == "three"
    assert await take(leases, "three", target="cache") == "two"


async def test_of_many_that_take_one_target_at_once_one_has_it(leases: Leases) -> None:
    told = await asyncio.gather(*(take(leases, f"incident-{number}") for number in range(20)))
    assert len(set(told)) == 1


async def test_of_many_that_take_it_over_at_once_one_has_it(leases: Leases) -> None:
    await take(leases, "gone")
    incidents = [f"incident-{number}" for number in range(20)]
    told = await asyncio.gather(*(take(leases, one, instead_of="gone") for one in incidents))
    assert len(set(told)) == 1
    assert told[0] in incidents


TAKES = """
import asyncio, sys
from datetime import UTC, datetime
from adapters.stores.leases import SqliteLeases

async def main():
    leases, incident = SqliteLeases(sys.argv[1]), sys.argv[2]
    sys.stdin.readline()
    for number in range(30):
        at = datetime(2026, 1, 5, tzinfo=UTC)
        print(await leases.take(target=f"t{number}", service="chat", incident=incident, at=at))
    await leases.aclose()

asyncio.run(main())
"""


def test_of_two_processes_that_race_for_targets_one_has_each(tmp_path: Path) -> None:
    words = [sys.executable, "-c", TAKES, str(tmp_path / "store.db")]
    racers = [
        subprocess.Popen([*words, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for name in ("one", "two")
    ]
    for racer in racers:
        assert racer.stdin
        racer.stdin.write("go\n")
        racer.stdin.flush()
    told = [racer.communicate()[0].split() for racer in racers]
    assert len(told[0]) == 30
    assert told[0] == told[1]


async def test_leases_outlive_their_process_and_share_the_file_of_the_registry(tmp_path: Path) -> None:
    path = str(tmp_path / "store.db")
    before, registry = SqliteLeases(path), SqliteRegistry(path)
    await take(before, "one")
    assert await registry.releases(service=None, limit=1) == ()
    await before.aclose()
    await registry.aclose()
    after = SqliteLeases(path)
    assert await take(after, "two") == "one"
    await after.aclose()


async def test_a_file_that_is_locked_or_none_of_ours_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.stores.sqlite_file.BUSY_MS", 1)
    path = tmp_path / "store.db"
    leases = SqliteLeases(str(path))
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Unreachable, match="locked"):
            await take(leases, "one")
    await leases.aclose()
    path.write_bytes(b"no database at all" * 100)
    broken = SqliteLeases(str(path))
    with pytest.raises(RejectedBySystem, match="not a database"):
        await take(broken, "one")
    await broken.aclose()
