"""The doctor reads every target for the release that it is asked for: the candidate, or the baseline."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import wiring
from backout.releases import BaselineRecord
from deployment import read_site
from tests.unit.doctored import FLAGS, change, look, rewrite, said, write_site

ASIDE = """\
targets:
  chat-capacity: {kind: flagd-file, path: flags.json, flag: capacity, baseline: idle}
  strict: {kind: flagd-file, path: flags.json, flag: strict, baseline: known-good}
"""


def shared(flag: str, release: str, other: str) -> dict[str, Any]:
    """Return a flag of which 40 % are at a release."""
    rule = {"fractional": [[release, 40], [other, 60]]}
    variants = {release: release, other: other}
    return {flag: {"state": "ENABLED", "variants": variants, "defaultVariant": other, "targeting": rule}}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return a site with two more targets."""
    file = write_site(tmp_path)
    flags = {**FLAGS["flags"], **shared("capacity", "r1", "idle"), **shared("strict", "r2", "known-good")}
    (tmp_path / "flags.json").write_text(json.dumps({"flags": flags}))
    change(file, "targets:\n", ASIDE)
    return file


def use(site: Path) -> None:
    """Have the playbook ready the one, and offer the other in the revert's place."""

    def revert(step: dict[str, Any]) -> dict[str, Any]:
        if step["step"] != "revert":
            return step
        milder = {"name": "strict", "about": "the strict one", "targets": [{"target": "strict"}]}
        return {
            **step,
            "capacity": {"target": "chat-capacity", "within": "1m"},
            "alternatives": [milder],
        }

    rewrite(site, lambda playbook: {**playbook, "steps": [revert(step) for step in playbook["steps"]]})


async def test_capacity_is_read_for_the_baseline_and_a_milder_answer_for_the_candidate(site: Path) -> None:
    use(site)
    unnamed = await look(site, release="r2")
    assert said(unnamed, "target chat-capacity") == [
        "warn: It is asked for the last known good release. Name that with 'backout release baseline'."
    ]
    async with wiring.open_adapters(read_site(site, {})) as adapters:
        named = BaselineRecord(service="chat", release="r1", by="ann", why="quiet", at=datetime.now(UTC))
        await adapters.registry().name_baseline(baseline=named)
    report = await look(site, release="r2")
    assert said(report, "target chat-capacity") == ["ok: r1 has 40 % of its capacity"]
    assert said(report, "target strict")[0] == "ok: 40 % of traffic is on r2"
    assert "warn: No playbook changes it." not in said(report, "target strict")


async def test_a_target_that_no_playbook_changes_is_a_warning(site: Path) -> None:
    report = await look(site, release="r2")
    assert "warn: No playbook changes it." in said(report, "target strict")
