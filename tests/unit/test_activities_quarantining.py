"""What is quarantined of a release: what its incident knows of it comes before what the registry knows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from activities.quarantining import quarantine
from adapters.memory_quarantines import MemoryQuarantines
from adapters.stores.memory import MemoryRegistry
from backout.quarantining import QuarantineRelease
from backout.releases import Artifact

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
MODEL = Artifact(kind="model", name="chat", digest="sha256:" + "a" * 64)


async def test_artifacts_that_the_incident_knows_need_no_registry() -> None:
    kept = MemoryQuarantines()
    request = QuarantineRelease(
        service="chat", release="r2", artifacts=(MODEL,), incident="incident/chat/r2", why="bad", at=NOON
    )
    found = await quarantine(request, quarantines=kept, registry=MemoryRegistry())
    assert found.artifacts == (MODEL,)
    assert [one.artifacts for one in kept.kept] == [(MODEL,)]


async def test_a_repeated_attempt_keeps_one_quarantine_and_tells_the_same() -> None:
    kept = MemoryQuarantines()
    request = QuarantineRelease(
        service="chat", release="r2", artifacts=(MODEL,), incident="incident/chat/r2", why="bad", at=NOON
    )
    told = [await quarantine(request, quarantines=kept, registry=MemoryRegistry()) for _ in range(2)]
    assert told[0] == told[1]
    assert len(kept.kept) == 1


async def test_a_second_quarantine_of_the_same_incident_tells_of_the_one_that_stands() -> None:
    kept = MemoryQuarantines()
    by_name = QuarantineRelease(
        service="chat", release="r2", incident="incident/chat/r2", why="by hand", at=NOON
    )
    first = await quarantine(by_name, quarantines=kept, registry=MemoryRegistry())
    again = by_name.model_copy(update={"artifacts": (MODEL,), "why": "bad", "at": NOON + timedelta(hours=1)})
    second = await quarantine(again, quarantines=kept, registry=MemoryRegistry())
    assert first.before is None
    # Not the model: nothing keeps that from being released.
    assert (second.artifacts, second.before) == ((), *kept.kept)
