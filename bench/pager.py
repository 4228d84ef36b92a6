"""A pager on loopback: it takes what a webhook channel posts, and knows when each incident called people."""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_LINE_END = b"\r\n"
_PATIENCE_S = 30.0


class Pager:
    """The pages that came."""

    def __init__(self) -> None:
        """Begin without any."""
        self.url = ""
        self._called: defaultdict[str, asyncio.Future[float]] = defaultdict(
            asyncio.get_running_loop().create_future
        )

    async def called(self, incident: str) -> float:
        """Wait for the first page of an incident; return when it was received, by `time.perf_counter`."""
        async with asyncio.timeout(_PATIENCE_S):
            return await self._called[incident]

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take the posts of one connection."""
        while head := await _head(reader):
            body = await reader.readexactly(_length(head))
            at = time.perf_counter()
            event = json.loads(body)
            page = self._called[event["incident"]]
            if event["event"] == "message" and event["people"] and not page.done():
                page.set_result(at)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
            await writer.drain()
        writer.close()


async def _head(reader: asyncio.StreamReader) -> bytes:
    """Return the head of the next request; empty where the connection has ended."""
    try:
        return await reader.readuntil(2 * _LINE_END)
    except asyncio.IncompleteReadError:
        return b""


def _length(head: bytes) -> int:
    named = (line.partition(b":") for line in head.split(_LINE_END))
    return next(int(value) for name, _, value in named if name.lower() == b"content-length")


@asynccontextmanager
async def pager() -> AsyncIterator[Pager]:
    """Run a pager."""
    one = Pager()
    async with await asyncio.start_server(one.take, "127.0.0.1", 0) as server:
        one.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/pages"
        yield one
