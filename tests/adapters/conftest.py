from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeAlias

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
Serve: TypeAlias = Callable[[Handler], Awaitable[str]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """A real server on loopback: every request goes to the handler. The address ends without a slash."""
    servers: list[TestServer] = []

    async def start(handler: Handler) -> str:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handler)
        server = TestServer(app, host="127.0.0.1")
        await server.start_server()
        servers.append(server)
        return str(server.make_url("/")).rstrip("/")

    yield start
    for server in servers:
        await server.close()


@pytest.fixture
async def closed_address() -> str:
    """An address on which nobody listens any more."""
    server = TestServer(web.Application(), host="127.0.0.1")
    await server.start_server()
    address = str(server.make_url("/")).rstrip("/")
    await server.close()
    return address
