"""Documents beside the SQLite store: where they are written, for whom, and what is refused."""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.stores.outbox import SqliteOutbox
from adapters.stores.sqlite import SqliteStore
from backout.errors import RejectedBySystem, Unreachable
from backout.outbox import OutboxEntry
from backout.severity import Severity
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


def store_in(folder: Path) -> SqliteStore:
    return SqliteStore(str(folder / "store.db"), str(folder / "documents"))


@pytest.mark.parametrize(
    ("incident", "place"),
    [
        ("incident/chat/r2", "chat/r2"),
        ("incident/chat/feature/x", "chat/feature%2Fx"),
        ("incident/chat/../../etc", "chat/%2E.%2F..%2Fetc"),
        ("incident/../..", "%2E./%2E."),
        ("incident/chat/a:b+c@d", "chat/a:b+c@d"),
        ("incident/chat/", "chat/_"),
    ],
)
async def test_a_document_is_a_file_below_its_service_and_release(
    tmp_path: Path, incident: str, place: str
) -> None:
    store = store_in(tmp_path)
    ref = await store.put_document(incident=incident, name="postmortem.md", text="# Café\n")
    path = tmp_path / "documents" / place / "postmortem.md"
    assert ref.location == str(path)
    assert contents(path.parent) == {"postmortem.md": "# Café\n"}
    await store.aclose()


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


@pytest.mark.parametrize("name", ["../x.md", "a/b", "", ".hidden", "x" * 201, "a\nb", ".."])
async def test_a_document_name_that_could_lead_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    store = store_in(tmp_path)
    with pytest.raises(RejectedBySystem, match="cannot be a document's name"):
        await store.put_document(incident="incident/chat/r2", name=name, text="x")
    assert not (tmp_path / "documents").exists()
    await store.aclose()


async def test_the_record_has_the_digest_of_the_newest_document(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    await store.put_document(incident="incident/chat/r2", name="postmortem.md", text="draft")
    ref = await store.put_document(incident="incident/chat/r2", name="postmortem.md", text="final")
    with closing(sqlite3.connect(tmp_path / "store.db")) as connection:
        rows = connection.execute("SELECT incident, name, location, digest FROM documents").fetchall()
    assert rows == [("incident/chat/r2", "postmortem.md", ref.location, ref.digest)]
    await store.aclose()


def modes(folder: Path) -> dict[str, int]:
    """Return the mode of everything below a folder."""
    below = sorted(folder.rglob("*"))
    return {path.relative_to(folder).as_posix(): path.stat().st_mode & 0o777 for path in below}


async def test_what_is_kept_is_made_for_this_account_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        store = SqliteStore(str(tmp_path / "state/deep/store.db"), str(tmp_path / "documents"))
        outbox = SqliteOutbox(str(tmp_path / "outbox/outbox.db"))
        await store.put_document(incident="incident/chat/r2", name="postmortem.md", text="x")
        await outbox.put(entry=OutboxEntry(key="a", received_at=NOON, source="x"))
        found = modes(tmp_path)
    finally:
        os.umask(before)
    assert {name for name, mode in found.items() if mode == 0o700} == {
        "documents",
        "documents/chat",
        "documents/chat/r2",
        "outbox",
        "state",
        "state/deep",
    }
    files = {name for name, mode in found.items() if mode == 0o600}
    assert files >= {"documents/chat/r2/postmortem.md", "outbox/outbox.db", "state/deep/store.db"}
    assert set(found.values()) == {0o700, 0o600}
    await store.aclose()
    await outbox.aclose()


async def test_a_folder_that_was_opened_to_others_stays_so(tmp_path: Path) -> None:
    os.mkdir(tmp_path / "shared", mode=0o750)  # noqa: PTH102  # it cannot block
    outbox = SqliteOutbox(str(tmp_path / "shared/outbox.db"))
    await outbox.put(entry=OutboxEntry(key="a", received_at=NOON, source="x"))
    assert modes(tmp_path)["shared"] == 0o750
    await outbox.aclose()


async def test_a_full_disk_leaves_the_document_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_file: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    store = store_in(tmp_path)
    await store.put_document(incident="incident/chat/r2", name="postmortem.md", text="draft")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unreachable, match="No space left on device"):
        await store.put_document(incident="incident/chat/r2", name="postmortem.md", text="final")
    assert contents(tmp_path / "documents" / "chat" / "r2") == {"postmortem.md": "draft"}
    await store.aclose()
