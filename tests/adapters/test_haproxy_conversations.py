"""HAProxy with sticky sessions: what its target makes of conversations, as those who have them see it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from adapters.probes.http import HttpProbe
from backout import probes
from backout.errors import RejectedBySystem, Unreachable
from backout.messages import Cookie
from backout.release_sets import Conversations
from tests.adapters.haproxy_target import opened
from tests.adapters.target_world import RELEASE, SERVICE, look
from tests.adapters.wire import Wire, laid
from tests.haproxy import NEEDED, Running, haproxy

pytestmark = NEEDED
FINISH, MIGRATE, RESTART = Conversations.FINISH, Conversations.MIGRATE, Conversations.RESTART
BY_COOKIE = "    cookie SRV insert indirect nocache"
BY_TABLE = "    stick-table type string len 32 size 1k expire 30m\n    stick on hdr(x-user)"


class User:
    """Somebody whom HAProxy keeps at one server, and whom we ask as."""

    def __init__(self, probe: HttpProbe, name: str) -> None:
        self._probe = probe
        self._name = name
        self._cookies: tuple[Cookie, ...] = ()

    async def served_by(self) -> str:
        """Ask once more in the same conversation."""
        said = await self._probe.ask(service=SERVICE, session=self._name, cookies=self._cookies)
        self._cookies = said.cookies
        return said.release


@pytest.fixture(params=[BY_COOKIE, BY_TABLE], ids=["by a cookie", "by a stick table"])
def server(request: pytest.FixtureRequest) -> Any:  # noqa: ANN401  # a generator of what runs
    with haproxy(request.param) as running:
        yield running


@pytest.fixture
async def user(server: Running) -> AsyncIterator[Callable[[str], User]]:
    config = {
        "kind": "http",
        "url": server.service,
        "path": "session",
        "release_header": "X-Release",
        "headers": {"x-user": "$session"},
        "cookies": ["SRV"],
    }
    async with AsyncExitStack() as stack:
        probe = HttpProbe("sticky", probes.HttpProbe.model_validate(config))
        stack.push_async_callback(probe.aclose)
        yield lambda name: User(probe, name)


@pytest.fixture
async def wire(server: Running) -> AsyncIterator[Wire]:
    async with laid(server.admin) as found:
        yield found


async def put(server: Running, percent: int, conversations: Conversations | None) -> int:
    target = opened(server.admin)
    said = await target.set(
        service=SERVICE,
        release=RELEASE,
        percent=percent,
        key=f"k-{percent}",
        conversations=conversations,
    )
    return said.percent


@pytest.mark.parametrize("policy", [FINISH, None], ids=["finish", "no policy"])
async def test_conversations_finish_on_the_candidate_while_new_ones_go_to_the_baseline(
    server: Running, user: Callable[[str], User], policy: Conversations | None
) -> None:
    old = user("old")
    assert await old.served_by() == "r2"
    assert [await put(server, percent, policy) for percent in (50, 0)] == [50, 0]
    assert [await old.served_by() for _ in range(3)] == ["r2"] * 3
    assert await user("new").served_by() == "r1"


@pytest.mark.parametrize("policy", [MIGRATE, RESTART])
async def test_conversations_go_on_at_the_baseline_once_nothing_is_left_on_the_candidate(
    server: Running, user: Callable[[str], User], policy: Conversations
) -> None:
    old = user("old")
    assert await old.served_by() == "r2"
    assert await put(server, 50, policy) == 50
    assert await old.served_by() == "r2", "a stage between takes nobody away"
    assert await put(server, 0, policy) == 0
    assert await old.served_by() == "r1"
    assert (await look(opened(server.admin))).percent == 0


async def test_a_candidate_that_was_set_aside_takes_traffic_again_on_the_way_back(
    server: Running, user: Callable[[str], User]
) -> None:
    await put(server, 0, MIGRATE)
    assert await put(server, 100, None) == 100
    assert await user("new").served_by() == "r2"


async def test_only_restart_ends_what_is_under_way(wire: Wire) -> None:
    target = opened(f"127.0.0.1:{wire.address[1]}")
    where = {"service": SERVICE, "release": RELEASE}
    await target.set(**where, percent=0, key="k", conversations=MIGRATE)
    wire.lost = b"shutdown sessions server chat/r2"
    await target.set(**where, percent=0, key="k", conversations=MIGRATE)
    with pytest.raises(Unreachable, match="shutdown sessions"):
        await target.set(**where, percent=0, key="k", conversations=RESTART)


@pytest.mark.parametrize(
    "cut", [b"set server chat/r1", b"set server chat/r2 weight", b"set server chat/r2 state", b"shutdown"]
)
async def test_a_change_that_was_cut_short_anywhere_is_finished_by_its_repeat(
    user: Callable[[str], User], wire: Wire, cut: bytes
) -> None:
    target, old = opened(f"127.0.0.1:{wire.address[1]}"), user("old")
    assert await old.served_by() == "r2"
    before = await look(target)
    where: dict[str, Any] = {"service": SERVICE, "release": RELEASE, "expected": before.generation}
    wire.lost = cut
    with pytest.raises(Unreachable):
        await target.set(**where, percent=0, key="k", conversations=RESTART)
    assert (await target.set(**where, percent=0, key="k", conversations=RESTART)).percent == 0
    assert await old.served_by() == "r1"
    again = await look(target)
    assert again.generation == (await look(target)).generation


async def test_a_candidate_that_somebody_set_aside_with_its_weight_is_still_refused(server: Running) -> None:
    server.tell("set server chat/r2 state maint")
    with pytest.raises(RejectedBySystem, match="server 'r2' is in maintenance"):
        await look(opened(server.admin))
