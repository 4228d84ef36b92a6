"""What only the SQLite files promise: they survive crashes, share the file, and say what is wrong."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pytest
from sqlalchemy import MetaData

from adapters.stores import sqlite_file
from adapters.stores.outbox import SqliteOutbox
from adapters.stores.sqlite import SqliteStore
from adapters.stores.sqlite_file import SqliteFile
from backout.errors import RejectedBySystem, Unreachable
from backout.outbox import OutboxEntry
from backout.severity import Severity
from backout.timeline import Held
from backout.view import IncidentOutcome, IncidentSummary, Phase

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
SUMMARY = IncidentSummary(
    incident="incident/chat/r2",
    run="run-1",
    service="chat",
    release="r2",
    playbook="p",
    severity=Severity.MAJOR,
    phase=Phase.DETECT,
    outcome=IncidentOutcome.OPEN,
    opened_at=NOON,
)
HELD = Held(seq=1, at=NOON, by="Alice", why="because")
ROOT = Path(__file__).parents[2]
PUT_AND_HANG = """
import asyncio, sys
from datetime import UTC, datetime
from adapters.stores.outbox import SqliteOutbox
from backout.outbox import OutboxEntry

async def main():
    outbox = SqliteOutbox(sys.argv[1])
    for number in range(5):
        await outbox.put(entry=OutboxEntry(key=str(number), received_at=datetime.now(UTC), source="x"))
    print("accepted", flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


def store_in(folder: Path) -> SqliteStore:
    return SqliteStore(str(folder / "store.db"), str(folder / "documents"))


def kill_after_put(path: Path) -> None:
    command = [sys.executable, "-c", PUT_AND_HANG, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env={**os.environ}) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"accepted\n"
        process.send_signal(signal.SIGKILL)


async def test_what_was_accepted_survives_a_killed_process(tmp_path: Path) -> None:
    await asyncio.to_thread(kill_after_put, tmp_path / "outbox.db")
    outbox = SqliteOutbox(str(tmp_path / "outbox.db"))
    assert [entry.key for entry in await outbox.pending(limit=10)] == ["0", "1", "2", "3", "4"]
    await outbox.aclose()


@pytest.mark.parametrize(("synchronous", "level"), [("FULL", 2), ("NORMAL", 1)])
async def test_a_file_is_opened_for_crashes_and_company(
    tmp_path: Path, synchronous: Literal["FULL", "NORMAL"], level: int
) -> None:
    file = SqliteFile(tmp_path / "x.db", MetaData(), synchronous=synchronous)
    async with file.reading() as connection:
        found = [
            (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]
    await file.aclose()
    assert found == ["wal", level, 1, sqlite_file.BUSY_MS]


async def test_the_outbox_is_on_the_disk_before_put_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements: list[str] = []
    connect = sqlite3.connect

    def traced(*args: object, **kwargs: object) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **kwargs)  # type: ignore[call-overload]
        connection.set_trace_callback(statements.append)
        return connection

    monkeypatch.setattr(sqlite3, "connect", traced)
    outbox = SqliteOutbox(str(tmp_path / "outbox.db"))
    await outbox.put(entry=OutboxEntry(key="a", received_at=NOON, source="x"))
    await outbox.aclose()
    assert "PRAGMA synchronous = FULL" in statements
    assert statements[-1] == "COMMIT"


async def test_a_second_process_reads_what_the_first_has_written(tmp_path: Path) -> None:
    worker, gateway = store_in(tmp_path), store_in(tmp_path)
    await worker.save(summary=SUMMARY, events=[HELD])
    assert await gateway.timeline(incident="incident/chat/r2") == (HELD,)
    await worker.save(summary=SUMMARY, events=[HELD.model_copy(update={"seq": 2})])
    assert len(await gateway.timeline(incident="incident/chat/r2")) == 2
    await worker.aclose()
    await gateway.aclose()


async def test_a_new_file_may_be_opened_by_many_at_once(tmp_path: Path) -> None:
    stores = [store_in(tmp_path) for _ in range(8)]
    await asyncio.gather(*(store.save(summary=SUMMARY, events=[HELD]) for store in stores))
    assert await stores[0].incidents(limit=10) == (SUMMARY,)
    for store in stores:
        await store.aclose()


async def test_a_record_outlives_its_process(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    await store.save(summary=SUMMARY, events=[HELD])
    await store.aclose()
    again = store_in(tmp_path)
    assert await again.timeline(incident="incident/chat/r2") == (HELD,)
    await again.aclose()


async def test_a_save_is_whole_or_not_at_all(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    await store.save(summary=SUMMARY, events=[])
    with closing(sqlite3.connect(tmp_path / "store.db")) as connection:
        connection.execute("CREATE TRIGGER no BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'full'); END")
    closed = SUMMARY.model_copy(update={"phase": Phase.CLOSED})
    with pytest.raises(RejectedBySystem, match="full"):
        await store.save(summary=closed, events=[HELD])
    assert await store.incidents(limit=1) == (SUMMARY,)
    await store.aclose()


async def test_a_locked_file_is_unreachable_and_free_again_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_file, "BUSY_MS", 50)
    store = store_in(tmp_path)
    await store.save(summary=SUMMARY, events=[])
    with closing(sqlite3.connect(tmp_path / "store.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unreachable, match=r"SQLite file .*store\.db did not answer: database is locked"):
            await store.save(summary=SUMMARY, events=[HELD])
        # Readers do not wait for writers.
        assert await store.timeline(incident="incident/chat/r2") == ()
    await store.save(summary=SUMMARY, events=[HELD])
    assert await store.timeline(incident="incident/chat/r2") == (HELD,)
    await store.aclose()


async def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_text("this is no database, however long one looks at it " * 50)
    store = store_in(tmp_path)
    with pytest.raises(RejectedBySystem, match="file is not a database"):
        await store.incidents(limit=1)
    await store.aclose()


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = SqliteStore(str(tmp_path / "file" / "store.db"), str(tmp_path / "file" / "documents"))
    with pytest.raises(Unreachable, match=r"store\.db did not answer: .*file"):
        await store.incidents(limit=1)
    with pytest.raises(Unreachable, match=r"documents did not answer: .*file"):
        await store.put_document(incident="incident/chat/r2", name="p.md", text="")
    await store.aclose()


async def test_a_timeline_of_a_newer_version_is_refused_and_not_guessed(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    await store.save(summary=SUMMARY, events=[HELD])
    with closing(sqlite3.connect(tmp_path / "store.db")) as connection:
        connection.execute("""UPDATE events SET body = '{"event": "Teleported"}'""")
        connection.execute("UPDATE incidents SET summary = '{}'")
        connection.commit()
    with pytest.raises(
        RejectedBySystem, match="the timeline of incident/chat/r2 was written by another version"
    ):
        await store.timeline(incident="incident/chat/r2")
    with pytest.raises(RejectedBySystem, match="its list of incidents was written by another version"):
        await store.incidents(limit=1)
    await store.aclose()


@pytest.mark.parametrize("text", ['{"novelty": 1}', "{", ""])
async def test_an_outbox_row_that_cannot_be_read_keeps_no_other_from_its_way(
    tmp_path: Path, text: str
) -> None:
    outbox = SqliteOutbox(str(tmp_path / "outbox.db"))
    for key in ("a", "b"):
        await outbox.put(entry=OutboxEntry(key=key, received_at=NOON, source="x"))
    with closing(sqlite3.connect(tmp_path / "outbox.db")) as connection:
        connection.execute("UPDATE outbox SET entry = ? WHERE key = 'a'", [text])
        connection.commit()
    unread, readable = await outbox.pending(limit=2)
    assert (unread.key, unread.alert, unread.body) == ("a", None, text)
    assert unread.why == "it was written by another version of Backout, which this one cannot read"
    assert readable.key == "b"
    await outbox.refused(key="a", why="no")
    assert [(letter.key, letter.why, letter.body) for letter in await outbox.dead(limit=9)] == [
        ("a", "no", text)
    ]
    await outbox.aclose()
