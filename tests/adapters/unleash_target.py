"""A gradual rollout in Unleash as a target whose contract is tried."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from adapters.fetch import Access
from adapters.targets.unleash import UnleashRollout
from backout.targets import UnleashTarget
from tests.adapters.target_world import RELEASE, USERS, Kind, World
from tests.adapters.wire import laid
from tests.unleash import ADMIN, CLIENT, NEEDED, Running


def config(url: str, feature: str, **changes: Any) -> UnleashTarget:  # noqa: ANN401  # any field
    fields = {
        "kind": "unleash",
        "url": url,
        "feature": feature,
        "environment": "development",
        "token": {"env": "T"},
    }
    return UnleashTarget.model_validate({**fields, "timeout": "20s", **changes})


@asynccontextmanager
async def _begin(request: pytest.FixtureRequest, folder: Path) -> AsyncIterator[World]:  # noqa: ARG001  # as every kind
    server: Running = request.getfixturevalue("unleash_server")
    name = server.feature(RELEASE)
    async with laid(("127.0.0.1", server.port)) as wire, AsyncExitStack() as stack:

        def opened(token: str = ADMIN, timeout: str = "20s") -> UnleashRollout:
            url = "http://{}:{}".format(*wire.address)
            feature = f"{name.removesuffix(RELEASE)}$release"
            target = UnleashRollout(config(url, feature, timeout=timeout), Access(token=token))
            stack.push_async_callback(target.aclose)
            return target

        async def move(percent: int) -> None:
            server.roll_out(name, str(percent))

        async def on_candidate() -> set[str]:
            return server.let_in(name, USERS)

        yield World(
            open=opened,
            move=move,
            wire=wire,
            write=b"PATCH /",
            writes=(b"PATCH /",),
            done=b"HTTP/1.1 200 OK\r\nContent-Length: 31\r\nConnection: close\r\n\r\n"
            b'{"id": "x", "name": "flexible"}',
            stranger=lambda: opened(CLIENT),
            hasty=lambda: opened(timeout="200ms"),
            on_candidate=on_candidate,
        )


KIND = Kind(_begin, takes_turns=False, needs=NEEDED)
