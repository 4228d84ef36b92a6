"""A real `backout up` in a folder of its own, and the `backout` command beside it."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx

from cli.main import main
from cli.starter import write_starter
from cli.state import UpState, read_state

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 120


def environment(**more: str) -> dict[str, str]:
    """Return our environment, without what would lead to somebody's real system, and with free ports."""
    foreign = ("TEMPORAL_", "BACKOUT_", "OTEL_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return (
        kept
        | {
            "PYTHONPATH": str(ROOT),
            "TEMPORAL_CONFIG_FILE": os.devnull,
            "BACKOUT_WORKER_HEALTH": "127.0.0.1:0",
            "BACKOUT_METRICS": "127.0.0.1:0",
            "COLUMNS": "200",
        }
        | more
    )


def command(*arguments: str) -> list[str]:
    """Return the command line of `backout`."""
    return [sys.executable, "-P", "-m", "cli.main", *arguments]


@dataclass
class Done:
    """A command that came to its end."""

    returncode: int
    stdout: str
    stderr: str


def backout(folder: Path, *arguments: str, **env: str) -> Done:
    """Run one `backout` command to its end, in this process: a new one would spend a second on imports."""
    out, err = io.StringIO(), io.StringIO()
    told = (
        patch.object(sys, "argv", ["backout", *arguments]),
        patch.dict(os.environ, environment(**env), clear=True),
    )
    with (
        told[0],
        told[1],
        chdir(folder),
        redirect_stdout(out),
        redirect_stderr(err),
        ThreadPoolExecutor(1) as thread,
    ):
        # A thread of its own: a command runs its own event loop.
        code = thread.submit(_run_main).result(PATIENCE_S)
    return Done(code, out.getvalue(), err.getvalue())


def _run_main() -> int:
    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    return 0


def write_site(folder: Path) -> Path:
    """Write the starter site with a free port for the gateway."""
    site, *_ = write_starter(folder)
    site.write_text(site.read_text().replace("port: 8090", "port: 0"))
    return site


def until(true: Callable[[], Any], what: str, said: Callable[[], str] = str) -> None:
    """Wait until something is so; `said` returns what else there is to say when it is not."""
    ends = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < ends, f"not within {PATIENCE_S} s: {what} {said()}"
        time.sleep(0.02)


def get(url: str) -> httpx.Response:
    """Get a page, however long it takes on a busy machine."""
    return httpx.get(url, trust_env=False, timeout=PATIENCE_S)


def post_alert(folder: Path, gateway: str, *, service: str = "chat", release: str = "r2") -> httpx.Response:
    """Send a firing alert as Alertmanager does."""
    token = (folder / ".backout" / "alertmanager-token").read_text()
    member = {
        "status": "firing",
        "labels": {"alertname": "ErrorsHigh", "service": service, "release": release},
        "startsAt": "2026-01-05T09:00:00Z",
        "fingerprint": f"{service}-{release}",
    }
    headers = {"Authorization": f"Bearer {token}"}
    url = f"{gateway}/alerts/alertmanager"
    body = {"alerts": [member]}
    return httpx.post(url, json=body, headers=headers, trust_env=False, timeout=PATIENCE_S)


def is_alive(pid: int) -> bool:
    """Say whether a process is there; a zombie is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def is_well(url: str) -> bool:
    """Say whether a health page answers 200."""
    try:
        return get(f"{url}/healthz").status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


@dataclass
class Up:
    """A `backout up` that runs."""

    folder: Path
    process: subprocess.Popen[str]
    output: Path

    @property
    def state(self) -> UpState:
        """Return where everything is."""
        state = read_state(self.folder / ".backout")
        assert state is not None
        return state

    @property
    def said(self) -> str:
        """Return what it has printed so far."""
        return self.output.read_text()

    def backout(self, *arguments: str, **env: str) -> Done:
        """Run a command in the same folder."""
        return backout(self.folder, *arguments, **env)

    def json(self, *arguments: str) -> Any:  # noqa: ANN401  # whatever the command prints
        """Run a command with --json, and read its answer."""
        done = self.backout(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def post_alert(self, *, service: str = "chat", release: str = "r2") -> httpx.Response:
        """Send a firing alert to the gateway."""
        return post_alert(self.folder, self.state.gateway, service=service, release=release)

    def stop(self, asked: signal.Signals = signal.SIGINT) -> int:
        """Ask it to stop, and return its exit code."""
        self.process.send_signal(asked)
        return self.process.wait(PATIENCE_S)


@contextmanager
def up(folder: Path, **env: str) -> Iterator[Up]:
    """Run `backout up` in a folder with a site until it is ready; kill what is left of it afterwards."""
    output = folder / "up.log"
    with output.open("w") as log:
        process = subprocess.Popen(
            command("up", "--port", "0", "--ui-port", "0"),
            cwd=folder,
            env=environment(**env),
            stdout=log,
            stderr=log,
            text=True,
        )
    try:
        running = Up(folder, process, output)
        until(
            lambda: process.poll() is not None or "Stop with Ctrl-C" in running.said,
            "it is up",
            lambda: running.said,
        )
        assert process.poll() is None, running.said
        yield running
    finally:
        process.kill()
        process.wait()
