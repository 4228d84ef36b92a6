"""`backout release frozen`, `quarantined`, `quarantine` and `lift`: what people ask and decide."""

from __future__ import annotations

from getpass import getuser
from pathlib import Path

import pytest

from backout.errors import (
    ActionRefused,
    InvalidDocument,
    NothingQuarantined,
    ReleaseInQuarantine,
    UnknownName,
)
from tests.unit.released import DIGEST, REGISTRATION, backout, register, told, written_site

WHY = ("--why", "bad answers")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return written_site(tmp_path, monkeypatch)


def quarantine(site: Path, release: str = "chat/r2") -> None:
    done = backout(site, "release", "quarantine", release, *WHY)
    assert done.exit_code == 0, done.output


def strip_of_lift(site: Path) -> None:
    """Let nobody lift."""
    file = site.parent / "my-playbooks" / "conversational-agent.yaml"
    text = file.read_text()
    assert ", lift" in text
    file.write_text(text.replace(", lift", ""))


def test_a_release_that_is_quarantined_by_hand_is_listed_with_its_artifacts(site: Path) -> None:
    register(site)
    quarantine(site)
    (kept,) = told(backout(site, "release", "quarantined", "--json"))
    assert (kept["service"], kept["release"], kept["incident"]) == ("chat", "r2", "incident/chat/r2")
    assert {one["kind"] for one in kept["artifacts"]} == {"model", "prompt", "config", "index", "guardrail"}
    assert kept["why"] == f"{getuser()} (incident_commander, via cli:{getuser()}): bad answers"
    table = backout(site, "release", "quarantined", "chat").stdout
    assert f"model chat-8b {DIGEST}" in table
    assert backout(site, "release", "quarantined", "search").stdout == "Nothing is quarantined.\n"


def test_who_quarantines_what_is_quarantined_already_is_told_so_and_since_when_by_whom(site: Path) -> None:
    quarantine(site)
    (kept,) = told(backout(site, "release", "quarantined", "--json"))
    since = kept["at"].replace("T", " ").partition(".")[0]
    again = backout(site, "release", "quarantine", "chat/r2", "--why", "worse answers")
    assert again.exit_code == 0, again.output
    assert again.stdout == (
        f"chat/r2 was quarantined already, since {since} UTC by incident chat/r2 ({kept['why']}): "
        "its name alone\nNothing was changed. To quarantine it as it is known now, lift that one first.\n"
    )
    assert told(backout(site, "release", "quarantine", "chat/r2", *WHY, "--json"))["before"] == kept
    assert told(backout(site, "release", "quarantined", "--json")) == [kept]


def test_what_the_last_known_good_release_shares_is_left_free(site: Path) -> None:
    other = "sha256:" + "ef" * 32
    (site.parent / "r1.yaml").write_text(
        REGISTRATION.replace("release: r2", "release: r1").replace(
            f"name: chat-8b, digest: {DIGEST}", f"name: chat-8b, digest: {other}"
        )
    )
    (site.parent / "r2.yaml").write_text(
        REGISTRATION.replace(
            f"name: chat-8b, digest: {DIGEST}", f"name: chat-8b, digest: {other.replace('ef', 'aa')}"
        )
    )
    register(site)
    assert backout(site, "release", "register", str(site.parent / "r1.yaml")).exit_code == 0
    found = told(backout(site, "release", "quarantine", "chat/r2", *WHY, "--json"))
    assert [one["kind"] for one in found["artifacts"]] == ["model", "prompt", "config", "index", "guardrail"]
    assert backout(site, "release", "lift", "chat/r2", *WHY).exit_code == 0
    named = backout(site, "release", "baseline", "chat/r1", "--why", "a quiet week")
    assert named.exit_code == 0, named.output
    done = backout(site, "release", "quarantine", "chat/r2", *WHY)
    assert f"must not be released again: model chat-8b {other.replace('ef', 'aa')}\n" in done.stdout
    assert f"left free, as r1 has it too: prompt system {DIGEST}" in done.stdout


