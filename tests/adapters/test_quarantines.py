"""What every store of quarantines promises, held against each of them."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.memory_quarantines import MemoryQuarantines
from adapters.stores.quarantines import SqliteQuarantines
from backout.errors import RejectedBySystem
from backout.ports import Quarantines
from backout.releases import Artifact, Quarantine

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
BAD, WORSE = "sha256:" + "a" * 64, "sha256:" + "b" * 64
Stores = tuple[Quarantines, Quarantines]


@pytest.fixture(params=["memory", "sqlite"])
async def stores(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stores]:
    """Return what two processes have of one store."""
    if request.param == "memory":
        memory = MemoryQuarantines()
        yield memory, memory
        return
    path = str(tmp_path / "state" / "store.db")
    one, other = SqliteQuarantines(path), SqliteQuarantines(path)
    yield one, other
    await one.aclose()
    await other.aclose()


@pytest.fixture
def store(stores: Stores) -> Quarantines:
    return stores[0]


def bad(
    release: str = "r2", *digests: str, service: str = "chat", incident: str = "", minutes: int = 0
) -> Quarantine:
    artifacts = tuple(Artifact(kind="model", name="chat", digest=digest) for digest in digests or (BAD,))
    return Quarantine(
        service=service,
        release=release,
        artifacts=artifacts,
        incident=incident or f"incident/{service}/{release}",
        why="errors were up",
        at=NOON + timedelta(minutes=minutes),
    )


async def lift(store: Quarantines, release: str = "r2", *, service: str = "chat") -> bool:
    at = NOON + timedelta(hours=1)
    return await store.lift(service=service, release=release, by="Bob", why="fixed", at=at)


async def test_a_quarantine_comes_back_as_it_was_kept_in_every_process(stores: Stores) -> None:
    one, other = stores
    assert await one.quarantine(quarantine=bad()) == bad()
    assert await other.quarantines(service="chat") == (bad(),)


async def test_the_same_release_of_the_same_incident_is_quarantined_once_and_what_stands_comes_back(
    store: Quarantines,
) -> None:
    other = bad(incident="incident/chat/other", minutes=6)
    assert await store.quarantine(quarantine=bad()) == bad()
    assert await store.quarantine(quarantine=bad("r2", WORSE, minutes=5)) == bad()
    assert await store.quarantine(quarantine=other) == other
    assert await store.quarantines(service="chat") == (other, bad())


async def test_the_newest_comes_first_of_one_service_or_of_all(store: Quarantines) -> None:
    kept = [bad("r3", minutes=2), bad("r2", minutes=1), bad("s1", service="search", minutes=1), bad("r1")]
    for one in reversed(kept):
        await store.quarantine(quarantine=one)
    assert [one.release for one in await store.quarantines(service=None)] == ["r3", "r2", "s1", "r1"]
    assert [one.release for one in await store.quarantines(service="chat")] == ["r3", "r2", "r1"]
    assert await store.quarantines(service="image") == ()


async def test_what_was_lifted_is_in_force_no_more_and_may_be_quarantined_anew(stores: Stores) -> None:
    one, other = stores
    await one.quarantine(quarantine=bad())
    await one.quarantine(quarantine=bad(incident="incident/chat/other"))
    await one.quarantine(quarantine=bad("r3"))
    await one.quarantine(quarantine=bad(service="search"))
    assert await other.lift(service="chat", release="r2", by="Bob", why="fixed", at=NOON)
    left = await one.quarantines(service=None)
    assert sorted((kept.service, kept.release) for kept in left) == [("chat", "r3"), ("search", "r2")]
    assert await one.quarantine(quarantine=bad(minutes=9)) == bad(minutes=9)
    assert bad(minutes=9) in await other.quarantines(service="chat")


async def test_nothing_is_lifted_where_nothing_is_in_force(store: Quarantines) -> None:
    assert not await lift(store)
    await store.quarantine(quarantine=bad())
    assert not await lift(store, service="search")
    assert not await lift(store, "r3")
    assert await lift(store)
    assert not await lift(store)


async def test_of_many_that_quarantine_at_once_one_is_new(stores: Stores) -> None:
    asked = [bad(minutes=number) for number in range(10)]
    each = zip(stores * 5, asked, strict=True)
    told = await asyncio.gather(*(store.quarantine(quarantine=one) for store, one in each))
    assert set(told) == set(await stores[0].quarantines(service="chat"))
    assert len(set(told)) == 1


async def test_who_lifted_what_and_why_stays_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = SqliteQuarantines(str(path))
    await store.quarantine(quarantine=bad())
    await lift(store)
    await store.aclose()
    with closing(sqlite3.connect(path)) as file:
        ((record,),) = file.execute("SELECT record FROM quarantines")
    kept = Quarantine.model_validate_json(record)
    assert (kept.lifted_by, kept.lifted_why, kept.lifted_at) == ("Bob", "fixed", NOON + timedelta(hours=1))


async def test_a_row_of_another_version_is_an_error_and_no_absence(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = SqliteQuarantines(str(path))
    await store.quarantine(quarantine=bad())
    with closing(sqlite3.connect(path)) as file:
        file.execute("UPDATE quarantines SET record = '{}'")
        file.commit()
    with pytest.raises(RejectedBySystem, match="written by another version"):
        await store.quarantines(service="chat")
    await store.aclose()
