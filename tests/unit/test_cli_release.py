"""`backout release` and `backout event`: what is told of releases and of events outside."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from getpass import getuser
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import wiring
from backout.errors import (
    EngineUnnamed,
    EventRefused,
    FileUnreadable,
    InvalidDocument,
    LoginUnknown,
    RegistrationRefused,
    ReleaseDiffers,
    ReleaseUnknown,
    UnknownName,
)
from cli.main import app
from cli.starter import write_starter
from deployment import read_site

DIGEST = "sha256:" + "ab" * 32
BY = f"me (cli:{getuser()})"
KINDS = ("model", "prompt", "config", "index", "guardrail")
REGISTRATION = f"""\
service: chat
release: r2
playbook: conversational-agent
owner: team chat
artifacts:
  - {{kind: model, name: chat-8b, digest: {DIGEST}}}
  - {{kind: prompt, name: system, digest: {DIGEST}}}
  - {{kind: config, name: sampling, digest: {DIGEST}}}
  - {{kind: index, name: articles, digest: {DIGEST}}}
  - {{kind: guardrail, name: moderation, digest: {DIGEST}}}
ramp: [{{percent: 5, after: 1h}}]
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a site whose engine is named and down."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:9")
    monkeypatch.setattr("cli.session._SETTLE_S", 0)  # This process does not exit with each command.
    write_starter(tmp_path)
    (tmp_path / "r2.yaml").write_text(REGISTRATION)
    return tmp_path / "site.yaml"


def backout(site: Path, *words: str, given: str | None = None) -> Result:
    place = ["--site", str(site), "--state", str(site.parent / "state")]
    return CliRunner().invoke(app, [*words, *place], input=given)


def register(site: Path, *words: str) -> Result:
    return backout(site, "release", "register", str(site.parent / "r2.yaml"), *words)


def told(done: Result) -> Any:  # noqa: ANN401  # what JSON holds
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def releases(site: Path) -> Any:  # noqa: ANN401  # what JSON holds
    return told(backout(site, "release", "list", "--json"))


def test_a_release_is_registered_by_who_is_logged_in_though_the_engine_is_down(site: Path) -> None:
    done = register(site)
    assert done.exit_code == 0
    assert done.stdout.startswith(
        "chat/r2 is registered; its watch waits until the gateway tells the engine, within a minute: "
    )
    (record,) = releases(site)
    assert (record["by"], record["registration"]["release"]) == (BY, "r2")
    assert register(site).stdout.startswith("chat/r2 is registered already; ")
    assert len(releases(site)) == 1


def test_a_registration_in_json_comes_through_standard_input(site: Path) -> None:
    artifacts = [{"kind": kind, "name": "x", "digest": DIGEST} for kind in KINDS]
    place = {"service": "chat", "release": "r3", "playbook": "conversational-agent", "owner": "team chat"}
    done = backout(
        site, "release", "register", "-", "--json", given=json.dumps(place | {"artifacts": artifacts})
    )
    answer = told(done)
    assert (answer["repeated"], answer["watch"]) == (False, "pending")
    assert answer["record"]["registration"]["release"] == "r3"


@pytest.mark.parametrize(
    ("before", "after", "error", "said"),
    [
        ("release: r2", "release: 2.10", InvalidDocument, r"r2\.yaml:2:10: release: .* put it in quotes"),
        ("owner: team chat", "owner: [", InvalidDocument, r"r2\.yaml:\d+:\d+: "),
        ("kind: prompt", "kind: promt", InvalidDocument, r"r2\.yaml:7:12: .*did you mean 'prompt'"),
        ("kind: prompt", "kind: model", RegistrationRefused, "artifacts: prompt missing"),
        ("playbook: conv", "playbook: konv", RegistrationRefused, "did you mean 'conversational-agent'"),
    ],
    ids=["a number", "no YAML", "a kind", "an artifact that is missing", "a playbook"],
)
def test_a_registration_that_is_wrong_is_refused_with_the_place(
    site: Path, before: str, after: str, error: type[Exception], said: str
) -> None:
    (site.parent / "r2.yaml").write_text(REGISTRATION.replace(before, after))
    done = register(site)
    assert done.exit_code == 1
    with pytest.raises(error, match=said):
        raise done.exception or AssertionError
    assert releases(site) == []


def test_a_file_that_is_not_there_is_said(site: Path) -> None:
    done = backout(site, "release", "register", "nowhere.yaml")
    assert isinstance(done.exception, FileUnreadable)
    assert "The registration nowhere.yaml cannot be read" in str(done.exception)


def test_another_content_under_a_registered_name_is_refused(site: Path) -> None:
    register(site)
    (site.parent / "r2.yaml").write_text(REGISTRATION.replace("team chat", "somebody else"))
    assert isinstance(register(site).exception, ReleaseDiffers)


