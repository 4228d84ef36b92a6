"""`backout release baseline` and `retire`: what people put on a release's record, and how they name it."""

from __future__ import annotations

from pathlib import Path

import pytest

from backout.errors import InvalidDocument, ReleaseUnknown, UnknownName
from tests.unit.released import BY, backout, register, releases, told, written_site


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return written_site(tmp_path, monkeypatch)


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


@pytest.mark.parametrize("words", [("chat/r2",), ("chat", "r2")], ids=["one word", "two words"])
def test_a_release_is_named_by_one_word_or_by_two(site: Path, words: tuple[str, ...]) -> None:
    register(site)
    assert backout(site, "release", "show", *words).stdout.startswith("chat/r2\n")
    assert "The workflow engine did not answer" in str(backout(site, "release", "watch", *words).exception)
    assert backout(site, "release", "baseline", *words, "--why", "good").stdout.startswith("r2 is the last")
    assert backout(site, "release", "retire", *words, "--why", "done").stdout.startswith("chat/r2 is retired")


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("chat",), "'chat' is no release; write it as SERVICE/RELEASE, such as 'chat/r2'"),
        (("chat/",), "'chat/' is no release; write it as SERVICE/RELEASE, such as 'chat/r2'"),
        (("/r2",), "'/r2' is no release; write it as SERVICE/RELEASE, such as 'chat/r2'"),
        (("chat/r2", "r3"), "'chat/r2 r3' is no release"),
    ],
    ids=["a service", "a service and a slash", "no service", "two releases"],
)
@pytest.mark.parametrize("act", [("show",), ("watch",), ("retire", "--why", "done")], ids=lambda act: act[0])
def test_what_names_no_release_is_refused_with_how_to_write_it(
    site: Path, act: tuple[str, ...], words: tuple[str, ...], hint: str
) -> None:
    done = backout(site, "release", *act, *words)
    assert done.exit_code == 2
    assert hint in " ".join(done.output.replace("│", " ").split())
