"""An alias of a model in MLflow as a target whose contract is tried."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.targets.mlflow import MlflowAlias
from backout.targets import MlflowTarget
from tests.adapters.target_world import BASELINE, RELEASE, USERS, Kind, World
from tests.adapters.wire import laid
from tests.installed import PATIENCE_S
from tests.mlflow import NEEDED, Running

ALIAS = "champion"
_NOTE, _MOVE = (b"POST /api/2.0/mlflow/registered-models/" + path for path in (b"set-tag", b"alias"))


def config(url: str, **changes: Any) -> MlflowTarget:  # noqa: ANN401  # any field
    fields = {"kind": "mlflow", "url": url, "alias": ALIAS, "baseline": BASELINE, "release_tag": "release"}
    return MlflowTarget.model_validate({**fields, "timeout": "20s", **changes})


@asynccontextmanager
async def reading_only(server: Running, *, but: str = " ", seen: str = "READY") -> AsyncIterator[str]:
    """Serve what MLflow with its own accounts answers to one that may read only; yield the address.

    What has `but` in its address passes all the same; versions are shown with the status `seen`.
    """

    async def answer(request: web.Request) -> web.Response:
        if request.method != "GET" and but not in request.path:
            return web.Response(status=403, text="Permission denied")
        body, headers = await request.read(), {"Content-Type": "application/json"}
        async with httpx.AsyncClient(timeout=PATIENCE_S, trust_env=False, headers=headers) as client:
            found = await client.request(request.method, f"{server.url}{request.rel_url}", content=body)
        text = found.text.replace('"READY"', f'"{seen}"')
        return web.Response(status=found.status_code, text=text, content_type="application/json")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app, host="127.0.0.1") as door:
        yield str(door.make_url("/"))


def _model(request: pytest.FixtureRequest, folder: Path) -> AbstractAsyncContextManager[World]:  # noqa: ARG001  # as every kind
    return _begin(request, "model")


def _prompt(request: pytest.FixtureRequest, folder: Path) -> AbstractAsyncContextManager[World]:  # noqa: ARG001  # as every kind
    return _begin(request, "prompt")


@asynccontextmanager
async def _begin(request: pytest.FixtureRequest, holder: str) -> AsyncIterator[World]:
    server: Running = request.getfixturevalue("mlflow_server")
    name = server.register(BASELINE, RELEASE, prompt=holder == "prompt")
    server.point(name, ALIAS, 2)
    async with (
        laid(("127.0.0.1", server.port)) as wire,
        reading_only(server) as door,
        AsyncExitStack() as stack,
    ):

        def opened(url: str = "http://{}:{}".format(*wire.address), timeout: str = "20s") -> MlflowAlias:
            target = MlflowAlias(config(url, timeout=timeout, **{holder: name}))
            stack.push_async_callback(target.aclose)
            return target

        async def move(percent: int) -> None:
            server.point(name, ALIAS, 2 if percent else 1)

        async def on_candidate() -> set[str]:
            return set(USERS) if server.loaded(name, ALIAS) == "2" else set()

        yield World(
            open=opened,
            move=move,
            levels=(100, 0),
            wire=wire,
            write=_MOVE,
            writes=(_NOTE, _MOVE, _NOTE),
            done=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
            stranger=lambda: opened(door),
            hasty=lambda: opened(timeout="200ms"),
            on_candidate=on_candidate,
        )


MODEL = Kind(_model, takes_turns=False, percentage=False, needs=NEEDED)
PROMPT = Kind(_prompt, takes_turns=False, percentage=False, needs=NEEDED)
