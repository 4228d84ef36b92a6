"""HAProxy: what its users see of each stage, and in which order weights change."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from backout.errors import Unreachable
from tests.adapters.haproxy_target import opened, set_weights
from tests.adapters.target_world import look, put
from tests.adapters.wire import Wire, laid
from tests.haproxy import NEEDED, Running, haproxy

pytestmark = NEEDED
USERS = [f"user-{number}" for number in range(300)]


@pytest.fixture
def server() -> Iterator[Running]:
    with haproxy() as running:
        yield running


@pytest.fixture
async def wire(server: Running) -> AsyncIterator[Wire]:
    async with laid(server.admin) as found:
        yield found


def on_candidate(server: Running) -> set[str]:
    with httpx.Client(base_url=server.service, trust_env=False) as client:
        served = {user: client.get("/", headers={"x-user": user}).raise_for_status().text for user in USERS}
    assert set(served.values()) <= {"r1", "r2"}
    return {user for user, release in served.items() if release == "r2"}


def weights(server: Running) -> tuple[int, int]:
    """Return the weights of r1 and r2."""
    r1, r2 = (server.tell(f"get weight chat/{name}").split()[0] for name in ("r1", "r2"))
    return int(r1), int(r2)


async def test_each_stage_keeps_a_part_of_the_users_of_the_stage_before(server: Running) -> None:
    target, exposed = opened(server.admin), [on_candidate(server)]
    for percent in (50, 10, 0):
        await put(target, percent, f"stage-{percent}")
        exposed.append(on_candidate(server))
    assert [len(users) for users in exposed] == [
        300,
        pytest.approx(150, abs=50),
        pytest.approx(30, abs=25),
        0,
    ]
    assert all(after < before for before, after in pairwise(exposed))


async def test_the_way_back_gives_each_stage_the_users_of_the_stage_before(server: Running) -> None:
    target, exposed = opened(server.admin), []
    for percent in (10, 50, 100):
        await put(target, percent, f"stage-{percent}")
        exposed.append(on_candidate(server))
    assert all(before < after for before, after in pairwise(exposed))
    assert len(exposed[-1]) == 300


@pytest.mark.parametrize(
    ("start", "percent", "half"),
    [
        pytest.param((0, 100), 0, (100, 100), id="down: the baseline"),
        pytest.param((100, 0), 100, (100, 100), id="up: the candidate"),
        pytest.param((0, 0), 10, (90, 0), id="from nobody: the baseline, which gets more"),
    ],
)
async def test_the_weight_that_rises_is_set_before_the_other_falls(
    server: Running, wire: Wire, start: tuple[int, int], percent: int, half: tuple[int, int]
) -> None:
    set_weights(server, r1=start[0], r2=start[1])
    wire.lost = b"set server"
    with pytest.raises(Unreachable, match="closed the connection"):
        await put(opened(f"127.0.0.1:{wire.address[1]}"), percent, "k")
    assert weights(server) == half


@pytest.mark.parametrize("write", [b"set server chat/r1", b"set server chat/r2"], ids=["first", "second"])
async def test_a_change_that_was_half_made_is_finished_by_its_repeat(
    server: Running, wire: Wire, write: bytes
) -> None:
    target = opened(f"127.0.0.1:{wire.address[1]}")
    before = await look(target)
    wire.lost = write
    with pytest.raises(Unreachable):
        await put(target, 10, "k", expected=before.generation)
    assert (await put(target, 10, "k", expected=before.generation)).percent == 10
    assert weights(server) == (90, 10)


@pytest.mark.parametrize(
    ("r1", "r2", "percent"),
    [(256, 1, 1), (1, 256, 100), (2, 1, 34), (0, 7, 100), (7, 0, 0), (0, 0, 0)],
)
async def test_only_nobody_is_zero(server: Running, r1: int, r2: int, percent: int) -> None:
    set_weights(server, r1=r1, r2=r2)
    assert (await look(opened(server.admin))).percent == percent


async def test_the_baseline_has_what_the_candidate_has_not(server: Running) -> None:
    target = opened(server.admin)
    await put(target, 30, "k")
    assert (await target.read(service="chat", release="r1")).percent == 70


async def test_weights_are_lost_on_restart_and_kept_by_a_state_file(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with haproxy() as running:
        await put(opened(running.admin), 10, "k")
        state.write_text(running.tell("show servers state"))
    with haproxy() as running:
        assert (await look(opened(running.admin))).percent == 100
    with haproxy(state=state) as running:
        assert (await look(opened(running.admin))).percent == 10
