"""What every target leaves when a change is cut short, wherever that is, and what the repeat makes of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from backout.errors import Unreachable
from tests.adapters.target_world import World, look, put
from tests.adapters.targets import params


@pytest.fixture(params=params(lambda kind: kind.wired))
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    async with request.param.begin(request, tmp_path) as begun:
        yield begun


def cut(world: World, number: int, *, effect: bool) -> None:
    """Cut the change at one of its writes, before or after its effect."""
    write = world.writes[number]
    world.wire.undisturbed = world.writes[:number].count(write)
    world.wire.lost, world.wire.dropped = (write, b"") if effect else (b"", write)


@pytest.mark.parametrize("fenced", [True, False], ids=["with the generation of before", "with none"])
@pytest.mark.parametrize("effect", [True, False], ids=["answer lost", "never arrived"])
async def test_a_change_cut_short_at_any_of_its_writes_is_finished_by_its_repeat(
    world: World, *, effect: bool, fenced: bool
) -> None:
    lower = world.levels[1]
    for number in range(len(world.writes)):
        target, key = world.open(), f"down-{number}"
        expected = (await look(target)).generation if fenced else ""
        cut(world, number, effect=effect)
        with suppress(Unreachable):
            await put(target, lower, key, expected=expected)
        assert not world.wire.lost
        assert not world.wire.dropped
        assert lower <= (await look(target)).percent <= 100
        done = await put(world.open(), lower, key, expected=expected)
        assert done.percent == lower
        assert await put(world.open(), lower, key, expected=expected) == done
        assert (await put(target, 100, f"up-{number}", expected=done.generation)).percent == 100


@pytest.mark.parametrize("effect", [True, False], ids=["answer lost", "never arrived"])
async def test_a_change_cut_short_can_be_undone_from_wherever_it_stands(
    world: World, *, effect: bool
) -> None:
    for number in range(len(world.writes)):
        target = world.open()
        cut(world, number, effect=effect)
        with suppress(Unreachable):
            await put(target, 0, f"down-{number}")
        half = await look(target)
        back = await put(world.open(), 100, f"back-{number}", expected=half.generation)
        assert back.percent == 100
        assert await look(world.open()) == back
