"""`backout release` over a real engine."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from temporalio.client import Client, WorkflowExecutionStatus
from typer.testing import CliRunner

from cli.main import app
from gateway.watches import Watches
from tests.gateway.registered import starter_site
from tests.gateway.running import eventually


@pytest.fixture
def site(tmp_path: Path, client: Client, monkeypatch: pytest.MonkeyPatch) -> Path:
    return starter_site(tmp_path, client, monkeypatch, "r2")


async def backout(site: Path, *words: str) -> str:
    """Run a command beside the test's own loop, and return what it prints."""
    place = ["--site", str(site), "--state", str(site.parent)]
    done = await asyncio.to_thread(CliRunner().invoke, app, ["release", *words, *place])
    assert done.exit_code == 0, done.output or done.exception
    return done.stdout


async def status_of(client: Client) -> WorkflowExecutionStatus | None:
    return (await client.get_workflow_handle("watch/chat/r2").describe()).status


async def test_a_release_that_is_registered_by_command_is_watched_until_it_is_retired(
    client: Client, worker: None, site: Path
) -> None:
    del worker
    file = str(site.parent / "r2.yaml")
    assert await backout(site, "register", file) == "chat/r2 is registered; its watch has started\n"
    assert await backout(site, "register", file) == "chat/r2 is registered already; it is watched\n"
    assert await status_of(client) is WorkflowExecutionStatus.RUNNING
    assert "waiting since 20" in await backout(site, "show", "chat", "r2")
    retired = await backout(site, "retire", "chat", "r2", "--why", "replaced")
    assert retired == "chat/r2 is retired; its watch has ended\n"

    async def has_ended() -> bool:
        return await status_of(client) is WorkflowExecutionStatus.COMPLETED

    await eventually(has_ended)
    assert "): replaced" in await backout(site, "show", "chat", "r2")
    assert "retired, so nothing watches it" in await backout(site, "watch", "chat", "r2")


async def test_a_watch_that_is_missing_is_started_by_command(
    client: Client, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as down:
        down.setenv("TEMPORAL_ADDRESS", "127.0.0.1:9")
        await backout(site, "register", str(site.parent / "r2.yaml"))
    assert await Watches(client=client).listing(limit=1) == ()
    assert await backout(site, "watch", "chat", "r2") == "chat/r2 is registered; its watch has started\n"
    assert await status_of(client) is WorkflowExecutionStatus.RUNNING
    assert await backout(site, "watch", "chat", "r2") == "chat/r2 is registered already; it is watched\n"
