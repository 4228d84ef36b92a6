"""A child process that is started, kept running and stopped, and that never outlives us."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from backout.errors import PartFailed

_LEASH = Path(__file__).with_name("leash.py")
_READY_S = 120.0
"""A start takes 5 s, and a minute on a machine that has but a quarter of a core for it."""
_PROBE_S = 0.05
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
_STEADY_S = 60.0
"""A child that ran this long had a good start: the next pause is the first again."""


class Child:
    """One process of ours: its command, its environment and where its output goes."""

    def __init__(
        self, name: str, command: Sequence[str], *, env: Mapping[str, str], log: Path | None = None
    ) -> None:
        """Describe the process; `log` takes its output, which otherwise goes to ours."""
        self.name = name
        self._command = [sys.executable, "-I", "-S", str(_LEASH), str(os.getpid()), *command]
        self._env = dict(env)
        self._log = log
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        """The process's id; 0 while it has none."""
        return self._process.pid if self.running and self._process else 0

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start the process, in a group of its own, so that a Ctrl-C of the terminal reaches us alone."""
        with open(self._log or os.devnull, "ab") as log:  # noqa: ASYNC230, PTH123  # opening a local file, once
            output = log if self._log else None
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                env=self._env,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                process_group=0,
            )

    async def until(self, ready: Callable[[], Awaitable[bool]], *, hint: str) -> None:
        """Wait until the process is ready.

        Raises:
            PartFailed: it ended before that, or it takes too long; `hint` says where to look.
        """
        loop = asyncio.get_running_loop()
        ends = loop.time() + _READY_S
        while not await ready():
            if not self.running:
                raise PartFailed(part=self.name, why=describe_exit(await self.wait()), hint=hint)
            if loop.time() > ends:
                raise PartFailed(part=self.name, why=f"it was not ready within {_READY_S:g} s", hint=hint)
            await asyncio.sleep(_PROBE_S)

    async def keep(self, say: Callable[[str], None]) -> None:
        """Start the process again whenever it ends, after a pause that doubles, and say so; never returns."""
        loop = asyncio.get_running_loop()
        pause = _FIRST_PAUSE_S
        while True:
            since = loop.time()
            code = await self.wait()
            pause = _FIRST_PAUSE_S if loop.time() - since >= _STEADY_S else pause
            say(f"{self.name} ended ({describe_exit(code)}); starting it again in {pause:g} s")
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)
            await self.start()
            say(f"{self.name} is started again (process {self.pid})")

    async def wait(self) -> int:
        """Wait for the process to end; return its exit code."""
        return await self._process.wait() if self._process else 0

    async def stop(self, *, grace_s: float) -> bool:
        """Ask the process to end, and kill it after the grace; return whether it ended by itself."""
        if not self.running or self._process is None:
            return True
        with suppress(ProcessLookupError):
            self._process.terminate()
        try:
            async with asyncio.timeout(grace_s):
                await self._process.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
            return False
        return True


def describe_exit(code: int) -> str:
    """Put an exit code into words."""
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"
