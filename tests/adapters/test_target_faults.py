"""What every target does when its server, or the wire to it, is not as it should be."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from activities.exposure import ExposureActivities
from backout.errors import PointerOnly, RejectedBySystem, StageOutOfRange, Unreachable
from backout.exposure import SetExposure
from tests.adapters.target_world import RELEASE, SERVICE, World, look, put
from tests.adapters.targets import params
from tests.unit.attempts import Attempts


@pytest.fixture(params=params(lambda kind: kind.wired))
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    async with request.param.begin(request, tmp_path) as begun:
        yield begun


def stage(percent: int) -> SetExposure:
    return SetExposure(target="it", service=SERVICE, release=RELEASE, percent=percent, key="k")


@pytest.mark.parametrize("world", params(lambda kind: kind.wired and kind.guarded), indirect=True)
async def test_who_may_not_change_it_is_told_so_and_changes_nothing(world: World) -> None:
    assert world.stranger
    before = await look(world.open())
    with pytest.raises(RejectedBySystem):
        await put(world.stranger(), 0, "k")
    assert await look(world.open()) == before


async def test_a_server_that_is_not_there_is_unreachable(world: World) -> None:
    target = world.open()
    await world.wire.cut()
    with pytest.raises(Unreachable):
        await look(target)
    with pytest.raises(Unreachable):
        await put(target, 0, "k")


@pytest.mark.parametrize("percent", [-1, 101])
async def test_a_percent_out_of_range_is_refused_before_anything_is_sent(world: World, percent: int) -> None:
    target = world.open()
    await world.wire.cut()
    with pytest.raises(StageOutOfRange):
        await put(target, percent, "k")


@pytest.mark.parametrize("world", params(lambda kind: kind.wired and not kind.percentage), indirect=True)
async def test_a_pointer_refuses_a_percent_between_before_anything_is_sent(world: World) -> None:
    target = world.open()
    await world.wire.cut()
    with pytest.raises(PointerOnly):
        await put(target, 50, "k")


async def test_a_server_that_takes_too_long_is_unreachable(world: World) -> None:
    assert world.hasty
    target = world.hasty()
    world.wire.stalled = True
    with pytest.raises(Unreachable, match=r"within 0\.2 s"):
        await look(target)
    with pytest.raises(Unreachable, match=r"within 0\.2 s"):
        await put(target, 0, "k")


@pytest.mark.parametrize("fenced", [True, False], ids=["with the generation of before", "with none"])
async def test_a_change_whose_answer_was_lost_is_found_and_not_made_again(
    world: World, *, fenced: bool
) -> None:
    target, percent = world.open(), world.levels[1]
    before = await look(target)
    expected = before.generation if fenced else ""
    world.wire.lost = world.write
    with pytest.raises(Unreachable):
        await put(target, percent, "k", expected=expected)
    half = await look(target)
    assert half.generation != before.generation
    again = await put(world.open(), percent, "k", expected=expected)
    assert again.percent == percent
    assert await put(world.open(), percent, "k", expected=expected) == again


async def test_a_server_that_says_yes_and_does_nothing_is_no_success(world: World) -> None:
    world.wire.swallowed, world.wire.reply = world.write, world.done
    doing, attempts = ExposureActivities(targets={"it": world.open()}), Attempts()
    failure = await attempts.failure(doing.set_exposure, stage(world.levels[1]))
    assert (failure.type, failure.non_retryable) == ("ReadBackMismatch", True)
    assert f"was set to {world.levels[1]} % but reads 100 %" in failure.message


async def test_an_activity_whose_answer_was_lost_says_the_same_as_one_that_was_answered(world: World) -> None:
    world.wire.lost = world.write
    doing, attempts = ExposureActivities(targets={"it": world.open()}), Attempts()
    lost = await attempts.failure(doing.set_exposure, stage(world.levels[1]))
    assert (lost.type, lost.non_retryable) == ("Unreachable", False)
    change = await attempts.run(doing.set_exposure, stage(world.levels[1]))
    assert (change.before, change.after, change.changed) == (100, world.levels[1], True)
