"""Socket Mode: the app opens a connection, and Slack sends its envelopes through it."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Mapping
from contextlib import suppress

from aiohttp import WSCloseCode, WSMsgType, web

from demo.slack.reactions import WITHIN_S, Answered
from demo.slack.rooms import Shape


class SocketMode:
    """The connections of an app, and the envelopes that wait to be acknowledged."""

    def __init__(self) -> None:
        self.connections: list[web.WebSocketResponse] = []
        self.opened = asyncio.Event()
        """Set while there is a connection."""
        self.acknowledged: list[Shape] = []
        """Everything that the app sent, in its order."""
        self._tickets: set[str] = set()
        self._waiting: dict[str, tuple[web.WebSocketResponse, asyncio.Future[Shape]]] = {}
        """The acknowledgement of each envelope, and the connection through which it was sent."""

    def ticket(self) -> str:
        """Return what one connection is opened with."""
        ticket = secrets.token_urlsafe(12)
        self._tickets.add(ticket)
        return ticket

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection until it closes."""
        if (ticket := request.query.get("ticket", "")) not in self._tickets:
            return web.Response(status=403)
        self._tickets.remove(ticket)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        # Known before it is greeted: the app may be sent something as soon as it reads the greeting.
        self.connections.append(socket)
        await socket.send_json(self._hello())
        self.opened.set()
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._take(json.loads(message.data))
        finally:
            self._forget(socket)
        return socket

    async def deliver(
        self, kind: str, payload: Shape, *, attempt: int = 0, reason: str = "timeout"
    ) -> Answered:
        """Deliver something in an envelope; `attempt` counts the repeats, and `reason` says why."""
        envelope: Shape = {
            "envelope_id": secrets.token_hex(16),
            "type": kind,
            "payload": payload,
            "accepts_response_payload": True,
        }
        return await self.send(
            envelope | ({"retry_attempt": attempt, "retry_reason": reason} if attempt else {})
        )

    async def send(self, envelope: Mapping[str, object]) -> Answered:
        """Send an envelope as it is, through the newest connection, and wait for its acknowledgement.

        None comes any more through a connection that is gone.
        """
        if not self.connections:
            return Answered(status=None)
        through, waiting = self.connections[-1], asyncio.get_running_loop().create_future()
        self._waiting[str(envelope.get("envelope_id"))] = (through, waiting)
        try:
            async with asyncio.timeout(WITHIN_S):
                await through.send_json(envelope)
                ack = await waiting
        except (TimeoutError, ConnectionError):
            return Answered(status=None)
        finally:
            self._waiting.pop(str(envelope.get("envelope_id")), None)
        return Answered(status=200, payload=ack.get("payload") or {})

    async def say(self, text: str) -> None:
        """Send a text that is no envelope, through the newest connection."""
        await self.connections[-1].send_str(text)

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Ask every connection to go: the app opens another one."""
        for socket in list(self.connections):
            await socket.send_json({"type": "disconnect", "reason": reason, "debug_info": {"host": "fake"}})

    async def drop(self) -> None:
        """Close every connection without a word."""
        for socket in list(self.connections):
            self._forget(socket)
            with suppress(ConnectionError):
                await socket.close(code=WSCloseCode.GOING_AWAY)

    def _hello(self) -> Shape:
        return {
            "type": "hello",
            "num_connections": len(self.connections),
            "debug_info": {"host": "fake", "approximate_connection_time": 18060},
            "connection_info": {"app_id": "A01APP"},
        }

    def _take(self, said: Shape) -> None:
        self.acknowledged.append(said)
        _, waiting = self._waiting.get(str(said.get("envelope_id")), (None, None))
        if waiting and not waiting.done():
            waiting.set_result(said)

    def _forget(self, socket: web.WebSocketResponse) -> None:
        if socket in self.connections:
            self.connections.remove(socket)
        for through, waiting in self._waiting.values():
            if through is socket and not waiting.done():
                waiting.set_exception(ConnectionResetError("the connection is gone"))
        if not self.connections:
            self.opened.clear()
