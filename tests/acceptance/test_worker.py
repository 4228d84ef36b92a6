"""The worker and the gateway as processes of their own, as production runs them."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from temporalio.testing import WorkflowEnvironment

import wiring
import worker
from backout.errors import ActivityUnregistered
from cli.engine import find_binary
from deployment import load_deployment, read_site
from telemetry import Address, health_page
from tests.acceptance.collector import Collector
from tests.acceptance.running import PATIENCE_S, Up, backout, command, environment, get, post_alert, until

WORKER = [sys.executable, "-P", "-m", "worker"]
CLOSED = "127.0.0.1:1"


@contextmanager
def process(folder: Path, arguments: list[str], **env: str) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """Run a process in a folder, with its output in a file."""
    log = folder / "process.log"
    with log.open("wb") as output:
        one = subprocess.Popen(arguments, cwd=folder, env=environment(**env), stdout=output, stderr=output)
    try:
        yield one, log
    finally:
        one.kill()
        one.wait()


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(WORKER, id="the worker"),
        pytest.param(command("gateway", "--port", "0"), id="the gateway"),
    ],
)
def test_a_polite_signal_ends_it_with_exit_code_0(arguments: list[str], running: Up, site: Path) -> None:
    with process(site, arguments, TEMPORAL_ADDRESS=running.state.temporal) as (one, log):
        until(lambda: "Started" in log.read_text(), "it has started", log.read_text)
        one.send_signal(signal.SIGTERM)
        assert one.wait(PATIENCE_S) == 0, log.read_text()
        assert log.read_text().splitlines()[-1].endswith("Stopped")


def test_without_temporal_the_worker_says_so_and_exits_with_3(site: Path) -> None:
    done = subprocess.run(
        WORKER,
        cwd=site,
        env=environment(TEMPORAL_ADDRESS=CLOSED),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert f"Temporal at {CLOSED} did not answer" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_site_that_is_wrong_stops_the_worker_with_every_problem(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(site)
    text = Path("site.yaml").read_text()
    Path("site.yaml").write_text(
        text.replace("kind: terminal", "kind: telegraph").replace("timeout: 2s", "timeout: 2")
    )
    assert worker.main(["--site", "site.yaml"]) == 1


def test_without_temporal_the_gateway_still_keeps_what_it_hears(site: Path) -> None:
    arguments = command("gateway", "--port", "0")
    with process(site, arguments, TEMPORAL_ADDRESS=CLOSED) as (_, log):
        until(lambda: "listens=" in log.read_text(), "the gateway listens", log.read_text)
        found = re.search(r"listens=(\S+)", log.read_text())
        assert found
        gateway = f"http://{found[1]}"
        assert get(f"{gateway}/healthz").status_code == 503
        assert post_alert(site, gateway).status_code == 202
        assert "ErrorsHigh (firing)" in backout(site, "alerts", "pending").stdout


def test_one_trace_leads_from_the_alert_through_the_workflow_to_its_activities(
    incident: str, collector: Collector
) -> None:
    assert incident
    wanted = {
        ("backout-gateway", "alert received"),
        ("backout-gateway", "alert delivered"),
        ("backout-worker", "HandleSignal:alert"),
        ("backout-worker", "RunActivity:publish_timeline"),
    }
    found = collector.of_trace
    until(
        lambda: wanted <= found("RunActivity:publish_timeline"),
        f"{wanted} in one trace; there is",
        lambda: str(found("RunActivity:publish_timeline")),
    )


async def test_an_activity_that_is_not_registered_stops_the_worker_and_is_named(site: Path) -> None:
    deployment = load_deployment(read_site(site / "site.yaml", {}))
    async with wiring.open_activities(deployment, ui="") as activities:
        worker.check_registered(activities)
        without = [activity for activity in activities if activity.__name__ != "set_exposure"]
        with pytest.raises(ActivityUnregistered, match=r"ExposureActivities\.set_exposure"):
            worker.check_registered(without)


async def test_the_worker_is_well_only_while_it_runs_and_temporal_answers(site: Path) -> None:
    deployment = load_deployment(read_site(site / "site.yaml", {}))
    engine = await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(find_binary()), dev_server_log_level="error"
    )
    async with AsyncExitStack() as stack:
        stack.push_async_callback(engine.shutdown)  # A second time it does nothing.
        client = await wiring.connect({"target_host": engine.client.service_client.config.target_host})
        activities = await stack.enter_async_context(wiring.open_activities(deployment, ui=""))
        one = worker.build_worker(client, activities)
        page = health_page(Address(host="127.0.0.1", port=0), lambda: worker.health(client, one))
        at = await stack.enter_async_context(page)
        await _says(at, (503, "stopped", "reachable"))
        async with one:
            await _says(at, (200, "running", "reachable"))
            await engine.shutdown()
            await _says(at, (503, "running", "unreachable"))


async def _says(at: Address, wanted: tuple[int, str, str]) -> None:
    """Wait until the page says so."""
    async with asyncio.timeout(PATIENCE_S), httpx.AsyncClient(trust_env=False, timeout=PATIENCE_S) as http:
        while True:
            answer = await http.get(f"http://{at}/healthz")
            if (answer.status_code, answer.json()["worker"], answer.json()["temporal"]) == wanted:
                return
            await asyncio.sleep(0.02)
