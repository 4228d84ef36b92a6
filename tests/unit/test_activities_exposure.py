"""Exposure is brought down, read back, and never raised; a lost answer tells the same story."""

from __future__ import annotations

from activities.exposure import ExposureActivities
from adapters.memory import MemoryWorld
from backout.exposure import Exposure, ExposureChange, ReadExposure, SetExposure
from tests.unit.attempts import Attempts, done, failed

KEY = "incident/chat/r2@run-1/revert/1/50"


def request(percent: int = 50, *, target: str = "exposure", release: str = "r2") -> SetExposure:
    return SetExposure(target=target, service="chat", release=release, percent=percent, key=KEY)


def doing(world: MemoryWorld) -> ExposureActivities:
    return ExposureActivities(targets={"exposure": world.target})


async def now(world: MemoryWorld) -> int:
    return (await world.target.read(service="chat", release="r2")).percent


async def test_it_goes_down_and_says_from_where_to_where() -> None:
    world = MemoryWorld()
    change = await done(doing(world).set_exposure, request())
    assert change == ExposureChange(before=100, after=50, generation="2", changed=True)
    assert [(one.percent, one.key) for one in world.target.changes] == [(50, KEY)]


async def test_it_is_never_raised() -> None:
    for percent in (30, 50):
        world = MemoryWorld(exposure=percent)
        change = await done(doing(world).set_exposure, request())
        assert (change.before, change.after, change.changed) == (percent, percent, False)
        assert world.target.changes == []


async def test_a_retry_after_a_lost_answer_says_what_was_before_and_changes_nothing_again() -> None:
    world, attempts = MemoryWorld(), Attempts()
    world.target.loses_answers = 1
    lost = await attempts.failure(doing(world).set_exposure, request())
    assert (lost.type, lost.non_retryable) == ("Unreachable", False)
    change = await attempts.run(doing(world).set_exposure, request())
    assert (change.before, change.after, change.changed) == (100, 50, True)
    assert len(world.target.changes) == 1


async def test_a_retry_does_not_raise_what_somebody_lowered_meanwhile() -> None:
    world, attempts = MemoryWorld(), Attempts()
    world.target.loses_answers = 1
    await attempts.failure(doing(world).set_exposure, request())
    world.target.put(service="chat", release="r2", percent=0)
    change = await attempts.run(doing(world).set_exposure, request())
    assert (change.before, change.after, change.changed) == (0, 0, False)
    assert await now(world) == 0


async def test_a_retry_whose_first_write_never_arrived_does_not_raise_either() -> None:
    world, attempts = MemoryWorld(), Attempts()
    attempts.heartbeats.append(Exposure(percent=100, generation="1"))
    world.target.put(service="chat", release="r2", percent=0)
    change = await attempts.run(doing(world).set_exposure, request())
    assert change.changed is False
    assert (await now(world), world.target.changes) == (0, [])


async def test_a_target_that_says_yes_and_does_not_is_no_success_and_no_retry() -> None:
    world = MemoryWorld()
    world.target.lies = 80
    failure = await failed(doing(world).set_exposure, request())
    assert (failure.type, failure.non_retryable) == ("ReadBackMismatch", True)
    assert "was set to 50 % but reads 80 %" in failure.message


async def test_a_target_that_is_down_is_tried_again_before_anything_was_written() -> None:
    world, attempts = MemoryWorld(), Attempts()
    world.target.unreachable = True
    failure = await attempts.failure(doing(world).set_exposure, request())
    assert (failure.type, failure.non_retryable) == ("Unreachable", False)
    assert attempts.heartbeats == []


async def test_a_refusal_is_not_tried_again() -> None:
    world = MemoryWorld()
    world.target.refuses = "wrong token"
    failure = await failed(doing(world).set_exposure, request())
    assert failure.non_retryable
    assert "wrong token" in failure.message


async def test_unknown_targets_and_releases_list_the_known_ones() -> None:
    world = MemoryWorld()
    unknown_target = await failed(doing(world).set_exposure, request(target="elsewhere"))
    assert unknown_target.message == "Unknown target 'elsewhere'. Known: exposure."
    unknown_release = await failed(doing(world).set_exposure, request(release="r9"))
    assert unknown_release.message == "Unknown release 'chat/r9'. Known: chat/r2."
    read = ReadExposure(target="elsewhere", service="chat", release="r2")
    assert (await failed(doing(world).read_exposure, read)).message == unknown_target.message


async def test_reading_reads() -> None:
    world = MemoryWorld(exposure=30)
    read = ReadExposure(target="exposure", service="chat", release="r2")
    assert await done(doing(world).read_exposure, read) == Exposure(percent=30, generation="1")
