"""`backout release rollout` over a real engine."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from temporalio.client import Client, WorkflowExecutionStatus
from typer.testing import CliRunner, Result

from backout.errors import ReleaseUnknown, RolloutRefused
from cli.main import app
from tests.gateway.registered import starter_site


@pytest.fixture
def site(tmp_path: Path, client: Client, monkeypatch: pytest.MonkeyPatch) -> Path:
    return starter_site(tmp_path, client, monkeypatch, "r2")


async def backout(site: Path, *words: str) -> Result:
    """Run a command beside the test's own loop."""
    place = ["--site", str(site), "--state", str(site.parent)]
    return await asyncio.to_thread(CliRunner().invoke, app, ["release", *words, *place])


async def registered(site: Path) -> None:
    assert (await backout(site, "register", str(site.parent / "r2.yaml"))).exit_code == 0


async def test_it_begins_a_rollout_and_says_what_it_takes(client: Client, site: Path) -> None:
    await registered(site)
    done = await backout(site, "rollout", "chat/r2", "--why", "the prompt is mended")
    assert done.exit_code == 0, done.exception
    first, second, third = done.stdout.splitlines()
    assert first == (
        "rollout/chat/r2 has begun, by playbook conversational-agent version 4: 1 % -> 10 % -> 50 % -> 100 %"
    )
    assert second == (
        "Steps: before-the-first-user, rollout, verify, postmortem. "
        "Nothing goes up before 2 approvals from product_owner or safety_lead."
    )
    assert third == "See what it waits for with 'backout incidents show rollout/chat/r2'."
    status = (await client.get_workflow_handle("rollout/chat/r2").describe()).status
    assert status is WorkflowExecutionStatus.RUNNING


async def test_said_again_it_tells_that_the_rollout_runs_in_words_and_in_json(site: Path) -> None:
    await registered(site)
    await backout(site, "rollout", "chat", "r2")
    assert (await backout(site, "rollout", "chat", "r2")).stdout.startswith(
        "rollout/chat/r2 runs already, by"
    )
    told = json.loads((await backout(site, "rollout", "chat/r2", "--json")).stdout)
    assert (told["incident"], told["repeated"], told["stages"]) == ("rollout/chat/r2", True, [1, 10, 50, 100])


async def test_what_nobody_registered_does_not_go_up(site: Path) -> None:
    assert isinstance((await backout(site, "rollout", "chat/r2")).exception, ReleaseUnknown)


async def test_a_quarantined_release_is_refused_until_somebody_lifts_it(client: Client, site: Path) -> None:
    await registered(site)
    assert (await backout(site, "quarantine", "chat/r2", "--why", "it harms")).exit_code == 0
    refused = (await backout(site, "rollout", "chat/r2")).exception
    assert isinstance(refused, RolloutRefused)
    assert "backout release lift chat/r2 --why" in str(refused)
    assert (await backout(site, "lift", "chat/r2", "--why", "mended")).exit_code == 0
    assert (await backout(site, "rollout", "chat/r2", "--why", "again")).exit_code == 0
    status = (await client.get_workflow_handle("rollout/chat/r2").describe()).status
    assert status is WorkflowExecutionStatus.RUNNING
