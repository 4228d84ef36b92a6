"""`backout up`: starts everything, keeps it running, stops it cleanly, and goes on the next time."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client

from cli.state import read_state
from tests.acceptance.running import Up, backout, get, is_alive, is_well, until, up
from workflows import search_attributes


def test_up_runs_the_worker_and_the_gateway_and_says_where_they_are(running: Up) -> None:
    state = running.state
    until(lambda: is_well(state.worker), "the worker is well")
    until(lambda: is_well(state.gateway), "the gateway is well")
    assert get(state.ui).status_code == 200
    for address in (state.gateway, state.ui, state.worker):
        assert address in running.said


def test_the_worker_says_with_whom_it_works(running: Up) -> None:
    until(lambda: is_well(running.state.worker), "the worker is well")
    answer = get(f"{running.state.worker}/healthz").json()
    assert answer["address"] == running.state.temporal
    assert answer["task_queue"] == "backout"


def test_the_worker_shows_the_metrics_of_its_sdk(running: Up) -> None:
    assert "temporal_worker_start_total" in get(running.state.metrics).text


def test_everything_listens_on_loopback_only(running: Up) -> None:
    pids = {running.state.pid, *running.state.pids.values()}
    listening = _listening(pids)
    assert len(listening) >= 4
    assert set(listening.values()) == {"0100007F"}


async def test_the_engine_keeps_histories_for_90_days_and_finds_incidents_by_their_attributes(
    running: Up,
) -> None:
    client = await Client.connect(running.state.temporal)
    namespace = await client.workflow_service.describe_namespace(
        DescribeNamespaceRequest(namespace="default")
    )
    assert namespace.config.workflow_execution_retention_ttl.ToTimedelta().days == 90
    known = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace="default")
    )
    assert {key.name for key in search_attributes.ALL} <= set(known.custom_attributes)


def test_a_second_one_at_the_same_time_says_which_process_runs_already(running: Up) -> None:
    second = running.backout("up")
    assert second.returncode == 1
    assert f"running already on .backout (process {running.state.pid})" in second.stderr


def test_a_killed_part_is_started_again_and_that_is_said(running: Up) -> None:
    before = running.state.pids["worker"]
    os.kill(before, signal.SIGKILL)
    until(lambda: running.state.pids["worker"] not in {0, before}, "another worker")
    until(lambda: is_well(running.state.worker), "the worker is well again")
    assert "worker ended (killed by signal 9); starting it again in 0.5 s" in running.said


def test_ctrl_c_stops_everything_and_the_next_up_goes_on_with_the_open_incident(site: Path) -> None:
    with up(site) as first:
        assert first.post_alert().status_code == 202
        until(lambda: first.json("incidents", "list"), "the incident is open")
        before = first.json("incidents", "list")
        pids = first.state.pids.values()
        assert first.stop(signal.SIGINT) == 0, first.said
        assert not [pid for pid in pids if is_alive(pid)]
        assert read_state(site / ".backout") is None
    with up(site) as second:
        assert "1 open incident goes on" in second.said
        assert second.json("incidents", "list") == before
        assert second.json("incidents", "show")["summary"]["phase"] == "detect"
        _kill_and_see_nothing_left(second)


def _kill_and_see_nothing_left(running: Up) -> None:
    pids = running.state.pids.values()
    assert all(map(is_alive, pids))
    assert running.stop(signal.SIGKILL) == -signal.SIGKILL
    until(lambda: not any(map(is_alive, pids)), "a killed up takes its processes with it")
    assert read_state(running.folder / ".backout") is None


def test_a_port_that_is_taken_is_named_with_its_remedy(site: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = backout(site, "up", "--port", str(port), "--ui-port", "0")
    assert done.returncode == 1
    assert f"The engine cannot listen on 127.0.0.1:{port}: Address already in use" in done.stderr
    assert "choose another port with --port" in done.stderr
    assert not (site / ".backout" / "temporal.db").exists()


def test_without_a_site_file_it_says_how_to_get_one(tmp_path: Path) -> None:
    done = backout(tmp_path, "up")
    assert done.returncode == 1
    assert "backout init" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_secret_that_is_not_there_is_named_before_anything_starts(site: Path) -> None:
    (site / ".backout" / "alertmanager-token").unlink()
    done = backout(site, "up", "--port", "0", "--ui-port", "0")
    assert done.returncode == 1
    assert "Secret in file .backout/alertmanager-token is not set" in done.stderr
    assert not (site / ".backout" / "temporal.db").exists()


def _listening(pids: set[int]) -> dict[str, str]:
    """Return the local address of each listening TCP socket of these processes, by inode."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    rows += [line.split() for line in Path("/proc/net/tcp6").read_text().splitlines()[1:]]
    listening = {row[9]: row[1].partition(":")[0] for row in rows if row[3] == "0A"}
    links = {str(file.readlink()) for pid in pids for file in Path(f"/proc/{pid}/fd").iterdir()}
    ours = {link.removeprefix("socket:[").removesuffix("]") for link in links}
    return {inode: address for inode, address in listening.items() if inode in ours}
