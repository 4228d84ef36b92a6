"""What becomes of conversations is seen to by the targets that can, and by nobody else."""

from __future__ import annotations

import pytest

from activities.exposure import ExposureActivities
from activities.serving import ServingActivities
from adapters.memory import MemoryWorld
from backout.exposure import SetExposure
from backout.release_sets import Conversations
from backout.serving import SeeTo
from tests.unit.attempts import done, failed

FINISH, MIGRATE = Conversations.FINISH, Conversations.MIGRATE


@pytest.fixture
def world() -> MemoryWorld:
    return MemoryWorld()


def to(percent: int, key: str = "k") -> SetExposure:
    return SetExposure(
        target="router", service="chat", release="r2", percent=percent, key=key, conversations=FINISH
    )


async def test_a_target_that_can_is_told(world: MemoryWorld) -> None:
    await done(ExposureActivities(targets={"router": world.target}).set_exposure, to(50))
    assert world.target.told == [FINISH]


async def test_a_target_of_the_set_that_cannot_is_not_told(world: MemoryWorld) -> None:
    world.target.sees_to = frozenset({MIGRATE})
    await done(ExposureActivities(targets={"router": world.target}).set_exposure, to(50))
    assert world.target.told == [None]


async def test_conversations_are_seen_to_although_the_exposure_is_there_already(world: MemoryWorld) -> None:
    world.target.put(service="chat", release="r2", percent=0)
    await done(ExposureActivities(targets={"router": world.target}).set_exposure, to(0))
    assert world.target.told == [FINISH]


async def test_one_target_that_can_is_enough(world: MemoryWorld) -> None:
    other = MemoryWorld().target
    other.sees_to = frozenset()
    serving = ServingActivities(
        probes={}, targets={"alias": other, "router": world.target}, clock=world.clock
    )
    await done(serving.see_to_conversations, SeeTo(targets=("alias", "router"), conversations=FINISH))
    error = await failed(serving.see_to_conversations, SeeTo(targets=("alias",), conversations=FINISH))
    assert error.message == (
        "No target of the set can let conversations finish, so nothing was changed. Each can: alias: none. "
        "Name another policy, or leave 'conversations' out of the playbook."
    )
    assert error.non_retryable
    unknown = await failed(serving.see_to_conversations, SeeTo(targets=("alais",), conversations=FINISH))
    assert unknown.message == "Unknown target 'alais'. Known: alias, router."
