"""Who may name the last known good release, and which release that cannot be."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from backout.errors import ActionRefused, BaselineInQuarantine
from tests.unit.released import backout, register, told, written_site

WHY = ("--why", "a quiet week")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return written_site(tmp_path, monkeypatch)


def without_right(playbook: Path) -> str:
    return re.sub(r",\s+baseline\]", "]", playbook.read_text(encoding="utf-8"))


def give_right_to(site: Path, role: str) -> None:
    """Let this role alone name baselines."""
    (playbook,) = (site.parent / "my-playbooks").glob("conversational-agent.yaml")
    text = without_right(playbook)
    head, found, rest = text.partition(f"\n  {role}:\n")
    assert found
    playbook.write_text(head + found + rest.replace("may: [", "may: [baseline, ", 1), encoding="utf-8")


def record(site: Path) -> list[str]:
    return [one["release"] for one in told(backout(site, "release", "baseline", "chat", "--json"))]


def test_a_baseline_is_named_by_whoever_has_the_right_and_by_nobody_else(site: Path) -> None:
    give_right_to(site, "safety_lead")
    refused = backout(site, "release", "baseline", "chat/r1", *WHY).exception
    assert isinstance(refused, ActionRefused)
    assert str(refused).startswith("only safety_lead may baseline for chat (A colleague of mine)")
    assert record(site) == []
    give_right_to(site, "on_call")
    backout(site, "release", "baseline", "chat/r1", *WHY)
    assert record(site) == ["r1"]


def test_where_no_role_has_the_right_everybody_in_the_directory_may(site: Path) -> None:
    (playbook,) = (site.parent / "my-playbooks").glob("conversational-agent.yaml")
    playbook.write_text(without_right(playbook), encoding="utf-8")
    backout(site, "release", "baseline", "chat/r1", *WHY)
    assert record(site) == ["r1"]


def test_a_quarantined_release_and_a_copy_of_it_are_no_baseline(site: Path) -> None:
    register(site)
    copy = site.parent / "r3.yaml"
    copy.write_text((site.parent / "r2.yaml").read_text().replace("release: r2", "release: r3"))
    assert backout(site, "release", "register", str(copy)).exit_code == 0
    backout(site, "release", "quarantine", "chat/r2", "--why", "unsafe answers")
    for name in ("r2", "r3"):
        refused = backout(site, "release", "baseline", f"chat/{name}", *WHY).exception
        assert isinstance(refused, BaselineInQuarantine)
        assert "chat/r2 is quarantined since 20" in str(refused)
    assert record(site) == []
    backout(site, "release", "lift", "chat/r2", "--why", "a mistake")
    assert backout(site, "release", "baseline", "chat/r2", *WHY).exit_code == 0
    assert record(site) == ["r2"]


def test_an_unregistered_release_is_named_with_a_warning(site: Path) -> None:
    done = backout(site, "release", "baseline", "chat/r1", *WHY)
    assert "It is not registered, so nobody knows its artifacts and their digests." in done.stdout
    register(site)
    known = backout(site, "release", "baseline", "chat/r2", *WHY)
    assert "not registered" not in known.stdout
