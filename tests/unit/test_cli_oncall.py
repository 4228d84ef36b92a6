"""`backout oncall`, and the doctor on rotas: who is on call, who takes over, and what cannot be asked."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from backout.errors import UnknownName
from cli.main import app
from tests.unit.doctored import look, said, write_site

ROTAS = """\
rotas:
  primary:
    kind: weekly
    people: [me, colleague]
    start: 2026-03-23
    handover: "09:00"
    zone: Europe/Berlin
    overrides: [{person: colleague, start: 2026-03-25T08:00:00Z, end: 2026-03-25T20:00:00Z}]
  secondary: {kind: weekly, people: [colleague], start: 2026-03-23, handover: "09:00", zone: UTC}
  later: {kind: weekly, people: [me], start: 2190-01-01, handover: "09:00", zone: UTC}
"""
DOWN = """\
  elsewhere: {kind: opsgenie, schedule: s, token: {env: GENIE}, timeout: 1s, url: "http://127.0.0.1:9"}
"""
BEFORE_SUMMER_TIME = "2026-03-28T12:00:00Z"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return a site file with three rotas, whose people are called by name."""
    site = write_site(tmp_path)
    named = re.sub(r"(  me:\n    name: ).*", r"\1Ann\n    email: ann@example.com", site.read_text())
    site.write_text(named.replace("name: A colleague of mine", "name: Ben"))
    return with_rotas(site, ROTAS)


def with_rotas(site: Path, text: str) -> Path:
    """Add to the end of a site file."""
    site.write_text(site.read_text() + text)
    return site


def backout(site: Path, *words: str) -> Result:
    return CliRunner(env={"GENIE": "key"}).invoke(app, ["oncall", *words, "--site", str(site)])


def table(result: Result) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.split("  ") if cell.strip()] for line in result.stdout.splitlines()
    ]


def test_it_shows_who_is_on_call_and_who_takes_over_when_on_the_spot(site: Path) -> None:
    result = backout(site, "--at", BEFORE_SUMMER_TIME)
    assert result.exit_code == 0
    assert table(result) == [
        ["Rota", "Kind", "On call", "Then"],
        ["primary", "weekly", "Ann", "Ben, Mon 2026-03-30 09:00 CEST"],
        ["secondary", "weekly", "Ben", "-"],
        ["later", "weekly", "nobody", "Ann, Fri 2190-01-01 09:00 UTC"],
    ]


def test_one_rota_can_be_asked_for_alone_at_any_moment_and_as_json(site: Path) -> None:
    (told,) = json.loads(backout(site, "primary", "--at", "2026-03-25T12:00:00+01:00", "--json").stdout)
    assert told == {
        "rota": "primary",
        "kind": "weekly",
        "at": "2026-03-25T12:00:00+01:00",
        "people": ["colleague"],
        "names": ["Ben"],
        "next": {"at": "2026-03-25T20:00:00Z", "person": "me"},
        "error": "",
    }


def test_without_a_moment_it_is_now(site: Path) -> None:
    (told,) = json.loads(backout(site, "secondary", "--json").stdout)
    assert told["names"] == ["Ben"]


def test_a_rota_that_cannot_be_asked_hides_no_other_and_is_a_failure(site: Path) -> None:
    with_rotas(site, DOWN)
    result = backout(site)
    assert result.exit_code == 1
    assert [row[0] for row in table(result)] == ["Rota", "primary", "secondary", "later", "elsewhere"]
    assert "cannot be asked: Opsgenie schedule s did not answer" in result.stdout


def test_an_unknown_rota_lists_the_known_ones(site: Path) -> None:
    result = backout(site, "tertiary")
    assert isinstance(result.exception, UnknownName)
    assert str(result.exception) == "Unknown rota 'tertiary'. Known: later, primary, secondary."


@pytest.mark.parametrize("moment", ["tomorrow", "2026-03-25", "2026-03-25T12:00:00", "9999-01-01T00:00:00Z"])
def test_a_moment_that_is_none_is_refused(site: Path, moment: str) -> None:
    result = backout(site, "--at", moment)
    assert result.exit_code == 2
    assert "2026-01-05T09:00:00Z" in result.stderr or "has no zone" in result.stderr


def test_a_site_without_rotas_says_so(tmp_path: Path) -> None:
    assert backout(write_site(tmp_path)).stdout == "The site file names no rotas.\n"


async def test_the_doctor_asks_every_rota_who_is_on_call_now(site: Path) -> None:
    report = await look(with_rotas(site, DOWN), release=None, environ={"GENIE": "key"})
    assert said(report, "rota primary")[0].startswith("ok: on call now: ")
    assert said(report, "rota secondary") == ["ok: on call now: Ben; then: -"]
    assert said(report, "rota later")[0].startswith("warn: Nobody is on call now; then: Ann, Fri 2190")
    assert said(report, "rota elsewhere")[0].startswith("fail: Opsgenie schedule s did not answer")
    assert not report.is_well


async def test_a_rota_whose_token_is_missing_fails_for_itself_alone(site: Path) -> None:
    report = await look(with_rotas(site, DOWN), release=None)
    assert said(report, "rota elsewhere")[0].startswith(
        "fail: Secret in environment variable GENIE is not set"
    )
    assert said(report, "rota secondary")[0].startswith("ok")
