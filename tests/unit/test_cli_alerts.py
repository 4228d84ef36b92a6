"""`backout alerts`: what the outbox holds, and dead letters that are sent again."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from adapters.stores.outbox import SqliteOutbox
from backout.alerts import Alert
from backout.errors import LetterUnreadable, NoRoute, NoSuchLetter, ReleaseUnreadable
from backout.outbox import OutboxEntry
from cli.main import app
from cli.starter import write_starter

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
ALERT = Alert(
    source="alertmanager",
    fingerprint="f1",
    starts_at=NOON,
    status="firing",
    name="Bad",
    labels={"service": "chat", "release": "r2"},
)
KEY = "alertmanager/f1/2026-01-05T12:00:00+00:00/firing"


def letter(name: str, **changes: object) -> OutboxEntry:
    entry = OutboxEntry(
        key=name,
        received_at=NOON,
        source="alertmanager",
        state="dead",
        alert=ALERT,
        why="gone",
        traceparent="t",
    )
    return entry.model_copy(update=changes)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    write_starter(tmp_path)
    return tmp_path / "site.yaml"


def kept(site: Path, *letters: OutboxEntry) -> tuple[tuple[OutboxEntry, ...], tuple[OutboxEntry, ...]]:
    """Put letters into the outbox; return what is pending and what is dead."""

    async def look() -> tuple[tuple[OutboxEntry, ...], tuple[OutboxEntry, ...]]:
        outbox = SqliteOutbox(str(site.parent / ".backout/outbox.db"))
        for one in letters:
            await outbox.put(entry=one)
        found = await outbox.pending(limit=10), await outbox.dead(limit=10)
        await outbox.aclose()
        return found

    return asyncio.run(look())


def backout(site: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["alerts", *words, "--site", str(site)])


@pytest.mark.parametrize("key", [KEY, "refused/1"], ids=["not delivered", "refused at the door"])
def test_a_dead_letter_is_sent_again_by_todays_routes(site: Path, key: str) -> None:
    kept(site, letter(key))
    done = backout(site, "resend", key)
    assert done.stdout == f"chat/r2: {key} is on its way\n"
    (entry,), dead = kept(site)
    assert (entry.key, entry.playbook, entry.traceparent) == (KEY, "conversational-agent", "t")
    assert entry.why == ""
    assert dead == ()


def test_a_dead_letter_whose_alert_came_again_is_only_put_away(site: Path) -> None:
    kept(site, letter(KEY, state="delivered"), letter("refused/1"))
    done = backout(site, "resend", "refused/1")
    assert "was sent again meanwhile, and is known" in done.stdout
    assert kept(site) == ((), ())


def test_a_dead_letter_is_mended_with_the_label_that_was_missing(site: Path) -> None:
    kept(site, letter("refused/1", alert=ALERT.model_copy(update={"labels": {"service": "chat"}})))
    assert isinstance(backout(site, "resend", "refused/1").exception, ReleaseUnreadable)
    done = backout(site, "resend", "refused/1", "--label", "release=r7")
    assert done.stdout == "chat/r7: refused/1 is on its way\n"
    (entry,), dead = kept(site)
    assert (entry.key, entry.release, dead) == (KEY, "r7", ())
    assert entry.alert
    assert entry.alert.labels == {"service": "chat", "release": "r7"}


@pytest.mark.parametrize("label", ["release", "=r7", ""])
def test_a_label_is_written_with_its_value(site: Path, label: str) -> None:
    kept(site, letter("refused/1"))
    done = backout(site, "resend", "refused/1", "--label", label)
    assert done.exit_code == 2
    assert "NAME=VALUE" in done.stderr


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"key": "another"}, NoSuchLetter),
        ({"alert": None}, LetterUnreadable),
        ({"alert": ALERT.model_copy(update={"labels": {}})}, NoRoute),
    ],
    ids=["no such letter", "no alert", "no route even now"],
)
def test_a_dead_letter_that_cannot_be_sent_stays(
    site: Path, changes: dict[str, object], error: type[Exception]
) -> None:
    one = letter("refused/1", **changes)
    kept(site, one)
    assert isinstance(backout(site, "resend", "refused/1").exception, error)
    assert kept(site) == ((), (one,))


def test_the_list_of_dead_letters_has_the_key_that_resend_takes(site: Path) -> None:
    kept(site, letter(KEY))
    assert KEY in backout(site, "dead").stdout
