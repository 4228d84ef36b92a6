"""The demo's own child processes: on a leash, with their output in a file, stopped by their id."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from pathlib import Path

from backout.errors import BackoutError

ROOT = Path(__file__).resolve().parents[1]
"""The folder of Backout's own code."""
_LEASH = ROOT / "cli" / "leash.py"
_GRACE_S = 20.0
_TAIL_LINES = 15
_PROXIES = frozenset({"HTTP_PROXY", "HTTPS_PROXY"})
"""Slack's client would ask them for loopback too."""


class PartEnded(BackoutError):
    """The {part} ended before the demo was over (exit code {code}). The end of {log} is below."""


class Part:
    """One process of the demo. It dies with the demo, however that ends."""

    def __init__(self, name: str, arguments: list[str], *, log: Path) -> None:
        self.name = name
        self.log = log
        self._arguments = arguments
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start the process in a group of its own: the terminal's Ctrl-C reaches the demo alone."""
        leash = [sys.executable, "-I", "-S", str(_LEASH), str(os.getpid())]
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *leash,
                *(sys.executable, "-P", "-m", *self._arguments),
                cwd=ROOT,
                env=_environment(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
            )

    async def watch(self) -> None:
        """Return never; raise PartEnded as soon as the process ends by itself."""
        if self._process is None:
            return
        code = await self._process.wait()
        raise PartEnded(part=self.name, code=code, log=self.log)

    async def stop(self) -> None:
        """Ask the process to end; kill it if it does not."""
        if self._process is None or self._process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            self._process.terminate()
        try:
            async with asyncio.timeout(_GRACE_S):
                await self._process.wait()
        except TimeoutError:
            # Its own children are on leashes too: they go with it.
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()


def tail(log: Path) -> str:
    """Return the last lines of a log; empty where there is none."""
    if not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-_TAIL_LINES:])


def _environment() -> dict[str, str]:
    """Return our environment without what would send the demo's parts to a real system or a proxy."""
    ours = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TEMPORAL_", "BACKOUT_", "FLAGD_")) and name.upper() not in _PROXIES
    }
    return ours | {
        "PYTHONPATH": str(ROOT),
        "BACKOUT_WORKER_HEALTH": "127.0.0.1:0",
        "BACKOUT_METRICS": "127.0.0.1:0",
    }
