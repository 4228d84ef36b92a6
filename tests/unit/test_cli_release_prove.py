"""`backout release prove`: whether a release is a proven baseline, without any incident."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import wiring
from backout.errors import NoProofAsked, ReleaseUnknown, UnknownName
from deployment import read_site
from tests.unit import proofs
from tests.unit.released import backout, register, told, written_site

PROVEN = """\
  requests:
    source: ledger
    query: SELECT sum(n) FROM served WHERE release = :release AND at <= :at
  proven: {requests: 1000, over: 1d, checks: [there]}
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a site whose playbook asks for proof, by a database that counts, and a check that passes."""
    file = written_site(tmp_path, monkeypatch)
    monkeypatch.setenv("LEDGER_URL", f"sqlite:///{tmp_path / 'ledger.db'}")
    (tmp_path / "check.sh").write_text('[ "$1" = r2 ]')
    text = file.read_text(encoding="utf-8")
    text = text.replace(
        "sources:\n", "sources:\n  ledger: {kind: sql, url: {env: LEDGER_URL}, timeout: 2s}\n"
    )
    check = "checks:\n  there: {kind: command, command: [/bin/sh, check.sh, $release], timeout: 5s}\n"
    file.write_text(text.replace("checks:\n", check))
    (playbook,) = (tmp_path / "my-playbooks").glob("conversational-agent.yaml")
    lines = playbook.read_text(encoding="utf-8").splitlines(keepends=True)
    is_count = [line.startswith("  requests: ") for line in lines]
    assert is_count.count(True) == 1
    playbook.write_text(
        "".join(PROVEN if counts else line for counts, line in zip(is_count, lines, strict=True))
    )
    return file


def serve(site: Path, release: str, per_hour: int, *, until: timedelta = timedelta(0)) -> None:
    """Let a release have served so many in each hour of a day and more, until so long ago."""
    now = datetime.now(UTC) - until
    with sqlite3.connect(site.parent / "ledger.db") as ledger:
        ledger.execute("CREATE TABLE IF NOT EXISTS served (release TEXT, at TEXT, n INTEGER)")
        for hours in range(30):
            at = (now - timedelta(hours=hours)).strftime("%Y-%m-%d %H:%M:%S")
            ledger.execute("INSERT INTO served VALUES (?, ?, ?)", (release, at, per_hour))


def test_a_proven_release_is_told_with_its_numbers(site: Path) -> None:
    register(site)
    serve(site, "r2", 100)
    done = backout(site, "release", "prove", "chat/r2")
    first, *lines = done.stdout.splitlines()
    assert first == "chat/r2 is proven, as playbook conversational-agent asks for it:"
    assert "  ok   it served 2,400 requests in the last 1d" in lines
    assert lines[-1].startswith("  ok   check there passed: ")
    assert done.exit_code == 0
    assert told(backout(site, "release", "prove", "chat/r2", "--json"))["proven"] is True


def test_a_release_that_is_not_proven_has_an_exit_code_of_its_own_and_every_reason(site: Path) -> None:
    serve(site, "r1", 10)
    done = backout(site, "release", "prove", "chat", "r1")
    assert done.exit_code == 4
    assert (
        done.stdout.splitlines()[0] == "chat/r1 is NOT proven, as playbook conversational-agent asks for it:"
    )
    assert "  FAIL it served 240 of 1,000 requests in the last 1d\n" in done.stdout
    assert "  FAIL it is not registered, so no digest of its artifacts is on record\n" in done.stdout
    assert "  FAIL check there failed: " in done.stdout


def test_a_check_that_cannot_look_is_a_reason_and_the_rest_is_still_told(site: Path) -> None:
    site.write_text(site.read_text(encoding="utf-8").replace("/bin/sh, check.sh", "/bin/no-such-program"))
    serve(site, "r1", 100)
    done = backout(site, "release", "prove", "chat/r1")
    assert done.exit_code == 4
    assert "  ok   it served 2,400 requests in the last 1d\n" in done.stdout
    assert "  FAIL check there failed: " in done.stdout
    assert "/bin/no-such-program" in done.stdout


def test_it_is_this_release_that_is_proven_whichever_was_named(site: Path) -> None:
    register(site)
    serve(site, "r1", 100)
    backout(site, "release", "baseline", "chat/r2", "--why", "a quiet week")
    done = backout(site, "release", "prove", "chat/r1")
    assert done.stdout.startswith("chat/r1 is NOT proven")
    assert "  FAIL it is not known to be newer than r2, which me (cli:" in done.stdout
    unknown = backout(site, "release", "prove", "chat/r1", "--instead-of", "r9").exception
    assert isinstance(unknown, ReleaseUnknown)


def test_what_it_served_before_the_other_release_came_counts_too(site: Path) -> None:
    async def registered_before() -> None:
        async with wiring.open_adapters(read_site(site, os.environ)) as adapters:
            record = proofs.record("r2", datetime.now(UTC) - timedelta(days=2))
            await adapters.registry().register(record=record)

    asyncio.run(registered_before())
    serve(site, "r1", 100, until=timedelta(days=2))
    alone = backout(site, "release", "prove", "chat/r1")
    assert "  FAIL it served 0 of 1,000 requests in the last 1d\n" in alone.stdout
    done = backout(site, "release", "prove", "chat/r1", "--instead-of", "r2")
    assert "  ok   it served 2,400 requests in the 1d before r2 was registered\n" in done.stdout


def test_without_a_playbook_that_asks_there_is_nothing_to_prove_it_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = written_site(tmp_path, monkeypatch)
    unasked = backout(site, "release", "prove", "chat/r1").exception
    assert isinstance(unasked, NoProofAsked)
    assert "(conversational-agent)" in str(unasked)
    assert isinstance(backout(site, "release", "prove", "chta/r1").exception, UnknownName)
