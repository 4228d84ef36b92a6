"""Child processes: kept running, stopped politely or not, never left behind; and where they listen."""

from __future__ import annotations

import asyncio
import fcntl
import os
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from backout.errors import AddressTaken, AlreadyRunning, FileUnreadable, PartFailed
from cli.places import choose_places, environment_of_parts, without_temporal
from cli.processes import Child, describe_exit
from cli.state import UpState, claimed, read_state, write_state
from telemetry import Address, Settings

SLEEP = "import time; print('here', flush=True); time.sleep(60)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"
FREE = Settings.read({"BACKOUT_WORKER_HEALTH": "127.0.0.1:0", "BACKOUT_METRICS": "127.0.0.1:0"})
ANYWHERE = Address(host="127.0.0.1", port=0)
IP_LOCAL_PORT_RANGE = 51
"""Linux's option that says among which ports a socket's is chosen; Python has no name for it."""


def child(code: str, tmp_path: Path) -> Child:
    """Return a Python process with its output in a file."""
    return Child("part", [sys.executable, "-I", "-c", code], env=dict(os.environ), log=tmp_path / "log")


async def begun(one: Child, tmp_path: Path) -> None:
    """Start a process and wait for its first word."""

    async def has_spoken() -> bool:
        return "here" in (tmp_path / "log").read_text()

    await one.start()
    await one.until(has_spoken, hint="")


async def test_a_child_is_started_again_whenever_it_ends(tmp_path: Path) -> None:
    news: list[str] = []
    again = asyncio.Event()

    def say(what: str) -> None:
        news.append(what)
        if "again (process" in what:
            again.set()

    one = child(SLEEP, tmp_path)
    await begun(one, tmp_path)
    first = one.pid
    keeping = asyncio.create_task(one.keep(say))
    os.kill(first, 9)
    await again.wait()
    keeping.cancel()
    assert news[0] == "part ended (killed by signal 9); starting it again in 0.5 s"
    assert one.running
    assert one.pid not in {0, first}
    await one.stop(grace_s=10)


async def test_a_child_that_ends_when_asked_is_not_killed(tmp_path: Path) -> None:
    one = child(SLEEP, tmp_path)
    await begun(one, tmp_path)
    assert await one.stop(grace_s=30)
    assert not one.running


async def test_a_child_that_does_not_listen_is_killed_after_the_grace(tmp_path: Path) -> None:
    one = child(DEAF, tmp_path)
    await begun(one, tmp_path)
    assert not await one.stop(grace_s=0.1)
    assert not one.running


async def test_a_child_that_ends_before_it_is_ready_is_named_with_its_exit_code(tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    one = child("raise SystemExit(7)", tmp_path)
    await one.start()
    with pytest.raises(PartFailed, match=r"The part did not start: exit code 7\. See the log\."):
        await one.until(never, hint="See the log.")


def test_a_child_without_its_parent_does_not_start() -> None:
    leash = Path(__file__).resolve().parents[2] / "cli" / "leash.py"
    orphan = [sys.executable, "-I", "-S", str(leash), "1", sys.executable, "-c", "print('here')"]
    done = subprocess.run(orphan, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "was not started" in done.stderr
    assert not done.stdout


def test_exit_codes_are_put_into_words() -> None:
    assert describe_exit(3) == "exit code 3"
    assert describe_exit(-15) == "killed by signal 15"


def test_port_0_becomes_a_free_port_for_each_part() -> None:
    places = choose_places(port=0, ui_port=0, gateway=ANYWHERE, settings=FREE)
    ports = [getattr(places, name).port for name in type(places).model_fields]
    assert 0 not in ports
    assert len(set(ports)) == len(ports)


def test_a_port_that_was_chosen_is_given_to_nobody_else_before_its_part_listens() -> None:
    places = choose_places(port=0, ui_port=0, gateway=ANYWHERE, settings=FREE)
    for name in type(places).model_fields:
        port = getattr(places, name).port
        with socket.socket() as other:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                other.setsockopt(socket.IPPROTO_IP, IP_LOCAL_PORT_RANGE, struct.pack("I", port << 16 | port))
            except OSError:
                pytest.skip("this kernel cannot be asked for a port among few")
            with pytest.raises(OSError, match="in use"):
                other.bind(("127.0.0.1", 0))
        socket.create_server(("127.0.0.1", port)).close()


def test_a_port_that_is_taken_names_the_part_and_its_remedy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = Address(host="127.0.0.1", port=other.getsockname()[1])
        with pytest.raises(AddressTaken, match=rf"The gateway cannot listen on {taken}: .*gateway\.port"):
            choose_places(port=0, ui_port=0, gateway=taken, settings=FREE)


def test_parts_know_the_embedded_engine_and_no_other() -> None:
    places = choose_places(port=0, ui_port=0, gateway=ANYWHERE, settings=FREE)
    ours = {"PATH": "/bin", "TEMPORAL_ADDRESS": "cloud:7233", "TEMPORAL_API_KEY": "k", "PYTHONPATH": "/mine"}
    env = environment_of_parts(ours, places, ui="")
    assert env["TEMPORAL_ADDRESS"] == str(places.temporal)
    assert "TEMPORAL_API_KEY" not in env
    assert env["TEMPORAL_CONFIG_FILE"] == os.devnull
    assert env["BACKOUT_UI"] == f"http://{places.ui}"
    assert env["PYTHONPATH"].endswith(":/mine")
    assert env["PATH"] == "/bin"
    assert environment_of_parts(ours, places, ui="https://ui")["BACKOUT_UI"] == "https://ui"
    assert without_temporal(ours).get("TEMPORAL_ADDRESS") is None


def state() -> UpState:
    """Return where everything would be."""
    return UpState(
        pid=1,
        site="",
        temporal="127.0.0.1:1",
        namespace="",
        ui="",
        gateway="",
        worker="",
        metrics="",
        pids={},
    )


def test_the_state_is_read_while_its_folder_is_held_and_not_afterwards(tmp_path: Path) -> None:
    folder = tmp_path / ".backout"
    assert read_state(folder) is None
    with claimed(folder):
        assert read_state(folder) is None
        write_state(folder, state())
        assert read_state(folder) == state()
    assert read_state(folder) is None


def test_the_state_of_a_killed_run_is_not_believed(tmp_path: Path) -> None:
    with claimed(tmp_path):
        pass
    write_state(tmp_path, state())
    assert read_state(tmp_path) is None
    with claimed(tmp_path):
        assert read_state(tmp_path) is None


def test_a_reader_does_not_keep_the_folder_from_being_held(tmp_path: Path) -> None:
    with claimed(tmp_path):
        pass
    with (tmp_path / "up.lock").open() as reader:
        fcntl.flock(reader, fcntl.LOCK_SH)
        threading.Timer(0.3, reader.close).start()
        with claimed(tmp_path):
            assert (tmp_path / "up.lock").read_text() == str(os.getpid())


def test_a_state_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(FileUnreadable, match=r"The state folder .*file.* --state"),
        claimed(tmp_path / "file"),
    ):
        pass


def test_one_folder_is_held_once(tmp_path: Path) -> None:
    with (
        claimed(tmp_path),
        pytest.raises(AlreadyRunning, match=rf"process {os.getpid()}\)"),
        claimed(tmp_path),
    ):
        pass


def test_the_state_folder_is_ours_alone(tmp_path: Path) -> None:
    with claimed(tmp_path / ".backout"):
        assert (tmp_path / ".backout").stat().st_mode & 0o777 == 0o700
