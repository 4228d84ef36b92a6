"""The outbox tells which alerts of a fingerprint it has routed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.stores.memory import MemoryOutbox
from adapters.stores.outbox import SqliteOutbox
from backout.alerts import Alert
from backout.outbox import OutboxEntry, addressed
from backout.ports import Outbox
from backout.routing import Routed

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
TO = Routed(playbook="p", service="chat", release="r2")


@pytest.fixture(params=["sqlite", "memory"])
async def outbox(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Outbox]:
    if request.param == "memory":
        yield MemoryOutbox()
        return
    kept = SqliteOutbox(str(tmp_path / "outbox.db"))
    yield kept
    await kept.aclose()


def alert(hour: int, fingerprint: str = "f", source: str = "datadog") -> Alert:
    start = NOON.replace(hour=hour)
    return Alert(source=source, fingerprint=fingerprint, starts_at=start, status="firing", name="Bad")


async def keep(outbox: Outbox, *alerts: Alert) -> None:
    for one in alerts:
        await outbox.put(entry=addressed(one, TO, received_at=NOON, traceparent=""))


async def found(outbox: Outbox, fingerprint: str = "f", limit: int = 9) -> list[int]:
    alerts = await outbox.alerts(source="datadog", fingerprint=fingerprint, limit=limit)
    return [one.starts_at.hour for one in alerts]


async def test_the_alerts_of_a_fingerprint_come_newest_first_delivered_or_not(outbox: Outbox) -> None:
    await keep(outbox, alert(1), alert(2), alert(3))
    await outbox.delivered(key=f"{alert(1).episode}/firing")
    await outbox.refused(key=f"{alert(2).episode}/firing", why="gone")
    assert await found(outbox) == [3, 2, 1]
    assert await found(outbox, limit=2) == [3, 2]


async def test_what_only_looks_like_the_fingerprint_is_left_out(outbox: Outbox) -> None:
    others = [alert(2, "f/x"), alert(3, "ff"), alert(4, "F"), alert(5, "%"), alert(6, source="other")]
    await keep(outbox, alert(1), *others)
    assert await found(outbox) == [1]
    assert await found(outbox, "f/x") == [2]
    assert await found(outbox, "%") == [5]
    assert await found(outbox, "") == []


async def test_what_was_refused_at_the_door_is_no_episode(outbox: Outbox) -> None:
    letter = OutboxEntry(
        key="refused/1", received_at=NOON, source="datadog", state="dead", alert=alert(1), why="no route"
    )
    await outbox.put(entry=letter)
    assert await found(outbox) == []
