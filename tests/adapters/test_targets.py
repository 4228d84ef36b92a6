"""What every target promises, held against each of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backout.errors import ExposureMoved, RejectedBySystem, StageOutOfRange, UnknownName
from tests.adapters.target_world import RELEASE, SERVICE, UNKNOWN, World, look, put
from tests.adapters.targets import params

REMEMBERING = pytest.mark.parametrize("world", params(lambda kind: kind.remembers_keys), indirect=True)
TAKING_TURNS = pytest.mark.parametrize("world", params(lambda kind: kind.takes_turns), indirect=True)
PERCENTAGE = pytest.mark.parametrize("world", params(lambda kind: kind.percentage), indirect=True)


@pytest.fixture(params=params())
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    async with request.param.begin(request, tmp_path) as begun:
        yield begun


async def test_a_target_reads_its_exposure(world: World) -> None:
    assert (await look(world.open())).percent == 100


async def test_a_set_returns_what_reads_back(world: World) -> None:
    target = world.open()
    for percent in world.levels:
        done = await put(target, percent, f"incident/a/revert/{percent}")
        assert done.percent == percent
        assert await look(world.open()) == done


@REMEMBERING
async def test_who_changed_it_last_is_the_key_of_the_change(world: World) -> None:
    done = await put(world.open(), 0, "incident/a/revert/0")
    assert done.changed_by == "incident/a/revert/0"


async def test_every_change_is_a_new_generation(world: World) -> None:
    target = world.open()
    generations = [(await look(target)).generation]
    generations += [(await put(target, percent, f"k{percent}")).generation for percent in world.levels[1:]]
    assert len(set(generations)) == len(world.levels)
    assert "" not in generations


async def test_the_same_key_twice_is_one_effect(world: World) -> None:
    percent = world.levels[1]
    first = await put(world.open(), percent, "k")
    again = await put(world.open(), percent, "k")
    assert again == first


async def test_a_repeat_with_the_generation_of_before_is_one_effect_too(world: World) -> None:
    percent, before = world.levels[1], (await look(world.open())).generation
    first = await put(world.open(), percent, "k", expected=before)
    again = await put(world.open(), percent, "k", expected=before)
    assert again == first


@PERCENTAGE
async def test_a_late_repeat_of_an_older_stage_does_not_raise_exposure_again(world: World) -> None:
    target = world.open()
    before = await look(target)
    middle = await put(target, 50, "stage-50", expected=before.generation)
    await put(target, 0, "stage-0", expected=middle.generation)
    try:
        late = await put(world.open(), 50, "stage-50", expected=before.generation)
    except ExposureMoved:
        late = await look(target)
    assert late.percent == 0


@REMEMBERING
async def test_a_known_key_has_no_effect_again_whatever_came_after_it(world: World) -> None:
    target, lower = world.open(), world.levels[1]
    await put(target, lower, "down")
    await put(target, 100, "up")
    late = await put(world.open(), lower, "down")
    assert (late.percent, late.changed_by) == (100, "up")


@REMEMBERING
async def test_a_key_cannot_have_another_effect_than_its_first(world: World) -> None:
    target, lower = world.open(), world.levels[1]
    await put(target, lower, "k")
    with pytest.raises(RejectedBySystem, match=f"key 'k' has set {lower} % before, so it cannot set 100 %"):
        await put(target, 100, "k")
    assert (await look(target)).percent == lower


async def test_a_change_can_be_undone_with_a_key_of_its_own(world: World) -> None:
    target = world.open()
    await put(target, 0, "down")
    assert (await put(target, 100, "up")).percent == 100
    assert (await look(world.open())).percent == 100


@PERCENTAGE
async def test_exposure_can_go_up_by_any_percent(world: World) -> None:
    target = world.open()
    await put(target, 0, "down")
    for percent in (1, 25, 99):
        assert (await put(target, percent, f"up-{percent}")).percent == percent


@pytest.mark.parametrize("percent", [-1, 101])
async def test_a_percent_out_of_range_changes_nothing(world: World, percent: int) -> None:
    target = world.open()
    before = await look(target)
    with pytest.raises(StageOutOfRange, match=f"Exposure {percent} % is outside 0 to 100"):
        await put(target, percent, "k")
    assert await look(target) == before


async def test_an_unknown_release_is_an_error_with_the_known_names(world: World) -> None:
    target = world.open()
    with pytest.raises(UnknownName, match=rf"'.*{UNKNOWN}'.*Known: .*{RELEASE}"):
        await target.read(service=SERVICE, release=UNKNOWN)
    with pytest.raises(UnknownName, match=rf"'.*{UNKNOWN}'.*Known: .*{RELEASE}"):
        await target.set(service=SERVICE, release=UNKNOWN, percent=0, key="k")
    assert (await look(target)).percent == 100


async def test_a_change_by_somebody_else_is_a_new_generation(world: World) -> None:
    target = world.open()
    ours = await put(target, 0, "k")
    await world.move(100)
    theirs = await look(target)
    assert theirs.percent == 100
    assert theirs.generation != ours.generation


async def test_what_somebody_else_moved_meanwhile_is_left_as_it_is(world: World) -> None:
    target, before = world.open(), await look(world.open())
    await world.move(world.levels[1])
    moved = await look(target)
    with pytest.raises(ExposureMoved, match="moved by somebody else") as raised:
        await put(target, world.levels[-1] if len(world.levels) > 2 else 100, "k", expected=before.generation)
    assert raised.value.details["expected"] == before.generation
    assert raised.value.details["found"] == moved.generation
    assert await look(target) == moved


async def test_what_nobody_moved_is_set(world: World) -> None:
    target = world.open()
    for percent in world.levels[1:]:
        now = await look(target)
        assert (await put(target, percent, f"k{percent}", expected=now.generation)).percent == percent


@TAKING_TURNS
async def test_of_two_writers_who_saw_the_same_only_one_writes(world: World) -> None:
    seen, lower = (await look(world.open())).generation, world.levels[1]
    writes = [put(world.open(), percent, key, expected=seen) for key, percent in (("a", lower), ("b", 0))]
    done = await asyncio.gather(*writes, return_exceptions=True)
    assert sorted(type(one).__name__ for one in done) == ["Exposure", "ExposureMoved"]


@pytest.mark.parametrize(
    "world", params(lambda kind: kind.remembers_keys and kind.takes_turns), indirect=True
)
async def test_writers_at_the_same_time_lose_no_change(world: World) -> None:
    before = await look(world.open())
    keys = {"none": 0, "all": 100, "more": world.levels[1]}
    await asyncio.gather(*(put(world.open(), percent, key) for key, percent in keys.items()))
    after = await look(world.open())
    assert after.generation != before.generation
    for key, percent in keys.items():
        assert await put(world.open(), percent, key) == after, f"{key} was lost: it had an effect now"
