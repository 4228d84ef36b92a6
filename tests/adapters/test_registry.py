"""What every registry promises, held against each of them."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from adapters.stores.memory import MemoryRegistry
from adapters.stores.registry import SqliteRegistry
from backout.errors import RejectedBySystem, ReleaseDiffers, ReleaseUnknown
from backout.ports import Registry
from backout.releases import Artifact, BaselineRecord, Registration, ReleaseRecord

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
MODEL = Artifact(kind="model", name="chat", digest="sha256:" + "a" * 64)


@pytest.fixture(params=["memory", "sqlite"])
async def registry(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Registry]:
    if request.param == "memory":
        yield MemoryRegistry()
        return
    registry = SqliteRegistry(str(tmp_path / "state" / "store.db"))
    yield registry
    await registry.aclose()


def released(release: str = "r2", *, at: datetime = NOON, by: str = "ci", **changes: object) -> ReleaseRecord:
    told = {"service": "chat", "release": release, "playbook": "p", "owner": "alice", "artifacts": (MODEL,)}
    return ReleaseRecord(
        registration=Registration.model_validate({**told, **changes}), registered_at=at, by=by
    )


def baseline(release: str, *, minutes: int = 0, service: str = "chat") -> BaselineRecord:
    at = NOON + timedelta(minutes=minutes)
    return BaselineRecord(service=service, release=release, by="alice", why="it was fine", at=at)


async def test_a_release_comes_back_as_it_was_registered(registry: Registry) -> None:
    record = released(baseline="r1", ramp=({"percent": 5, "after": "10m"},))
    assert await registry.register(record=record)
    assert await registry.release(service="chat", release="r2") == record


async def test_what_was_not_registered_is_not_there(registry: Registry) -> None:
    await registry.register(record=released())
    assert await registry.release(service="chat", release="r3") is None
    assert await registry.release(service="image", release="r2") is None
    assert await registry.releases(service="image", limit=9) == ()


async def test_the_same_registration_again_changes_nothing(registry: Registry) -> None:
    first = released()
    await registry.register(record=first)
    assert not await registry.register(record=released(at=NOON + timedelta(hours=1), by="somebody else"))
    assert await registry.release(service="chat", release="r2") == first


async def test_another_content_of_a_release_is_refused_with_what_differs(registry: Registry) -> None:
    first = released()
    await registry.register(record=first)
    with pytest.raises(ReleaseDiffers) as refused:
        await registry.register(record=released(owner="bob", baseline="r1"))
    assert str(refused.value).startswith(
        "Release r2 of chat is registered already, with another content (owner, baseline)."
    )
    assert await registry.release(service="chat", release="r2") == first


async def test_the_newest_releases_come_first_of_one_service_or_of_all(registry: Registry) -> None:
    east = timezone(timedelta(hours=5))
    for record in (
        released("r2"),
        released("r1", at=NOON - timedelta(hours=1)),
        released("r3"),
        # By the clock on the wall it is the latest, in truth the earliest.
        released("i1", at=NOON.replace(hour=16, tzinfo=east), service="image"),
    ):
        await registry.register(record=record)
    assert [one.registration.release for one in await registry.releases(service="chat", limit=9)] == [
        "r3",
        "r2",
        "r1",
    ]
    everything = await registry.releases(service=None, limit=9)
    assert [one.registration.release for one in everything] == ["r3", "r2", "i1", "r1"]
    assert [one.registration.release for one in await registry.releases(service=None, limit=1)] == ["r3"]


async def test_a_retired_release_says_when_and_why_and_stays_so(registry: Registry) -> None:
    await registry.register(record=released())
    await registry.retire(service="chat", release="r2", at=NOON, why="replaced")
    await registry.retire(service="chat", release="r2", at=NOON + timedelta(hours=1), why="again")
    assert not await registry.register(record=released())
    kept = await registry.release(service="chat", release="r2")
    assert kept
    assert (kept.retired_at, kept.retired_why) == (NOON, "replaced")
    assert kept.registration == released().registration


async def test_a_release_that_is_not_registered_cannot_be_retired(registry: Registry) -> None:
    with pytest.raises(ReleaseUnknown, match="Release r9 of chat is not registered"):
        await registry.retire(service="chat", release="r9", at=NOON, why="")


async def test_earlier_baselines_stay_on_record_and_the_newest_comes_first(registry: Registry) -> None:
    for record in (baseline("r1"), baseline("r3", minutes=2), baseline("r2", minutes=1)):
        await registry.name_baseline(baseline=record)
    await registry.name_baseline(baseline=baseline("i1", service="image"))
    assert [one.release for one in await registry.baselines(service="chat")] == ["r3", "r2", "r1"]
    assert await registry.baselines(service="other") == ()


async def test_of_baselines_that_were_named_at_one_moment_the_last_one_comes_first(
    registry: Registry,
) -> None:
    for release in ("r1", "r2"):
        await registry.name_baseline(baseline=baseline(release))
    assert [one.release for one in await registry.baselines(service="chat")] == ["r2", "r1"]


async def test_a_repeated_call_names_one_baseline(registry: Registry) -> None:
    for _ in range(2):
        await registry.name_baseline(baseline=baseline("r1"))
    assert await registry.baselines(service="chat") == (baseline("r1"),)


async def test_a_registry_is_there_after_a_restart_and_for_another_process(tmp_path: Path) -> None:
    first, second = (SqliteRegistry(str(tmp_path / "store.db")) for _ in range(2))
    await first.register(record=released())
    assert await second.release(service="chat", release="r2") == released()
    with pytest.raises(ReleaseDiffers):
        await second.register(record=released(owner="bob"))
    await first.aclose()
    await second.aclose()


async def test_a_release_of_a_newer_version_is_refused_and_not_guessed(tmp_path: Path) -> None:
    registry = SqliteRegistry(str(tmp_path / "store.db"))
    await registry.register(record=released())
    with closing(sqlite3.connect(tmp_path / "store.db")) as connection:
        connection.execute("""UPDATE releases SET record = '{"novelty": 1}'""")
        connection.commit()
    with pytest.raises(RejectedBySystem, match="written by another version of Backout"):
        await registry.releases(service=None, limit=1)
    with pytest.raises(RejectedBySystem, match="written by another version of Backout"):
        await registry.register(record=released())
    await registry.aclose()
