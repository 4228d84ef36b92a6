"""A wire to the engine that can be cut, or lose every answer, while the engine itself goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class Wire:
    """Carries what goes to and from the engine at `address`."""

    def __init__(self, engine: str) -> None:
        self._engine = engine
        self._server: asyncio.Server | None = None
        self._ends: set[asyncio.StreamWriter] = set()
        self._port = 0
        self.loses_answers = False

    @property
    def address(self) -> str:
        """Where the engine seems to be."""
        return f"127.0.0.1:{self._port}"

    async def mend(self) -> None:
        """Carry everything."""
        self.loses_answers = False
        if self._server is None:
            self._server = await asyncio.start_server(self._carry, "127.0.0.1", self._port)
            self._port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Carry nothing more: to whoever calls, the engine is down."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for end in self._ends:
            end.close()
        self._ends.clear()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, _, port = self._engine.rpartition(":")
        engine_reader, engine_writer = await asyncio.open_connection(host, int(port))
        if self._server is None:  # it was cut meanwhile
            writer.close()
            engine_writer.close()
            return
        self._ends |= {writer, engine_writer}
        with suppress(ConnectionError):
            await asyncio.gather(
                self._pour(reader, engine_writer, is_answer=False),
                self._pour(engine_reader, writer, is_answer=True),
            )

    async def _pour(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_answer: bool
    ) -> None:
        while data := await reader.read(65536):
            if not (is_answer and self.loses_answers):
                writer.write(data)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def a_wire(engine: str) -> AsyncIterator[Wire]:
    """Lay a wire, and take it away."""
    wire = Wire(engine)
    await wire.mend()
    try:
        yield wire
    finally:
        await wire.cut()
