"""Ports of loopback that stay ours, also before and after somebody listens there."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def kept_port() -> Iterator[int]:
    """Keep a free port: nobody else is given it, and whoever connects while nobody listens is refused.

    A server that is told its number may take it all the same: like this socket, which never listens, servers
    say that their address may be used again.
    """
    with socket.socket() as keeper:
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        keeper.bind(("127.0.0.1", 0))
        port: int = keeper.getsockname()[1]
        yield port
