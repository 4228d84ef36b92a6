"""The doctor runs the checks that only look; the others only where it is asked to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import wiring
from cli.doctor.report import Report
from cli.doctor.sources import Out
from cli.doctor.world import World
from deployment import load_deployment, read_site
from tests.unit.doctored import point, said, serving, write_site

CHECKS = """\
  marker: {kind: command, timeout: 5s, command: [/bin/touch, ran]}
  purged: {kind: purged, url: "%s/cache", timeout: 5s, age_below: 1m, purge: {url: "%s/purge", method: POST}}
  outputs:
    {kind: outputs, url: {env: DB}, timeout: 5s, ids: "SELECT 1", mark: "UPDATE o SET q = 1",
     left: "SELECT 1"}
  artifacts: {kind: digest, timeout: 5s, artifacts: [{artifact: model, path: model.bin}]}
"""


@pytest.fixture
def service() -> Iterator[str]:
    with serving() as address:
        yield address


@pytest.fixture
def site(tmp_path: Path, service: str) -> Path:
    """A site with checks that change something, none of which a playbook runs."""
    site = write_site(tmp_path)
    point(site, service)
    text = site.read_text()
    site.write_text(text.replace("checks:\n", f"checks:\n{CHECKS.replace('%s', service)}"))
    return site


async def look(site: Path, *, runs_checks: bool) -> Report:
    report, at = Report(), read_site(site, {"DB": "sqlite:///none.db"})
    playbooks = load_deployment(at).playbooks
    async with wiring.open_adapters(at) as adapters:
        world = World(
            report, adapters, at=at, playbooks=playbooks, out=Out(release="r2"), runs_checks=runs_checks
        )
        await world.look()
    return report


async def test_a_check_that_changes_something_is_not_run(site: Path, tmp_path: Path) -> None:
    report = await look(site, runs_checks=False)
    idle = "warn: No playbook runs it."
    assert said(report, "check marker") == [idle, "ok: not run, as it runs a command; --run-checks runs it"]
    assert said(report, "check purged") == [idle, "ok: not run, as it purges a cache; --run-checks runs it"]
    assert said(report, "check outputs") == [idle, "ok: not run, as it marks outputs; --run-checks runs it"]
    assert not (tmp_path / "ran").exists()
    assert said(report, "check prompt-cache-purged")[0].startswith("ok: passes for r2")


async def test_it_is_run_where_it_is_asked_for(site: Path, tmp_path: Path) -> None:
    report = await look(site, runs_checks=True)
    assert said(report, "check marker")[1] == "ok: passes for r2: /bin/touch ended with exit code 0"
    assert said(report, "check purged")[1].startswith("fail: check purged did not answer: POST")
    assert said(report, "check outputs")[1].startswith("fail: database sqlite:")
    assert (tmp_path / "ran").exists()


async def test_a_check_of_the_baseline_is_judged_by_the_baseline(site: Path) -> None:
    (idle, artifacts) = said(await look(site, runs_checks=False), "check artifacts")
    assert idle.startswith("warn")
    assert artifacts.startswith("warn: Does not pass")
    assert "no baseline is known here" in artifacts
