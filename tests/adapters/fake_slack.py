"""A small Slack of our own on loopback: the methods that are used, Slack's limits, and fault switches."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

TOKEN = "xoxb-test"


class FakeSlack:
    """Answers as Slack does; `calls` has every body that it accepted."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.requests = 0
        """All that came, those that were not accepted too."""
        self.peers: set[object] = set()
        self.fault: web.Response | None = None
        """Answered to every call instead."""
        self.silent = False
        """Never answers."""
        self.hangs_up = False
        """Closes the connection instead of an answer."""
        self.channels = {"C01INC"}
        app = web.Application()
        app.router.add_post("/api/{method}", self._answer)
        self._server = TestServer(app, host="127.0.0.1")

    async def start(self) -> str:
        """Listen, and return the address of the API."""
        await self._server.start_server()
        return str(self._server.make_url("/api/"))

    async def close(self) -> None:
        """Stop listening."""
        await self._server.close()

    async def _answer(self, request: web.Request) -> web.Response:
        self.requests += 1
        assert request.transport is not None
        self.peers.add(request.transport.get_extra_info("peername"))
        if self.hangs_up:
            request.transport.close()
        if self.silent:
            await asyncio.Event().wait()
        if self.fault is not None:
            return self.fault
        body = await request.json()
        if error := self._error(request.headers.get("Authorization", ""), body):
            return web.json_response({"ok": False, "error": error})
        if request.match_info["method"] == "auth.test":
            return web.json_response({"ok": True, "user": "backout", "team": "Testers"})
        self.calls.append((request.match_info["method"], body))
        ts = body.get("ts", f"1700000000.{len(self.calls):06}")
        return web.json_response({"ok": True, "channel": body["channel"], "ts": ts})

    def _error(self, authorization: str, body: dict[str, Any]) -> str:
        if authorization != f"Bearer {TOKEN}":
            return "invalid_auth"
        if not body:
            return ""
        if body["channel"] not in self.channels:
            return "channel_not_found"
        blocks: list[dict[str, Any]] = body["blocks"]
        if len(blocks) > 50 or not all(_fits(block) for block in blocks):
            return "invalid_blocks"
        return "msg_blocks_too_long" if len(str(blocks)) > 13_200 else ""


def _fits(block: dict[str, Any]) -> bool:
    match block["type"]:
        case "header":
            return 0 < len(block["text"]["text"]) <= 150
        case "section":
            return 0 < len(block["text"]["text"]) <= 3000
        case "context":
            elements = block["elements"]
            return len(elements) <= 10 and all(0 < len(element["text"]) <= 3000 for element in elements)
    return False
