"""HAProxy as a target whose contract is tried."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from adapters.targets.haproxy import Haproxy
from tests.adapters.target_world import BASELINE, RELEASE, USERS, Kind, World
from tests.adapters.wire import laid
from tests.haproxy import NEEDED, Running, haproxy


def opened(socket: str | Path, *, timeout_s: float = 30, backend: str = "chat") -> Haproxy:
    return Haproxy(
        str(socket), backend, candidate="$release", baseline=BASELINE, timeout=timedelta(seconds=timeout_s)
    )


def set_weights(server: Running, *, r1: int, r2: int) -> None:
    server.tell(f"set server chat/r1 weight {r1}; set server chat/r2 weight {r2}")


async def on_candidate(server: Running) -> set[str]:
    """Return whom the candidate answers, through HAProxy as they come."""
    async with httpx.AsyncClient(base_url=server.service, trust_env=False) as client:
        served = {user: await client.get("/", headers={"x-user": user}) for user in USERS}
    return {user for user, answer in served.items() if answer.raise_for_status().text == RELEASE}


@asynccontextmanager
async def _begin(request: pytest.FixtureRequest, folder: Path) -> AsyncIterator[World]:  # noqa: ARG001  # as every kind
    with haproxy() as server:
        async with laid(server.admin) as wire:
            socket = f"{wire.address[0]}:{wire.address[1]}"

            async def move(percent: int) -> None:
                set_weights(server, r1=100 - percent, r2=percent)

            yield World(
                open=lambda: opened(socket),
                move=move,
                wire=wire,
                write=b"set server",
                writes=(b"set server chat/r1", b"set server chat/r2"),
                done=b"\n",
                stranger=lambda: opened(server.operator),
                hasty=lambda: opened(socket, timeout_s=0.2),
                on_candidate=lambda: on_candidate(server),
            )


KIND = Kind(_begin, remembers_keys=False, takes_turns=False, needs=(NEEDED,))
