"""`backout release register`, `list`, `show` and `watch`: what is told of releases."""

from __future__ import annotations

import asyncio
import json
from getpass import getuser
from pathlib import Path

import pytest

import wiring
from backout.errors import (
    EngineUnnamed,
    FileUnreadable,
    InvalidDocument,
    LoginUnknown,
    RegistrationRefused,
    ReleaseDiffers,
    ReleaseUnknown,
)
from deployment import read_site
from tests.unit.released import (
    BY,
    DIGEST,
    KINDS,
    REGISTRATION,
    backout,
    register,
    releases,
    told,
    written_site,
)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return written_site(tmp_path, monkeypatch)


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


def test_commands_write_where_the_gateway_reads(site: Path) -> None:
    register(site)

    async def look() -> str:
        async with wiring.open_adapters(read_site(site, {})) as adapters:
            record = await adapters.registry().release(service="chat", release="r2")
        assert record
        return record.registration.owner

    assert asyncio.run(look()) == "team chat"
