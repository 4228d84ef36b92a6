"""`make demo`, as a newcomer runs it: the whole story, its exit code, and what is left behind."""

from __future__ import annotations

import io
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
from rich.console import Console

from demo import run

ROOT = Path(__file__).parents[2]
PATIENCE_S = 120
"""How long a busy machine may take for what takes a second or two on a quiet one."""
END_S = run.LASTING_S + 60
"""How long a demo may take to its end, and to stop."""
pytestmark = pytest.mark.timeout(END_S + PATIENCE_S)
CHAPTERS = [
    "A release is out, and its users are well",
    "The release goes bad",
    "An alert opens an incident, and Backout looks for itself",
    "People are called",
    "Traffic comes off the release, stage by stage",
    "Which release really answers?",
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

    def finish(self, *, within_s: float = PATIENCE_S) -> str:
        """Wait for the demo's own end and return what it printed."""
        return self.process.communicate(timeout=within_s)[0]

    def started(self, file: str) -> Path:
        """Wait until a file stands in the demo's folder."""
        until(lambda: self.process.poll() is not None or self._found(file), f"{file} is there")
        found = self._found(file)
        assert found, f"the demo ended before {file} was there: {self.finish()}"
        return found[0]

    def end(self) -> None:
        """Kill what still runs; its processes go with it."""
        self.process.kill()
        self.process.wait()

    def _found(self, file: str) -> list[Path]:
        return list(self.state.glob(f"run-*/{file}"))

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


def until(true: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, f"not within {PATIENCE_S} s: {what}"
        time.sleep(0.05)


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    running = Demo(tmp_path)
    yield running
    running.end()


def test_the_demo_tells_the_whole_story_and_leaves_no_process_behind(demo: Demo) -> None:
    printed = demo.finish(within_s=END_S)
    assert demo.process.returncode == 0, printed
    assert re.findall(r"^\d+  (.*)$", printed, re.MULTILINE) == CHAPTERS
    assert "✗" not in printed
    assert "\x1b" not in printed  # no colours and no animation where nobody watches
    stages = re.findall(r"Exposure on (\S+) set from (\d+) % to (\d+) % and read back", printed)
    assert stages == [
        ("chat-exposure", "60", "25"),
        ("chat-exposure", "25", "5"),
        ("chat-exposure", "5", "0"),
        ("chat-prompt", "100", "0"),
    ]
    assert re.findall(r"✓ Probe (\S+) is clean; .* answered by 2026\.10 \d+ times", printed) == [
        "chat-model",
        "chat-prompt",
    ]
    assert re.findall(r"☑ (\w+)", printed) == ["Alice", "Alice", "Bob", "Carol", "Carol"]
    assert re.search(r"✉ #incidents ↳ .* needs you\n .*@Alice\n", printed)
    assert "Bob taps [Approve] → chat/2026.11: approval 1 of 2" in printed
    assert "Alice taps [Note …] and fills in the form → chat/2026.11: noted on the timeline" in printed
    assert "✉ #status-page chat: the problem is solved" in printed
    assert "0 of 300 users get 2026.11" in printed
    assert "0 of these answers were made with the prompt of 2026.11" in printed
    postmortem = Path(printed.splitlines()[-1].removeprefix("Postmortem: "))
    assert "2026.11" in (ROOT / postmortem).read_text()
    assert demo.processes() == []


@pytest.mark.parametrize(
    ("sent", "once_there_is", "exit_code"),
    [
        (signal.SIGINT, "up.json", 130),
        (signal.SIGTERM, "temporal.db", 130),
        (signal.SIGKILL, "temporal.db", -signal.SIGKILL),
    ],
    ids=["Ctrl-C", "a polite kill while it starts", "a hard kill"],
)
def test_a_demo_that_is_stopped_takes_every_process_with_it(
    demo: Demo, sent: signal.Signals, once_there_is: str, exit_code: int
) -> None:
    demo.started(once_there_is)
    assert len(demo.processes()) > 3  # the demo, its service, 'backout up' and Temporal at least
    demo.process.send_signal(sent)
    printed = demo.finish()
    assert demo.process.returncode == exit_code, printed
    until(lambda: demo.processes() == [], "every process is gone")


def test_a_demo_whose_service_dies_says_so_and_fails(demo: Demo) -> None:
    demo.started("service.port")
    (service,) = demo.processes(running="demo.service")
    os.kill(service, signal.SIGKILL)
    printed = demo.finish()
    assert demo.process.returncode == 1, printed
    assert "The model service ended before the demo was over (exit code -9)" in printed
    assert demo.processes() == []


def test_two_demos_never_share_a_folder(demo: Demo) -> None:
    folder = demo.started("service.port").parent
    second = Demo(demo.state)
    try:
        assert f"Another demo runs in {demo.state}." in second.finish()
    finally:
        second.end()
    assert second.process.returncode == 1
    assert folder.exists()


async def test_a_demo_that_takes_too_long_says_what_it_waited_for_and_shows_its_logs(tmp_path: Path) -> None:
    console = Console(file=io.StringIO(), force_terminal=False)
    assert await run.Demo(console, interactive=False, lasting_s=0.3).run(tmp_path) == 1
    assert isinstance(console.file, io.StringIO)
    printed = console.file.getvalue()
    assert re.search(r"The demo gave up after 0.3 s, waiting for the (model service|engine)\.", printed)
    assert re.findall(r"^--- (.*):", printed, re.MULTILINE) == ["model service", "engine"]
