"""What every store and every outbox promises, held against each of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from adapters.stores.memory import MemoryOutbox, MemoryStore
from adapters.stores.outbox import SqliteOutbox
from adapters.stores.sqlite import SqliteStore
from backout.alerts import Alert
from backout.evaluation import Evaluation, Outcome
from backout.outbox import OutboxEntry
from backout.ports import Outbox, Store
from backout.severity import Severity
from backout.timeline import AlertReceived, Event, Held, SignalsJudged
from backout.timeline_exposure import ExposureSet
from backout.view import IncidentOutcome, IncidentSummary, Phase, incident_id

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
INCIDENT = incident_id("chat", "r2")


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    if request.param == "memory":
        yield MemoryStore()
        return
    store = SqliteStore(str(tmp_path / "state" / "store.db"), str(tmp_path / "documents"))
    yield store
    await store.aclose()


@pytest.fixture(params=["memory", "sqlite"])
async def outbox(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Outbox]:
    if request.param == "memory":
        yield MemoryOutbox()
        return
    outbox = SqliteOutbox(str(tmp_path / "state" / "outbox.db"))
    yield outbox
    await outbox.aclose()


def summary(
    *, release: str = "r2", run: str = "run-1", phase: Phase = Phase.DETECT, hours: int = 0
) -> IncidentSummary:
    return IncidentSummary(
        incident=incident_id("chat", release),
        run=run,
        service="chat",
        release=release,
        playbook="conversational-agent",
        severity=Severity.CRITICAL,
        phase=phase,
        outcome=IncidentOutcome.OPEN,
        opened_at=NOON + timedelta(hours=hours),
    )


def held(seq: int, why: str = "because") -> Held:
    return Held(seq=seq, at=NOON + timedelta(seconds=seq), by="Alice", why=why)


def alert_entry(key: str, **changes: object) -> OutboxEntry:
    alert = Alert(source="alertmanager", fingerprint=key, starts_at=NOON, status="firing", name="Bad")
    entry = OutboxEntry(
        key=key,
        received_at=NOON,
        source="alertmanager",
        alert=alert,
        playbook="p",
        service="chat",
        release="r2",
    )
    return entry.model_copy(update=changes)


async def test_a_timeline_comes_back_as_it_was(store: Store) -> None:
    alert = Alert(
        source="cli", fingerprint="f", starts_at=NOON, status="firing", name="Bad", labels={"a": "b"}
    )
    judged = Evaluation(outcome=Outcome.FIRED, rule="critical", reasons=("30 % > 3 %",))
    events: tuple[Event, ...] = (
        AlertReceived(seq=1, at=NOON, alert=alert),
        SignalsJudged(seq=2, at=NOON, step="detect", sense="breach", evaluation=judged),
        ExposureSet(seq=3, at=NOON, step="revert", target="t", stage=50, before=100, after=50, key="k"),
    )
    await store.save(summary=summary(), events=events)
    assert await store.timeline(incident=INCIDENT) == events


async def test_events_are_kept_in_the_order_of_their_numbers(store: Store) -> None:
    await store.save(summary=summary(), events=[held(11), held(12)])
    await store.save(summary=summary(), events=[held(2), held(3)])
    assert [event.seq for event in await store.timeline(incident=INCIDENT)] == [2, 3, 11, 12]


async def test_an_event_of_a_known_number_is_one_event_and_stays_as_it_was(store: Store) -> None:
    await store.save(summary=summary(), events=[held(1, "first")])
    await store.save(summary=summary(), events=[held(1, "again"), held(2, "second")])
    assert await store.timeline(incident=INCIDENT) == (held(1, "first"), held(2, "second"))


async def test_the_newest_state_is_kept(store: Store) -> None:
    await store.save(summary=summary(), events=[held(1)])
    await store.save(summary=summary(phase=Phase.REVERT), events=[])
    assert await store.incidents(limit=10) == (summary(phase=Phase.REVERT),)


async def test_a_late_repeat_of_an_older_save_leaves_the_state_alone(store: Store) -> None:
    await store.save(summary=summary(), events=[held(1)])
    await store.save(summary=summary(phase=Phase.CLOSED), events=[held(2)])
    await store.save(summary=summary(), events=[held(1)])
    assert await store.incidents(limit=10) == (summary(phase=Phase.CLOSED),)


async def test_the_timeline_is_the_newest_runs(store: Store) -> None:
    await store.save(summary=summary(run="run-2", hours=5), events=[held(1, "new")])
    await store.save(summary=summary(run="run-1"), events=[held(1, "old"), held(2, "old")])
    assert await store.timeline(incident=INCIDENT) == (held(1, "new"),)


async def test_an_unknown_incident_has_no_timeline(store: Store) -> None:
    await store.save(summary=summary(), events=[held(1)])
    assert await store.timeline(incident=incident_id("chat", "r9")) == ()


async def test_the_newest_incidents_come_first(store: Store) -> None:
    saved = [summary(release=f"r{hours}", hours=hours) for hours in (2, 0, 1)]
    for one in saved:
        await store.save(summary=one, events=[])
    assert [one.release for one in await store.incidents(limit=2)] == ["r2", "r1"]


async def test_the_incidents_of_one_release_are_found_among_all(store: Store) -> None:
    for one in (summary(run="run-1"), summary(run="run-2", hours=5), summary(release="r9", hours=9)):
        await store.save(summary=one, events=[])
    assert [one.run for one in await store.incidents(limit=2, incident=INCIDENT)] == ["run-2", "run-1"]
    assert [one.run for one in await store.incidents(limit=1, incident=INCIDENT)] == ["run-2"]
    assert await store.incidents(limit=2, incident=incident_id("chat", "r0")) == ()


async def test_saves_at_the_same_time_lose_nothing(store: Store) -> None:
    await asyncio.gather(
        *(
            store.save(summary=summary(release=f"r{number % 3}"), events=[held(number)])
            for number in range(30)
        )
    )
    timelines = [await store.timeline(incident=incident_id("chat", f"r{number}")) for number in range(3)]
    assert [len(timeline) for timeline in timelines] == [10, 10, 10]


async def test_a_document_is_told_with_its_digest(store: Store) -> None:
    ref = await store.put_document(incident=INCIDENT, name="postmortem.md", text="# Café\n")
    assert ref.name == "postmortem.md"
    assert ref.digest == "sha256:" + sha256("# Café\n".encode()).hexdigest()


async def test_a_document_of_the_same_name_replaces_the_one_before(store: Store) -> None:
    first = await store.put_document(incident=INCIDENT, name="postmortem.md", text="draft")
    second = await store.put_document(incident=INCIDENT, name="postmortem.md", text="final")
    assert second.location == first.location
    assert second.digest != first.digest


async def test_an_entry_comes_back_as_it_was(outbox: Outbox) -> None:
    entry = alert_entry("a", traceparent="00-1-2-01")
    assert await outbox.put(entry=entry)
    assert await outbox.pending(limit=10) == (entry,)


async def test_entries_are_pending_in_the_order_in_which_they_came(outbox: Outbox) -> None:
    for key in ("b", "a", "d", "c"):
        await outbox.put(entry=alert_entry(key))
    assert [entry.key for entry in await outbox.pending(limit=3)] == ["b", "a", "d"]
    assert await outbox.depth() == 4


async def test_a_key_is_kept_once_even_after_it_was_delivered(outbox: Outbox) -> None:
    assert await outbox.put(entry=alert_entry("a"))
    assert not await outbox.put(entry=alert_entry("a", service="voice"))
    await outbox.delivered(key="a")
    assert not await outbox.put(entry=alert_entry("a"))
    assert await outbox.depth() == 0


async def test_the_same_key_at_the_same_time_is_kept_once(outbox: Outbox) -> None:
    kept = await asyncio.gather(*(outbox.put(entry=alert_entry("a")) for _ in range(10)))
    assert sorted(kept) == [False] * 9 + [True]


async def test_a_failed_delivery_is_counted_and_stays_pending(outbox: Outbox) -> None:
    await outbox.put(entry=alert_entry("a"))
    for why in ("engine down", "still down"):
        await outbox.failed(key="a", why=why)
    (entry,) = await outbox.pending(limit=10)
    assert (entry.attempts, entry.why, entry.state) == (2, "still down", "pending")


async def test_a_refused_entry_is_a_dead_letter_with_the_reason(outbox: Outbox) -> None:
    for key in ("a", "b"):
        await outbox.put(entry=alert_entry(key))
    await outbox.refused(key="a", why="no such playbook")
    assert [entry.key for entry in await outbox.pending(limit=10)] == ["b"]
    assert await outbox.depth() == 1
    assert await outbox.dead(limit=10) == (alert_entry("a", state="dead", why="no such playbook"),)


async def test_an_entry_takes_the_place_of_its_dead_letter(outbox: Outbox) -> None:
    await outbox.put(entry=alert_entry("a"))
    await outbox.failed(key="a", why="engine down")
    await outbox.refused(key="a", why="no such playbook")
    again = alert_entry("a", playbook="another")
    assert await outbox.put(entry=again)
    assert await outbox.pending(limit=10) == (again,)
    assert await outbox.dead(limit=10) == ()


async def test_a_dead_letter_takes_nobodys_place(outbox: Outbox) -> None:
    for state in ("pending", "dead"):
        await outbox.put(entry=alert_entry(state, state=state))
        assert not await outbox.put(entry=alert_entry(state, state="dead", why="again"))
    assert [entry.why for entry in await outbox.dead(limit=10)] == [""]
    assert await outbox.depth() == 1


async def test_dead_letters_are_never_delivered_and_the_newest_comes_first(outbox: Outbox) -> None:
    for key in ("a", "b", "c"):
        await outbox.put(entry=alert_entry(key, state="dead", alert=None, body="{", why="not JSON"))
    assert [(entry.key, entry.why) for entry in await outbox.dead(limit=2)] == [
        ("c", "not JSON"),
        ("b", "not JSON"),
    ]
    assert await outbox.pending(limit=10) == ()
    assert await outbox.depth() == 0


async def test_marks_on_an_unknown_key_change_nothing(outbox: Outbox) -> None:
    await outbox.put(entry=alert_entry("a"))
    await outbox.delivered(key="z")
    await outbox.failed(key="z", why="?")
    await outbox.refused(key="z", why="?")
    assert await outbox.pending(limit=10) == (alert_entry("a"),)
