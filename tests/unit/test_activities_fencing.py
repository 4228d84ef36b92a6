"""Exposure is only changed while it is what was seen: what somebody else moved meanwhile stays as it is."""

from __future__ import annotations

import asyncio

import pytest

from activities.exposure import ExposureActivities
from adapters.memory import MemoryWorld
from backout.exposure import Exposure, SetExposure
from tests.unit.attempts import Attempts, done, failed

OURS, THEIRS = "incident/chat/r2@run-1/revert/1", "incident/chat/r3@run-7/revert/1"


def request(percent: int, expected: Exposure | None = None) -> SetExposure:
    key = f"{OURS}/{percent}"
    return SetExposure(
        target="exposure", service="chat", release="r2", percent=percent, key=key, expected=expected
    )


def doing(world: MemoryWorld) -> ExposureActivities:
    return ExposureActivities(targets={"exposure": world.target})


def move(world: MemoryWorld, percent: int) -> None:
    world.target.put(service="chat", release="r2", percent=percent)


async def after_fifty(world: MemoryWorld) -> Exposure:
    """Set the first stage, and return what it left."""
    change = await done(doing(world).set_exposure, request(50))
    return Exposure(percent=change.after, generation=change.generation)


async def test_what_the_stage_before_left_is_brought_down() -> None:
    world = MemoryWorld()
    left = await after_fifty(world)
    change = await done(doing(world).set_exposure, request(10, left))
    assert (change.before, change.after) == (50, 10)


@pytest.mark.parametrize("percent", [0, 70], ids=["down", "up"])
async def test_what_somebody_moved_since_is_left_and_both_are_shown(percent: int) -> None:
    world = MemoryWorld()
    left = await after_fifty(world)
    move(world, percent)
    failure = await failed(doing(world).set_exposure, request(10, left))
    assert (failure.type, failure.non_retryable) == ("ExposureMoved", True)
    assert f"it was 50 % and is {percent} %. Nothing was changed" in failure.message
    assert [change.percent for change in world.target.changes] == [50]


async def test_a_change_that_left_the_percent_is_told_by_its_generation() -> None:
    world = MemoryWorld()
    left = await after_fifty(world)
    move(world, 50)
    failure = await failed(doing(world).set_exposure, request(10, left))
    assert "it was 50 % (generation 2) and is 50 % (generation 3)." in failure.message


async def test_the_key_of_another_incident_is_who_moved_it() -> None:
    world = MemoryWorld()
    left = await after_fifty(world)
    await world.target.set(service="chat", release="r2", percent=30, key=f"{THEIRS}/30")
    failure = await failed(doing(world).set_exposure, request(10, left))
    assert f"it was 50 % and is 30 %, last by {THEIRS}/30." in failure.message


async def test_what_somebody_brought_to_the_very_stage_is_there() -> None:
    world = MemoryWorld()
    left = await after_fifty(world)
    move(world, 10)
    change = await done(doing(world).set_exposure, request(10, left))
    assert (change.after, change.changed, change.generation) == (10, False, "3")


async def test_what_is_moved_between_a_look_and_the_write_is_left_too() -> None:
    world = MemoryWorld()
    world.target.pause()
    world.target.go_on(times=1)
    trying = asyncio.create_task(failed(doing(world).set_exposure, request(50)))
    await world.target.reached(2)
    move(world, 80)
    world.target.go_on()
    failure = await trying
    assert failure.type == "ExposureMoved"
    assert "it was 100 % and is 80 %." in failure.message
    assert world.target.changes == []


async def test_a_retry_expects_what_the_first_attempt_saw() -> None:
    world, attempts = MemoryWorld(), Attempts()
    attempts.heartbeats.append(Exposure(percent=100, generation="1"))
    move(world, 80)
    failure = await attempts.failure(doing(world).set_exposure, request(50))
    assert "it was 100 % and is 80 %." in failure.message


async def test_a_retry_after_a_lost_answer_is_no_conflict() -> None:
    world, attempts = MemoryWorld(), Attempts()
    left = await after_fifty(world)
    world.target.loses_answers = 1
    await attempts.failure(doing(world).set_exposure, request(10, left))
    change = await attempts.run(doing(world).set_exposure, request(10, left))
    assert (change.before, change.after, change.changed) == (50, 10, True)
