"""A server that holds exposure as the HTTP target asks for it, and pauses at a chosen moment of a change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal, NamedTuple

from aiohttp import web
from aiohttp.test_utils import TestServer

Moment = Literal["before the effect", "before the answer"]


class Pause(NamedTuple):
    """Where a change stands still."""

    percent: int
    moment: Moment


class Change(NamedTuple):
    """A change that had an effect, by the key that it came with."""

    key: str
    percent: int


class ExposureServer:
    """Everything is at 100 % until a change sets it; a key that is known has no effect again."""

    def __init__(self) -> None:
        self.changes: dict[str, list[Change]] = {}
        """The effective changes of each address, in their order."""
        self.pauses: dict[str, Pause] = {}
        """Where the change of an address stands still. Nothing more is answered there until all go on."""
        self.paused: set[str] = set()
        """The addresses that stand still."""
        self._going_on = asyncio.Event()

    def percent(self, path: str) -> int:
        """Return the exposure at an address."""
        changes = self.changes.get(path, [])
        return changes[-1].percent if changes else 100

    def go_on(self) -> None:
        """Let every address answer again; what stood still died with its connection."""
        self.pauses.clear()
        self._going_on.set()

    async def answer(self, request: web.Request) -> web.Response:
        """Answer GET and PUT."""
        if request.path in self.paused and not self._going_on.is_set():
            return await self._stand_still(request.path)
        if request.method == "GET":
            return self._told(request.path)
        percent, pause = (await request.json())["percent"], self.pauses.get(request.path)
        if pause == Pause(percent, "before the effect"):
            return await self._stand_still(request.path)
        refusal = self._change(request, percent)
        if pause == Pause(percent, "before the answer"):
            return await self._stand_still(request.path)
        return refusal or web.Response(status=204)

    def _change(self, request: web.Request, percent: int) -> web.Response | None:
        """Make a change, or return why not."""
        changes, key = self.changes.setdefault(request.path, []), request.headers["Idempotency-Key"]
        if any(change.key == key for change in changes):
            return None
        if request.headers.get("If-Match", self._tag(request.path)) != self._tag(request.path):
            return web.json_response({"why": "somebody else has moved it"}, status=412)
        changes.append(Change(key, percent))
        return None

    def _told(self, path: str) -> web.Response:
        changes = self.changes.get(path)
        body = {"percent": self.percent(path), "key": changes[-1].key if changes else ""}
        return web.json_response(body, headers={"ETag": self._tag(path)})

    def _tag(self, path: str) -> str:
        return f'"{len(self.changes.get(path, []))}"'

    async def _stand_still(self, path: str) -> web.Response:
        self.paused.add(path)
        await self._going_on.wait()
        return web.Response(status=503)


@asynccontextmanager
async def exposure_server() -> AsyncIterator[tuple[str, ExposureServer]]:
    """Yield the address of such a server, without a slash at its end, and the server."""
    server, app = ExposureServer(), web.Application()
    app.router.add_route("*", "/{path:.*}", server.answer)
    async with TestServer(app, host="127.0.0.1") as running:
        try:
            yield str(running.make_url("/")).rstrip("/"), server
        finally:
            server.go_on()