def test_a_quarantined_release_and_a_copy_of_it_are_refused_until_it_is_lifted(site: Path) -> None:
    register(site)
    quarantine(site)
    refused = register(site)
    assert (refused.exit_code, type(refused.exception)) == (1, ReleaseInQuarantine)
    copy = site.parent / "copy.yaml"
    copy.write_text(REGISTRATION.replace("release: r2", "release: copy"))
    for words in ((), ("--during-incident", "it is urgent")):
        refused = backout(site, "release", "register", str(copy), *words)
        assert isinstance(refused.exception, ReleaseInQuarantine)
        assert f"model chat-8b {DIGEST}, prompt" in str(refused.exception)
    lifted = backout(site, "release", "lift", "chat", "r2", "--why", "the evaluation was wrong")
    assert lifted.stdout.startswith("chat/r2 may be released again; on record: ")
    assert backout(site, "release", "register", str(copy)).exit_code == 0


def test_what_is_lifted_is_told_with_who_why_and_when(site: Path) -> None:
    quarantine(site)
    (lifted,) = told(backout(site, "release", "lift", "chat/r2", "--why", " fixed ", "--json"))
    assert (lifted["release"], lifted["lifted_why"]) == ("r2", "fixed")
    assert f"via cli:{getuser()}" in lifted["lifted_by"]
    assert lifted["lifted_at"] > lifted["at"]


def test_who_has_no_right_to_lift_is_told_who_has(site: Path) -> None:
    quarantine(site)
    text = site.read_text()
    mine = "[on_call, incident_commander, product_owner, ml_platform]"
    assert mine in text
    site.write_text(text.replace(mine, "[on_call, product_owner, ml_platform]"))
    refused = backout(site, "release", "lift", "chat/r2", *WHY)
    assert isinstance(refused.exception, ActionRefused)
    assert str(refused.exception) == (
        "only incident_commander may lift for chat (A colleague of mine); the roles of "
        f"{getuser()} are: on_call, product_owner, ml_platform"
    )
    assert len(told(backout(site, "release", "quarantined", "--json"))) == 1


def test_where_no_role_may_lift_the_playbook_is_to_be_mended(site: Path) -> None:
    strip_of_lift(site)
    refused = backout(site, "release", "lift", "chat/r2", *WHY)
    said = "no role of the playbooks of chat may lift: give one the right, under 'roles'"
    assert str(refused.exception) == said
    assert isinstance(backout(site, "release", "quarantine", "chat/r2", *WHY).exception, ActionRefused)


@pytest.mark.parametrize("command", ["lift", "quarantine"])
def test_a_reason_and_a_known_service_are_needed(site: Path, command: str) -> None:
    assert backout(site, "release", command, "chat/r2").exit_code == 2
    assert backout(site, "release", command, "chat/r2", "--why", " ").exit_code == 2
    unknown = backout(site, "release", command, "caht/r2", *WHY)
    assert isinstance(unknown.exception, UnknownName)
    assert "Known: chat" in str(unknown.exception)


def test_what_is_not_quarantined_is_not_lifted(site: Path) -> None:
    assert isinstance(backout(site, "release", "lift", "chat/r2", *WHY).exception, NothingQuarantined)


def test_a_freeze_that_nobody_can_tell_of_is_no_leave(site: Path) -> None:
    done = backout(site, "release", "frozen", "chat")
    assert "Count it as frozen" in str(done.exception)
    assert not done.stdout


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        (("caht",), UnknownName, "Known: chat"),
        (("chat", "--digest", "md5:1"), InvalidDocument, "digest[0]: 'md5:1' does not fit"),
        (("chat", "--release", "../etc"), InvalidDocument, "release: '../etc' does not fit"),
    ],
)
def test_a_wrong_question_is_told_what_is_wrong(
    site: Path, words: tuple[str, ...], error: type[Exception], said: str
) -> None:
    done = backout(site, "release", "frozen", *words)
    assert done.exit_code == 1
    assert isinstance(done.exception, error)
    assert said in str(done.exception)
