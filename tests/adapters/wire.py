"""The wire between a target and its real server: here a test cuts it, stalls it or loses an answer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TypeAlias

from tests.ports import kept_port

Far: TypeAlias = Path | tuple[str, int]
"""A unix socket, or host and port."""
_CHUNK = 65536
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Wire:
    """Passes on what is sent, and disturbs it where a test says so."""

    def __init__(self, far: Far) -> None:
        self.stalled = False
        """Connections are taken, and nothing passes."""
        self.lost = b""
        """The next request with these bytes passes and takes effect; its answer is lost."""
        self.dropped = b""
        """The next request with these bytes does not pass, and its connection ends."""
        self.undisturbed = 0
        """So many requests that would be lost or dropped pass as they are first."""
        self.swallowed = b""
        """Requests with these bytes do not pass, and are answered as if they had been done."""
        self.reply = b""
        """That answer."""
        self.address = ("", 0)
        """Where it listens: host and port."""
        self._far = far
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    async def cut(self) -> None:
        """Let nobody listen any more."""
        if self._server:
            self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def lay(self, port: int) -> None:
        """Listen on a port of loopback."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", port)
        self.address = self._server.sockets[0].getsockname()[:2]

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._open.add(task)
        try:
            # asyncio logs a connection's task that was cancelled as an error of its own.
            with suppress(OSError, asyncio.CancelledError):
                await self._serve(reader, writer)
        finally:
            self._open.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.stalled:
            await asyncio.Event().wait()
        far_reader, far_writer = await self._far_end()
        back = asyncio.create_task(_pass_on(far_reader, writer))
        try:
            while chunk := await reader.read(_CHUNK):
                if self.swallowed and self.swallowed in chunk:
                    await _rest(chunk, reader)
                    writer.write(self.reply)
                    await writer.drain()
                    return
                if self._strikes(self.dropped, chunk):
                    self.dropped = b""
                    return
                if self._strikes(self.lost, chunk):
                    self.lost = b""
                    back.cancel()
                    await asyncio.wait([back])
                    far_writer.write(chunk + await _rest(chunk, reader))
                    await far_reader.read(_CHUNK)
                    return
                far_writer.write(chunk)
            far_writer.write_eof()
            await back
        finally:
            back.cancel()
            far_writer.close()

    def _strikes(self, marked: bytes, chunk: bytes) -> bool:
        """Say whether this request is the one to be disturbed."""
        if not marked or marked not in chunk:
            return False
        self.undisturbed -= 1
        return self.undisturbed < 0

    async def _far_end(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self._far, Path):
            return await asyncio.open_unix_connection(self._far)
        return await asyncio.open_connection(*self._far)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
        writer.write_eof()


async def _rest(began: bytes, reader: asyncio.StreamReader) -> bytes:
    """Return what is left of a request: its body may come after its head. A command is whole."""
    head, _, body = began.partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    return await reader.readexactly(int(length[1]) - len(body)) if length else b""


@asynccontextmanager
async def laid(far: Far) -> AsyncIterator[Wire]:
    """Yield a wire to that end; cut it after use."""
    wire = Wire(far)
    with kept_port() as port:  # where it was cut, nobody else is to answer
        await wire.lay(port)
        try:
            yield wire
        finally:
            await wire.cut()