def test_nothing_is_registered_where_no_engine_is_known(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEMPORAL_ADDRESS")
    assert isinstance(register(site).exception, EngineUnnamed)
    assert releases(site) == []


@pytest.mark.parametrize("act", ["register", "retire", "baseline", "mark"])
def test_nobody_acts_whom_the_site_does_not_know(site: Path, act: str) -> None:
    register(site)
    site.write_text(site.read_text().replace(f"login: {getuser()}", "login: somebody"))
    words = {
        "register": ("release", "register", str(site.parent / "r2.yaml")),
        "retire": ("release", "retire", "chat", "r2", "--why", "done"),
        "baseline": ("release", "baseline", "chat", "r1", "--why", "good"),
        "mark": ("event", "mark", "deploy", "--what", "search"),
    }[act]
    assert isinstance(backout(site, *words).exception, LoginUnknown)
    (record,) = releases(site)
    assert record["retired_at"] is None
    assert told(backout(site, "release", "baseline", "chat", "--json")) == []
    assert told(backout(site, "event", "list", "--json")) == []


def test_releases_are_listed_for_people(site: Path) -> None:
    assert backout(site, "release", "list").stdout == "No release is registered.\n"
    register(site)
    (head, row) = backout(site, "release", "list").stdout.splitlines()
    assert head.split() == [
        "Service",
        "Release",
        "Baseline",
        "Playbook",
        "Owner",
        "Registered",
        "By",
        "State",
    ]
    assert row.startswith("chat     r2 ")
    assert row.rstrip().endswith("guarded")
    assert backout(site, "release", "list", "--service", "painter").stdout == "No release is registered.\n"


@pytest.mark.parametrize("engine", ["is down", "is not known"])
def test_a_release_is_shown_without_an_engine(
    site: Path, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    register(site)
    if engine == "is not known":
        monkeypatch.delenv("TEMPORAL_ADDRESS")
    shown = backout(site, "release", "show", "chat", "r2")
    assert shown.exit_code == 0
    assert shown.stdout.startswith("chat/r2\n")
    for text in (f"chat-8b {DIGEST}", "5 % after 1h", "none is known", BY, "none to be seen: "):
        assert text in shown.stdout
    assert isinstance(backout(site, "release", "show", "chat", "r9").exception, ReleaseUnknown)


def test_a_watch_that_cannot_be_started_is_no_success(site: Path) -> None:
    register(site)
    done = backout(site, "release", "watch", "chat", "r2")
    assert done.exit_code == 1
    assert "The workflow engine did not answer" in str(done.exception)
    assert isinstance(backout(site, "release", "watch", "chat", "r9").exception, ReleaseUnknown)


def test_a_baseline_is_named_and_later_releases_are_held_against_it(site: Path) -> None:
    done = backout(site, "release", "baseline", "chat", "r0", "--why", "a quiet week")
    assert done.stdout.startswith("r0 is the last known good release of chat.")
    backout(site, "release", "baseline", "chat", "r1", "--why", "a better week")
    record = told(backout(site, "release", "baseline", "chat", "--json"))
    assert [(one["release"], one["why"], one["by"]) for one in record] == [
        ("r1", "a better week", BY),
        ("r0", "a quiet week", BY),
    ]
    assert ", against baseline r1; " in register(site).stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("chat", "r1"), "give the reason with --why"),
        (("chat", "r1", "--why", " "), "give the reason with --why"),
        (("chat", "--why", "good"), "there is a reason, but no release"),
    ],
)
def test_a_baseline_needs_a_release_and_a_reason(site: Path, words: tuple[str, ...], said: str) -> None:
    done = backout(site, "release", "baseline", *words)
    assert done.exit_code == 2
    assert said in done.output


def test_a_baseline_of_nothing_known_is_refused(site: Path) -> None:
    unknown = backout(site, "release", "baseline", "chta", "r1", "--why", "good").exception
    assert isinstance(unknown, UnknownName)
    assert str(unknown) == "Unknown service 'chta'. Known: chat."
    assert isinstance(backout(site, "release", "baseline", "chta").exception, UnknownName)
    done = backout(site, "release", "baseline", "chat", "no good", "--why", "good")
    assert isinstance(done.exception, InvalidDocument)


def test_a_retired_release_stays_on_record_with_who_and_why(site: Path) -> None:
    register(site)
    done = backout(site, "release", "retire", "chat", "r2", "--why", "replaced by r3")
    assert done.stdout.startswith("chat/r2 is retired; its watch waits until the gateway tells the engine")
    (record,) = releases(site)
    assert record["retired_why"] == f"{BY}: replaced by r3"
    assert register(site).stdout == (
        f"chat/r2 is registered already; retired, so nothing watches it ({BY}: replaced by r3)\n"
    )
    blank = backout(site, "release", "retire", "chat", "r2", "--why", " ")
    assert blank.exit_code == 2
    assert isinstance(
        backout(site, "release", "retire", "chat", "r9", "--why", "x").exception, ReleaseUnknown
    )


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


def test_commands_write_where_the_gateway_reads(site: Path) -> None:
    register(site)

    async def look() -> str:
        async with wiring.open_adapters(read_site(site, {})) as adapters:
            record = await adapters.registry().release(service="chat", release="r2")
        assert record
        return record.registration.owner

    assert asyncio.run(look()) == "team chat"
