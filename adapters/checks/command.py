"""An integrity check by a program of the site's own: exit code 0 passes. Nothing of it is left behind."""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

from adapters.checks.subject import names_of
from backout.errors import RejectedBySystem
from backout.messages import CheckResult
from backout.model import format_duration
from backout.requests import RunCheck

TAIL = 1000
"""So many bytes of the end of what it writes are kept, and told."""
GRACE_S = 2.0
"""Seconds between the request to end and its being killed."""
_CHUNK = 65_536


class CommandChecker:
    """Runs a program in a process group of its own, with an environment of its own."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        timeout: timedelta,
        *,
        folder: Path,
        env: Mapping[str, str],
        secrets: Sequence[str] = (),
    ) -> None:
        """Run this; `secrets` are never told, whatever it writes."""
        self._what = f"check {name}"
        self._command = tuple(command)
        self._timeout = timeout
        self._folder = folder
        self._env = dict(env)
        self._secrets = sorted((secret.encode() for secret in secrets), key=len, reverse=True)
        self._longest = max(map(len, self._secrets), default=0)

    async def run(self, *, asked: RunCheck) -> CheckResult:
        """Run it once, until it ends or its time is over; who is cancelled ends it too.

        Raises:
            RejectedBySystem: it cannot be started.
        """
        filled = {f"${name}": value for name, value in (names_of(asked) | {"key": asked.key}).items()}
        # Whole words only: what is in the middle of one might be read as more than a name.
        words = [filled.get(word, word) for word in self._command]
        tail = _Tail(TAIL + self._longest)
        process = await self._start(words, tail)
        try:
            async with asyncio.timeout(self._timeout.total_seconds()):
                code = await process.wait()
        except TimeoutError:
            passed, ended = False, f"had not ended after {format_duration(self._timeout)} and was ended"
        else:
            passed, ended = code == 0, _said(code)
        finally:
            # What it has started in the background ends with it.
            await asyncio.shield(_end(process))
            await tail.close()
        told = self._told(tail)
        return CheckResult(check=asked.check, passed=passed, found=f"{words[0]} {ended}{told}")

    async def _start(self, words: Sequence[str], tail: _Tail) -> Process:
        try:
            async with tail.opened() as pipe:
                return await asyncio.create_subprocess_exec(
                    *words,
                    cwd=self._folder,
                    env=self._env,
                    stdin=DEVNULL,
                    stdout=pipe,
                    stderr=STDOUT,
                    start_new_session=True,
                )
        except (OSError, ValueError) as error:
            await tail.close()
            why = f"'{words[0]}' cannot be started in {self._folder}: {error}"
            raise RejectedBySystem(what=self._what, why=why) from error

    def _told(self, tail: _Tail) -> str:
        """Return the end of what it wrote in one line, without its secrets and without control characters."""
        written = bytes(tail.kept)
        for secret in self._secrets:
            written = written.replace(secret, b"***")
        if tail.is_cut:
            # The first bytes may be the end of a secret.
            written = written[self._longest :]
        lines = [
            "".join(sign for sign in line if sign.isprintable()).strip()
            for line in written.decode(errors="replace").splitlines()
        ]
        told = " / ".join(line for line in lines if line)
        return f": {told}" if told else ""


class _Tail:
    """The end of what a process writes; all of it is taken in, so that the process is never held up.

    The pipe is our own: asyncio waits for its own pipes' end, and what a process started may hold them open.
    """

    def __init__(self, size: int) -> None:
        self.kept = bytearray()
        self.is_cut = False
        self._size = size
        self._transport: asyncio.ReadTransport | None = None
        self._reading: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[int]:
        """Yield the end of the pipe that a process writes to."""
        ours, theirs = os.pipe()
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        loop = asyncio.get_running_loop()
        try:
            self._transport, _ = await loop.connect_read_pipe(lambda: protocol, os.fdopen(ours, "rb"))
            self._reading = asyncio.create_task(self._read(reader))
            yield theirs
        finally:
            os.close(theirs)

    async def close(self) -> None:
        """Take in what is still in the pipe, and close it."""
        if self._reading is not None:
            await asyncio.wait([self._reading], timeout=GRACE_S)
            self._reading.cancel()
        if self._transport is not None:
            self._transport.close()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while chunk := await reader.read(_CHUNK):
            self.kept += chunk
            self.is_cut = self.is_cut or len(self.kept) > self._size
            del self.kept[: -self._size]


def _said(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"


async def _end(process: Process) -> None:
    """End its whole group: by request first, then by force."""
    if process.returncode is None:
        _signal(process, signal.SIGTERM)
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE_S):
                await process.wait()
    _signal(process, signal.SIGKILL)
    await process.wait()


def _signal(process: Process, number: int) -> None:
    # The group has the id of its first process, also when that one has ended.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
