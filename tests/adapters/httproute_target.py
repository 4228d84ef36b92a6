"""An HTTPRoute as a target whose contract is tried."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from adapters.fetch import Access
from adapters.targets.httproute import HttpRouteWeights
from backout.targets import HttpRouteTarget
from tests.adapters.target_world import BASELINE, RELEASE, Kind, World
from tests.adapters.wire import laid
from tests.kubernetes import EDITOR, VIEWER, kubernetes

ROUTE = "chat"


def config(url: str, **changes: Any) -> HttpRouteTarget:  # noqa: ANN401  # any field
    place = {"kind": "httproute", "url": url, "namespace": "prod", "route": ROUTE, "baseline": BASELINE}
    return HttpRouteTarget.model_validate({**place, "token": {"env": "T"}, "timeout": "20s", **changes})


def rule(**weights: int) -> dict[str, Any]:
    """Return a rule with these backends, as people write it."""
    return {
        "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
        "backendRefs": [{"name": name, "port": 8080, "weight": weight} for name, weight in weights.items()],
    }


@asynccontextmanager
async def _begin(request: pytest.FixtureRequest, folder: Path) -> AsyncIterator[World]:  # noqa: ARG001  # as every kind
    async with kubernetes() as cluster, laid(("127.0.0.1", cluster.port)) as wire, AsyncExitStack() as stack:
        cluster.create(ROUTE, rule(**{BASELINE: 0, RELEASE: 100}))

        def opened(token: str = EDITOR, timeout: str = "20s") -> HttpRouteWeights:
            url = "http://{}:{}".format(*wire.address)
            target = HttpRouteWeights(config(url, timeout=timeout), Access(token=token))
            stack.push_async_callback(target.aclose)
            return target

        async def move(percent: int) -> None:
            cluster.weigh(ROUTE, {BASELINE: 100 - percent, RELEASE: percent})

        yield World(
            open=opened,
            move=move,
            wire=wire,
            write=b"PATCH /",
            writes=(b"PATCH /",),
            done=b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\nConnection: close\r\n\r\n"
            b'{"metadata": {"name": "chat"}}',
            stranger=lambda: opened(VIEWER),
            hasty=lambda: opened(timeout="200ms"),
        )


# The emulator takes no traffic; and the Gateway API splits requests, not users.
KIND = Kind(_begin, nested=False)
