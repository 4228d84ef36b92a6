"""What every target promises, held against each of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from adapters.memory import MemoryClock, MemoryTarget
from adapters.targets.flagd_file import FlagdFile
from backout.errors import RejectedBySystem, StageOutOfRange, UnknownName
from backout.exposure import Exposure
from backout.ports import Target

Open: TypeAlias = Callable[[], Target]
"""Opens the same target once more, as a second worker does."""


@pytest.fixture(params=["memory", "flagd file"])
def open_target(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    if request.param == "memory":
        target = MemoryTarget(MemoryClock(), {("chat", "r2"): 100})
        return lambda: target
    path = tmp_path / "flags.json"
    flag = {"state": "ENABLED", "variants": {"r1": "r1", "r2": "r2"}, "defaultVariant": "r2"}
    path.write_text(json.dumps({"flags": {"chat-release": flag}}))
    return lambda: FlagdFile(str(path), "chat-release", "r1")


async def put(target: Target, percent: int, key: str) -> Exposure:
    return await target.set(service="chat", release="r2", percent=percent, key=key)


async def test_a_target_reads_its_exposure(open_target: Open) -> None:
    assert (await open_target().read(service="chat", release="r2")).percent == 100


async def test_a_set_returns_what_reads_back(open_target: Open) -> None:
    target = open_target()
    done = await put(target, 10, "incident/a/revert/10")
    assert (done.percent, done.changed_by) == (10, "incident/a/revert/10")
    assert await open_target().read(service="chat", release="r2") == done


async def test_every_change_is_a_new_generation(open_target: Open) -> None:
    target = open_target()
    generations = {(await target.read(service="chat", release="r2")).generation}
    generations |= {(await put(target, percent, f"k{percent}")).generation for percent in (50, 10, 0)}
    assert len(generations) == 4


async def test_the_same_key_twice_is_one_effect(open_target: Open) -> None:
    first = await put(open_target(), 50, "k")
    again = await put(open_target(), 50, "k")
    assert again == first


async def test_a_late_repeat_of_an_older_stage_does_not_raise_exposure_again(open_target: Open) -> None:
    target = open_target()
    await put(target, 50, "stage-50")
    await put(target, 0, "stage-0")
    late = await put(open_target(), 50, "stage-50")
    assert (late.percent, late.changed_by) == (0, "stage-0")


async def test_a_key_cannot_have_another_effect_than_its_first(open_target: Open) -> None:
    target = open_target()
    await put(target, 50, "k")
    with pytest.raises(RejectedBySystem, match="key 'k' has set 50 % before, so it cannot set 10 %"):
        await put(target, 10, "k")
    assert (await target.read(service="chat", release="r2")).percent == 50


async def test_exposure_can_go_up_again(open_target: Open) -> None:
    target = open_target()
    await put(target, 0, "down")
    assert (await put(target, 25, "up")).percent == 25


@pytest.mark.parametrize("percent", [-1, 101])
async def test_a_percent_out_of_range_changes_nothing(open_target: Open, percent: int) -> None:
    target = open_target()
    before = await target.read(service="chat", release="r2")
    with pytest.raises(StageOutOfRange, match=f"Exposure {percent} % is outside 0 to 100"):
        await put(target, percent, "k")
    assert await target.read(service="chat", release="r2") == before


async def test_an_unknown_release_is_an_error_with_the_known_names(open_target: Open) -> None:
    target = open_target()
    with pytest.raises(UnknownName, match=r"'.*r9'.*Known: .*r2"):
        await target.read(service="chat", release="r9")
    with pytest.raises(UnknownName, match=r"'.*r9'.*Known: .*r2"):
        await target.set(service="chat", release="r9", percent=0, key="k")


async def test_writers_at_the_same_time_lose_no_change(open_target: Open) -> None:
    before = await open_target().read(service="chat", release="r2")
    changes = await asyncio.gather(*(put(open_target(), 90 - number, f"k{number}") for number in range(12)))
    after = await open_target().read(service="chat", release="r2")
    generations = {before.generation, *(change.generation for change in changes)}
    assert len(generations) == 13
    assert after.generation in generations
