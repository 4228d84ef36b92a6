"""Whom each stage reaches, as the clients of every target see it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.adapters.target_world import USERS, World, put
from tests.adapters.targets import params


@pytest.fixture(params=params(lambda kind: kind.nested))
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    async with request.param.begin(request, tmp_path) as begun:
        yield begun


async def exposed(world: World) -> set[str]:
    assert world.on_candidate
    return await world.on_candidate()


async def test_users_of_a_lower_stage_are_among_those_of_a_higher_one(world: World) -> None:
    target, stages = world.open(), [await exposed(world)]
    for percent in world.levels[1:]:
        await put(target, percent, f"down-{percent}")
        stages.append(await exposed(world))
    assert stages[0] == set(USERS)
    assert all(after < before for before, after in pairwise(stages))
    shares = [100 * len(users) / len(USERS) for users in stages]
    assert shares == [pytest.approx(percent, abs=12 if percent % 100 else 0) for percent in world.levels]


async def test_what_is_undone_reaches_the_same_users_again(world: World) -> None:
    target, stages = world.open(), {}
    for percent in world.levels:
        await put(target, percent, f"down-{percent}")
        stages[percent] = await exposed(world)
    for percent in reversed(world.levels):
        await put(target, percent, f"up-{percent}")
        assert await exposed(world) == stages[percent]
