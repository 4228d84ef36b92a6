"""Real servers that no Debian package has: tools/test_servers.py installs them, once for all checkouts."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.test_servers import is_installed

PATIENCE_S = 240
"""They are large: read from a cold disk beside other work, one may take a minute to start."""


def needed(server: str) -> tuple[pytest.MarkDecorator, ...]:
    """Skip where a server is not installed, with the line that installs it; give it time to start."""
    missing = not is_installed(server)
    return (
        pytest.mark.skipif(missing, reason=f"python3 tools/test_servers.py {server}"),
        pytest.mark.timeout(PATIENCE_S + 60),
    )


def until_up(process: subprocess.Popen[bytes], is_up: Callable[[], bool], log: Path) -> None:
    """Wait until a server answers; one that ended instead is shown with its log."""
    ends = time.monotonic() + PATIENCE_S
    while not is_up():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < ends, log.read_text()
        time.sleep(0.05)
