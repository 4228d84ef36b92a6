"""`backout gateway`: the gateway process, which hears alerts and Slack commands."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

import telemetry
import wiring
from backout.errors import AddressTaken
from deployment import Deployment, load_deployment, read_site
from telemetry import Address

_log = logging.getLogger("gateway")

_BACKLOG = 2048
_GRACE_S = 5


class _Server(uvicorn.Server):
    """A server that leaves signals to us: uvicorn would raise them again when it has stopped."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture nothing."""
        yield


async def serve(site: Path, *, port: int | None) -> None:
    """Run the gateway of a site until a signal asks it to stop.

    Raises:
        BackoutError: the site is not usable, or the port is taken.
    """
    await serve_deployment(load_deployment(read_site(site, os.environ)), port=port)


async def serve_deployment(deployment: Deployment, *, port: int | None) -> None:
    """Run the gateway of what was loaded until a signal asks it to stop.

    Raises:
        BackoutError: a secret is missing, or the port is taken.
    """
    async with AsyncExitStack() as stack:
        plugins = stack.enter_context(telemetry.tracing("backout-gateway", os.environ))
        # Lazy: while Temporal is down, alerts are still accepted and kept.
        client = await wiring.connect(wiring.connection(os.environ), plugins=plugins, lazy=True)
        app = await stack.enter_async_context(wiring.open_gateway(deployment, client))
        wanted = deployment.site.gateway
        listener = _listen(Address(host=wanted.host, port=wanted.port if port is None else port))
        server = _stoppable(app)
        _log.info("Started", extra={"site": deployment.site.site, "listens": _address(listener)})
        # What is loaded by now stays: to look through it for garbage would hold up an answer by 30 ms.
        gc.freeze()
        await server.serve(sockets=[listener])
    _log.info("Stopped")


def _stoppable(app: Starlette) -> _Server:
    """Return a server that a signal asks to stop, from now on."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        timeout_graceful_shutdown=_GRACE_S,
    )
    server = _Server(config)

    def stop() -> None:
        server.should_exit = True

    for asked in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(asked, stop)
    return server


def _listen(at: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in at.host else socket.AF_INET
    # Only where the protocol is named does asyncio send without Nagle's delay: 45 ms an answer with it.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((at.host, at.port))
        listener.listen(_BACKLOG)
    except OSError as error:
        why, remedy = os.strerror(error.errno or 0), "choose another gateway.port in the site file"
        listener.close()
        raise AddressTaken(what="The gateway", address=at, why=why, remedy=remedy) from error
    return listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return str(Address(host=host, port=port))
