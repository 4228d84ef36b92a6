"""HAProxy: what is refused, with the names, and what counts as a change by somebody else."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from backout.errors import ExposureMoved, RejectedBySystem, UnknownName, Unreachable
from tests.adapters.haproxy_target import opened, set_weights
from tests.adapters.target_world import look, put
from tests.adapters.wire import laid
from tests.haproxy import NEEDED, Running, haproxy

pytestmark = NEEDED
THIRD = "    server r3 127.0.0.1:1 weight {weight}\n"
STATIC = """
backend static
    balance hdr(x-user)
    server r1 127.0.0.1:1 weight 1
    server r2 127.0.0.1:1 weight 100
"""


@pytest.fixture
def server() -> Iterator[Running]:
    with haproxy() as running:
        yield running


@pytest.mark.parametrize(
    ("state", "words"),
    [
        pytest.param("r1 state maint", "server 'r1' is in maintenance", id="the baseline in maintenance"),
        pytest.param("r2 state maint", "server 'r2' is in maintenance", id="the candidate in maintenance"),
        pytest.param("r2 state drain", "server 'r2' is drained", id="the candidate drained"),
    ],
)
async def test_a_server_whose_weight_says_nothing_is_named(server: Running, state: str, words: str) -> None:
    server.tell(f"set server chat/{state}")
    with pytest.raises(RejectedBySystem, match=words):
        await look(opened(server.admin))
    with pytest.raises(RejectedBySystem, match=words):
        await put(opened(server.admin), 0, "k")
    assert server.tell("get weight chat/r2").startswith("100 ")


async def test_both_servers_are_named_where_both_say_nothing(server: Running) -> None:
    server.tell("set server chat/r1 state drain; set server chat/r2 state maint")
    with pytest.raises(RejectedBySystem, match="'r2' is in maintenance and server 'r1' is drained"):
        await look(opened(server.admin))


async def test_no_traffic_is_given_to_a_baseline_that_is_down(server: Running) -> None:
    server.tell("set server chat/r1 health down")
    with pytest.raises(Unreachable, match="server 'r1' of backend 'chat' is down"):
        await put(opened(server.admin), 0, "k")
    assert (await look(opened(server.admin))).percent == 100
    assert (await put(opened(server.admin), 100, "k")).percent == 100


async def test_a_third_server_that_takes_traffic_is_named() -> None:
    with haproxy(THIRD.format(weight=100)) as running:
        assert (await look(opened(running.admin))).percent == 50
        with pytest.raises(RejectedBySystem, match="take traffic in backend 'chat': r3"):
            await put(opened(running.admin), 10, "k")
        running.tell("set server chat/r3 state maint")
        assert (await put(opened(running.admin), 10, "k")).percent == 10


async def test_a_static_algorithm_is_refused_before_anything_falls() -> None:
    with haproxy(STATIC) as running:
        with pytest.raises(RejectedBySystem, match="static LB algorithm"):
            await put(opened(running.admin, backend="static"), 0, "k")
        assert running.tell("get weight static/r2").startswith("100 ")


async def test_the_baseline_is_no_candidate(server: Running) -> None:
    target = opened(server.admin)
    with pytest.raises(RejectedBySystem, match="'r1' is the baseline"):
        await target.set(service="chat", release="r1", percent=50, key="k")


async def test_an_unknown_backend_is_an_error_with_the_known_ones(server: Running) -> None:
    with pytest.raises(UnknownName, match=r"Unknown backend of HAProxy at .* 'images'. Known: chat"):
        await look(opened(server.admin, backend="images"))


async def test_who_may_only_read_is_told_what_haproxy_says(server: Running) -> None:
    assert (await look(opened(server.operator))).percent == 100
    with pytest.raises(RejectedBySystem, match=r".set server chat/r1 weight 100.: Permission denied"):
        await put(opened(server.operator), 0, "k")


async def test_a_socket_that_is_not_there_is_unreachable(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="No such file or directory"):
        await look(opened(tmp_path / "admin.sock"))


async def test_a_socket_that_this_account_may_not_use_is_refused(server: Running) -> None:
    server.admin.chmod(0)
    with as_nobody(), pytest.raises(RejectedBySystem, match="may not use the socket"):
        await look(opened(server.admin))


@contextmanager
def as_nobody() -> Iterator[None]:
    """Go on as an account without rights, where it is root that runs the tests."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        if before == 0:
            os.seteuid(0)


async def test_what_is_no_runtime_api_is_refused_with_its_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        async with laid(nobody.getsockname()) as wire:
            wire.swallowed, wire.reply = b"show", b"HTTP/1.1 400 Bad Request\r\n"
            with pytest.raises(RejectedBySystem, match=r"it answered 'HTTP/1\.1 400 Bad Request'"):
                await look(opened(f"127.0.0.1:{wire.address[1]}"))


@pytest.mark.parametrize(
    ("command", "moves"),
    [
        ("set server chat/r2 weight 99", True),
        ("set server chat/r3 addr 127.0.0.2 port 9", True),
        ("set server chat/r3 weight 7", True),
        ("set server chat/r3 state drain", True),
        ("set server chat/r2 health down", False),
    ],
)
async def test_what_people_change_is_a_new_generation_and_health_is_not(command: str, moves: bool) -> None:  # noqa: FBT001  # a table
    with haproxy(THIRD.format(weight=0)) as running:
        target = opened(running.admin)
        before = await look(target)
        assert not running.tell(command).strip() or "addr" in command
        assert ((await look(target)).generation != before.generation) is moves
        with pytest.raises(ExposureMoved) if moves else nullcontext():
            await put(target, 10, "k", expected=before.generation)


async def test_equal_weights_made_in_another_way_are_no_conflict(server: Running) -> None:
    target = opened(server.admin)
    before = await look(target)
    set_weights(server, r1=90, r2=10)
    assert (await put(target, 10, "k", expected=before.generation)).percent == 10
