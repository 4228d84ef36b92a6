"""`make demo`, as a newcomer runs it: the whole story, its exit code, and what is left behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

ROOT = Path(__file__).parents[2]
CHAPTERS = [
    "A release is out, and its users are well",
    "The release goes bad",
    "An alert opens an incident, and Backout looks for itself",
    "People are called",
    "Traffic comes off the release, stage by stage",
    "Is the world consistent?",
    "Did the users recover?",
    "The customers are told",
    "What happened is written down",
    "In numbers, from the moment it went bad",
    "Is it really over? The service and its users say",
]


class Demo:
    """A demo as a process, and whatever it has started: its children inherit a mark of ours."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self._mark = f"DEMO_TEST_MARK={uuid4().hex}"
        name, _, value = self._mark.partition("=")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "demo", "--state", str(state)],
            cwd=ROOT,
            env=os.environ | {name: value},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def finish(self, *, within_s: float) -> str:
        """Wait for the demo's own end and return what it printed."""
        return self.process.communicate(timeout=within_s)[0]

    def started(self, file: str) -> Path:
        """Wait until a file stands in the demo's folder."""
        until(lambda: any(self.state.glob(f"run-*/{file}")))
        return next(self.state.glob(f"run-*/{file}"))

    def processes(self, running: str = "") -> list[int]:
        """Return the processes that carry the mark and have that in their command line."""
        return [
            pid for pid in _pids() if self._mark in _read(pid, "environ") and running in _read(pid, "cmdline")
        ]


def _pids() -> Iterator[int]:
    return (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())


def _read(pid: int, what: str) -> str:
    """Read of a process; a zombie, like one that is gone, has nothing to read."""
    try:
        return Path(f"/proc/{pid}/{what}").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline, "it did not come true within 60 s"
        time.sleep(0.05)


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    running = Demo(tmp_path)
    yield running
    running.process.kill()
    running.process.wait()


@pytest.mark.timeout(150)
def test_the_demo_tells_the_whole_story_and_leaves_no_process_behind(demo: Demo) -> None:
    printed = demo.finish(within_s=120)
    assert demo.process.returncode == 0, printed
    assert re.findall(r"^\d+  (.*)$", printed, re.MULTILINE) == CHAPTERS
    assert "✗" not in printed
    assert "\x1b" not in printed  # no colours and no animation where nobody watches
    stages = re.findall(r"Exposure on chat-exposure set from (\d+) % to (\d+) % and read back", printed)
    assert stages == [("60", "25"), ("25", "5"), ("5", "0")]
    assert re.findall(r"☑ (\w+)", printed) == ["Alice", "Bob", "Carol", "Carol"]
    assert "0 of 300 users get 2026.11" in printed
    postmortem = Path(printed.splitlines()[-1].removeprefix("Postmortem: "))
    assert "2026.11" in (ROOT / postmortem).read_text()
    assert demo.processes() == []


@pytest.mark.timeout(150)
@pytest.mark.parametrize(
    ("sent", "exit_code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGKILL, -signal.SIGKILL)],
    ids=["Ctrl-C", "a polite kill", "a hard kill"],
)
def test_a_demo_that_is_stopped_takes_every_process_with_it(
    demo: Demo, sent: signal.Signals, exit_code: int
) -> None:
    demo.started("up.json")
    assert len(demo.processes()) > 4
    demo.process.send_signal(sent)
    demo.finish(within_s=60)
    assert demo.process.returncode == exit_code
    until(lambda: demo.processes() == [])


@pytest.mark.timeout(150)
def test_a_demo_whose_service_dies_says_so_and_fails(demo: Demo) -> None:
    demo.started("service.port")
    (service,) = demo.processes(running="demo.service")
    os.kill(service, signal.SIGKILL)
    printed = demo.finish(within_s=60)
    assert demo.process.returncode == 1
    assert "The model service ended before the demo was over (exit code -9)" in printed
    assert demo.processes() == []


@pytest.mark.timeout(150)
def test_two_demos_never_share_a_folder(demo: Demo) -> None:
    folder = demo.started("service.port").parent
    second = Demo(demo.state)
    assert f"Another demo runs in {demo.state}." in second.finish(within_s=60)
    assert second.process.returncode == 1
    assert folder.exists()
