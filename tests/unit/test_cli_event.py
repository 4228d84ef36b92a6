"""`backout event`: what is told of events outside."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backout.errors import EventRefused, InvalidDocument, UnknownName
from tests.unit.released import BY, backout, told, written_site


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return written_site(tmp_path, monkeypatch)


def test_an_event_is_marked_for_so_long_and_listed(site: Path) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    done = backout(site, "event", "mark", "deploy", "--what", "search 7", "--service", "chat", "--for", "30m")
    assert done.exit_code == 0
    assert done.stdout.startswith("Marked for chat, ")
    (event,) = told(backout(site, "event", "list", "--json"))
    start, end = (datetime.fromisoformat(event[field]) for field in ("start", "end"))
    assert timedelta(minutes=29) < end - start <= timedelta(minutes=30)
    assert before <= start
    assert (event["kind"], event["service"], event["by"]) == ("deploy", "chat", BY)
    assert event["key"].startswith("deploy/chat/20")
    shown = backout(site, "event", "list", "--service", "chat").stdout
    assert "search 7" in shown


def test_a_kind_of_event_that_no_rule_listens_to_is_kept_and_the_kinds_that_they_hear_are_told(
    site: Path,
) -> None:
    unheard = "Rules listen only to: provider_outage."
    words = ("--what", "it is down")
    assert unheard in backout(site, "event", "mark", "provider_outag", *words).stdout
    assert unheard not in backout(site, "event", "mark", "provider_outage", *words).stdout


def test_an_event_that_goes_on_is_ended_by_its_key(site: Path) -> None:
    now = datetime.now(UTC)
    start, end = (f"{now - timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}" for hours in (3, 1))
    words = ("event", "mark", "provider_outage", "--what", "it is down", "--key", "out-7")
    backout(site, *words, "--start", start)
    assert backout(site, "event", "list").stdout.count("now, as it goes on") == 1
    again = backout(site, *words, "--end", end)
    assert again.stdout.startswith("Marked again for all services, ")
    (event,) = told(backout(site, "event", "list", "--json"))
    assert (event["start"], event["end"]) == (start, end)
    assert backout(site, "event", "list", "--back", "30m").stdout == "No event is marked.\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--start", "2026-01-05T09:00:00"), "is not a time with its zone"),
        (("--end", "tomorrow"), "is not a time with its zone"),
        (("--for", "30"), "is not a duration"),
        (("--for", "30m", "--end", "2026-01-05T09:00:00Z"), "give --for or --end, not both"),
    ],
)
def test_a_time_that_is_none_is_a_wrong_command_line(site: Path, words: tuple[str, ...], said: str) -> None:
    done = backout(site, "event", "mark", "deploy", "--what", "search", *words)
    assert done.exit_code == 2
    assert said in " ".join(done.output.replace("│", " ").split())
    assert told(backout(site, "event", "list", "--json")) == []


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("a b", "--what", "x"), InvalidDocument),
        (("deploy", "--what", ""), InvalidDocument),
        (("deploy", "--what", "x", "--service", "chta"), EventRefused),
        (("deploy", "--what", "x", "--end", "2026-01-05T09:00:00Z"), EventRefused),
    ],
    ids=["a kind that is no name", "nothing happens", "an unknown service", "over before it began"],
)
def test_an_event_that_makes_no_sense_is_refused(
    site: Path, words: tuple[str, ...], error: type[Exception]
) -> None:
    assert isinstance(backout(site, "event", "mark", *words).exception, error)
    assert told(backout(site, "event", "list", "--json")) == []


def test_an_unknown_service_has_no_list_of_events(site: Path) -> None:
    assert isinstance(backout(site, "event", "list", "--service", "chta").exception, UnknownName)
