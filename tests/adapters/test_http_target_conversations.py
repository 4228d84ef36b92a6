"""The HTTP target is told what becomes of conversations, and believes only what the server says it did."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from aiohttp import web

from adapters.fetch import Access
from adapters.targets.http import HttpTarget
from backout.errors import RejectedBySystem
from backout.exposure import Exposure
from backout.release_sets import Conversations
from tests.adapters.http_target import TOKEN, example
from tests.adapters.target_world import look

Serve: TypeAlias = Callable[[Callable[[web.Request], Awaitable[web.StreamResponse]]], Awaitable[str]]
WHERE: dict[str, Any] = {"service": "chat", "release": "r2", "key": "k"}


class Server:
    """Takes every policy, and says that it did one of its own where a test wants that."""

    def __init__(self) -> None:
        self.bodies: list[object] = []
        self.did: str | None = None
        self.held: dict[str, Any] = {"percent": 100}

    async def answer(self, request: web.Request) -> web.Response:
        if request.method == "GET":
            return web.json_response(self.held, headers={"ETag": '"1"'})
        self.bodies.append(await request.json())
        self.held = await request.json()
        if self.did is not None:
            self.held["conversations"] = self.did
        return web.Response(status=204)


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
async def target(serve: Serve, server: Server) -> AsyncIterator[HttpTarget]:
    found = HttpTarget(f"{await serve(server.answer)}/$release", timedelta(seconds=30))
    yield found
    await found.aclose()


@pytest.mark.parametrize("policy", Conversations)
async def test_the_policy_is_in_the_body(server: Server, target: HttpTarget, policy: Conversations) -> None:
    said = await target.set(**WHERE, percent=10, conversations=policy)
    assert (said.percent, server.bodies) == (10, [{"percent": 10, "conversations": policy.value}])


async def test_without_a_policy_nothing_is_said_of_conversations(server: Server, target: HttpTarget) -> None:
    await target.set(**WHERE, percent=10)
    assert server.bodies == [{"percent": 10}]


@pytest.mark.parametrize(("did", "told"), [("migrate", "GET says migrate"), ("", "GET says nothing")])
async def test_a_server_that_did_something_else_is_not_believed(
    server: Server, target: HttpTarget, did: str, told: str
) -> None:
    server.did = did
    with pytest.raises(RejectedBySystem, match=f"was to let conversations finish, but {told}"):
        await target.set(**WHERE, percent=10, conversations=Conversations.FINISH)


async def test_the_example_of_the_documentation_lets_them_migrate_and_refuses_the_rest_unchanged(
    tmp_path: Path,
) -> None:
    with example(tmp_path) as port:
        url = f"http://127.0.0.1:{port}/exposure/$service/$release"
        target = HttpTarget(url, timedelta(seconds=30), Access(token=TOKEN))
        before: Exposure = await look(target)
        with pytest.raises(RejectedBySystem, match="conversations migrate here; they cannot finish"):
            await target.set(**WHERE, percent=10, conversations=Conversations.FINISH)
        assert await look(target) == before
        said = await target.set(**WHERE, percent=10, conversations=Conversations.MIGRATE)
        assert said.percent == 10
        await target.aclose()
