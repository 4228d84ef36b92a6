"""Whichever target of a set fails, and whenever: the end is that of an undisturbed run, effect for effect."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import product

import pytest
from temporalio.exceptions import ApplicationError

from activities.exposure import ExposureActivities
from adapters.memory import Change, MemoryClock, MemoryTarget
from adapters.memory_sets import MemoryPart, MemoryPointer
from backout.exposure import Exposure, ExposureChange, SetExposure
from backout.release_sets import SetTarget, moved
from tests.unit.attempts import Attempts

PARTS = (SetTarget(target="flag"), SetTarget(target="index"), SetTarget(target="alias", flips_at=10))
STAGES = (50, 10, 0)
WALK = "incident/chat/r2@run-1/revert/1"


@dataclass
class Place:
    """The three targets, and what the stages before have left on each."""

    clock: MemoryClock = field(default_factory=MemoryClock)
    left: dict[str, Exposure] = field(default_factory=dict)

    def __post_init__(self) -> None:
        at = {("chat", "r2"): 100}
        self.targets: dict[str, MemoryTarget] = {
            "flag": MemoryPart(self.clock, dict(at)),
            "index": MemoryPart(self.clock, dict(at)),
            "alias": MemoryPointer(self.clock, dict(at)),
        }
        self.doing = ExposureActivities(targets=self.targets)

    @property
    def effects(self) -> dict[str, list[Change]]:
        """The effects that each target really had."""
        return {name: target.changes for name, target in self.targets.items()}

    def request(self, part: SetTarget, stage: int) -> SetExposure:
        return SetExposure(
            target=part.target,
            service="chat",
            release="r2",
            percent=part.wanted(stage),
            key=f"{WALK}/{stage}/{part.target}",
            expected=self.left.get(part.target),
            flips=part.flips_at is not None,
        )

    def keep(self, part: SetTarget, change: ExposureChange) -> None:
        self.left[part.target] = Exposure(percent=change.after, generation=change.generation)


Fault = Callable[[Place, SetExposure, Attempts], None]


def before_the_effect(place: Place, request: SetExposure, attempts: Attempts) -> None:  # noqa: ARG001
    """The target does not answer at all."""
    place.targets[request.target].fail_times = 1


def after_the_effect(place: Place, request: SetExposure, attempts: Attempts) -> None:  # noqa: ARG001
    """The write takes effect, and its answer is lost."""
    place.targets[request.target].loses_answers = 1


def nothing(place: Place, request: SetExposure, attempts: Attempts) -> None:
    """The call goes well; what is lost is lost later."""


async def brought(place: Place, part: SetTarget, stage: int, fault: Fault | None, *, again: str) -> None:
    """Bring one target to a stage, with one fault on the way; `again` is what is tried a second time."""
    request, attempts = place.request(part, stage), Attempts()
    if fault is not None:
        fault(place, request, attempts)
        with suppress(ApplicationError):
            await attempts.run(place.doing.set_exposure, request)
        # Another activity of the same key knows nothing of the first; another attempt has its heartbeat.
        attempts = Attempts() if again == "activity" else attempts
    place.keep(part, await attempts.run(place.doing.set_exposure, request))


async def walked(disturbed: tuple[str, int] | None = None, fault: Fault = nothing, again: str = "") -> Place:
    """Walk the set over its stages."""
    place, after = Place(), None
    for stage in STAGES:
        for part in moved(PARTS, stage, after=after, goal=0):
            struck = (part.target, stage) == disturbed
            await brought(place, part, stage, fault if struck else None, again=again)
        after = stage
    return place


PLACES = [(part.target, stage) for part, stage in product(PARTS, STAGES) if part.flips_at in {None, stage}]


@pytest.mark.parametrize("disturbed", PLACES, ids=lambda place: f"{place[0]} at {place[1]}")
@pytest.mark.parametrize(
    "fault",
    [before_the_effect, after_the_effect, nothing],
    ids=["before the effect", "after the effect", "answer lost"],
)
@pytest.mark.parametrize("again", ["attempt", "activity"])
async def test_a_disturbed_walk_ends_like_an_undisturbed_one(
    disturbed: tuple[str, int], fault: Fault, again: str
) -> None:
    undisturbed = await walked()
    place = await walked(disturbed, fault, again)
    assert place.effects == undisturbed.effects
    assert place.left == undisturbed.left
    assert {name: len(changes) for name, changes in place.effects.items()} == {
        "flag": 3,
        "index": 3,
        "alias": 1,
    }


@pytest.mark.parametrize("again", ["attempt", "activity"])
async def test_what_is_tried_again_tells_the_same_story(again: str) -> None:
    place = Place(left={"flag": Exposure(percent=100, generation="1")})
    request, attempts = place.request(PARTS[0], 50), Attempts()
    place.targets["flag"].loses_answers = 1
    await attempts.failure(place.doing.set_exposure, request)
    attempts = Attempts() if again == "activity" else attempts
    change = await attempts.run(place.doing.set_exposure, request)
    assert (change.before, change.after, change.changed) == (100, 50, True)


@pytest.mark.parametrize(
    ("target", "flips", "error"),
    [("alias", False, "FlipUnnamed"), ("flag", True, "FlipImpossible")],
)
async def test_a_target_of_the_wrong_kind_is_neither_set_nor_asked(
    target: str, *, flips: bool, error: str
) -> None:
    place = Place()
    request = place.request(SetTarget(target=target), 0).model_copy(update={"flips": flips})
    failure = await Attempts().failure(place.doing.set_exposure, request)
    assert (failure.type, failure.non_retryable) == (error, True)
    assert place.effects[target] == []


@pytest.mark.parametrize(("at", "wanted", "direction"), [(30, 50, "down"), (70, 50, "up")])
async def test_what_is_further_already_is_left_there(at: int, wanted: int, direction: str) -> None:
    place = Place()
    place.targets["flag"].put(service="chat", release="r2", percent=at)
    request = place.request(PARTS[0], wanted).model_copy(update={"direction": direction})
    change = await Attempts().run(place.doing.set_exposure, request)
    assert (change.before, change.after, change.changed) == (at, at, False)


@pytest.mark.parametrize(("at", "direction"), [(70, "down"), (30, "up")])
async def test_each_direction_brings_it_to_the_stage_from_its_own_side(at: int, direction: str) -> None:
    place = Place()
    place.targets["flag"].put(service="chat", release="r2", percent=at)
    request = place.request(PARTS[0], 50).model_copy(update={"direction": direction})
    change = await Attempts().run(place.doing.set_exposure, request)
    assert (change.before, change.after, change.changed) == (at, 50, True)
