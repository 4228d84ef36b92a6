"""An app that hears the fake Slack through Slack's own code, over both transports."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from slack_sdk.signature import SignatureVerifier
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from demo.slack.server import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, FakeSlack
from demo.slack.signed import SignedHttp

Hears = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]
"""What the app does with a payload, and answers."""


@asynccontextmanager
async def http_app(hears: Hears, headers: list[dict[str, str]] | None = None) -> AsyncIterator[SignedHttp]:
    """Serve an app that believes Slack's signature; `headers` collects those of what comes."""
    verifier = SignatureVerifier(SIGNING_SECRET)

    async def receive(request: web.Request) -> web.Response:
        body = await request.read()
        if headers is not None:
            headers.append({name.lower(): value for name, value in request.headers.items()})
        if not verifier.is_valid_request(body, dict(request.headers)):
            return web.Response(status=401)
        form = dict(parse_qsl(body.decode(), keep_blank_values=True))
        return web.json_response(await hears(json.loads(form["payload"]) if "payload" in form else form))

    app = web.Application()
    app.router.add_post("/{kind}", receive)
    async with TestServer(app, host="127.0.0.1") as server:
        yield SignedHttp(
            signing_secret=SIGNING_SECRET,
            commands=str(server.make_url("/commands")),
            interactions=str(server.make_url("/interactions")),
        )


@asynccontextmanager
async def socket_app(slack: FakeSlack, hears: Hears) -> AsyncIterator[SocketModeClient]:
    """Connect Slack's own Socket Mode client."""

    async def receive(client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        answer = await hears(request.payload)
        await client.send_socket_mode_response(SocketModeResponse(request.envelope_id, payload=answer))

    async with aiohttp.ClientSession() as session:
        web_client = AsyncWebClient(BOT_TOKEN, base_url=f"{slack.address}/api/", session=session)
        client = SocketModeClient(app_token=APP_TOKEN, web_client=web_client, ping_interval=1)
        client.socket_mode_request_listeners.append(receive)
        try:
            await client.connect()  # type: ignore[no-untyped-call]  # slack_sdk leaves it out
            await slack.socket.opened.wait()
            yield client
        finally:
            await client.close()  # type: ignore[no-untyped-call]  # as above
