"""Every effect carries a key made from its place, is idempotent, and is read back. A yes is not proof."""

from __future__ import annotations

import asyncio
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from temporalio.exceptions import ApplicationError

from activities.exposure import ExposureActivities
from activities.records import RecordActivities
from adapters.memory import MemoryStore, MemoryWorld
from backout.exposure import ExposureChange, SetExposure
from backout.requests import PublishTimeline
from tests.invariants.properties import at_length
from tests.invariants.sources import calls, keywords
from tests.unit.attempts import Attempts, done, failed
from tests.unit.views import EVERYTHING, briefing, case_of

Fault = Literal["fine", "down", "lost", "refused"]
STAGES = st.lists(st.integers(0, 100), min_size=1, max_size=4, unique=True).map(
    lambda stages: sorted(stages, reverse=True)
)
ATTEMPTS = st.lists(
    st.tuples(st.sampled_from(["fine", "down", "lost", "refused"]), st.none() | st.integers(0, 100)),
    max_size=16,
)
"""What goes wrong in each attempt, and where somebody else puts the exposure before it."""


class Walk:
    """A revert, attempt by attempt, in a world where things go wrong and others interfere."""

    def __init__(self) -> None:
        self.world = MemoryWorld()
        self.exposure = ExposureActivities(targets={"exposure": self.world.target})

    async def truth(self) -> int:
        """Return the exposure as it really is."""
        target = self.world.target
        target.unreachable, target.refuses = False, ""
        return (await target.read(service="chat", release="r2")).percent

    def break_by(self, fault: Fault) -> None:
        """Let the next attempt go wrong in this way."""
        target = self.world.target
        target.unreachable = fault == "down"
        target.refuses = "wrong token" if fault == "refused" else ""
        target.loses_answers = int(fault == "lost")

    async def attempt(self, attempts: Attempts, stage: int, fault: Fault) -> ExposureChange | None:
        """Try once; whatever comes of it, the exposure is not higher than before."""
        before = await self.truth()
        self.break_by(fault)
        request = SetExposure(
            target="exposure", service="chat", release="r2", percent=stage, key=f"incident/revert/1/{stage}"
        )
        try:
            change = await attempts.run(self.exposure.set_exposure, request)
        except ApplicationError:
            change = None
        after = await self.truth()
        assert after <= before
        if change:
            assert change.after == after <= stage
            assert change.before >= change.after
            assert change.changed == (change.before != change.after)
        return change


async def walked(stages: list[int], script: list[tuple[Fault, int | None]]) -> Walk:
    """Walk down the stages, each tried until it is set or the script is at its end."""
    walk, left = Walk(), list(script)
    for stage in stages:
        attempts = Attempts()
        while True:
            fault, others = left.pop(0) if left else ("fine", None)
            if others is not None:
                walk.world.target.put(service="chat", release="r2", percent=others)
            if await walk.attempt(attempts, stage, fault) or not left:
                break
    return walk


@given(STAGES, ATTEMPTS)
@at_length
def test_whatever_goes_wrong_a_key_has_one_effect_and_no_attempt_raises_the_exposure(
    stages: list[int], script: list[tuple[Fault, int | None]]
) -> None:
    walk = asyncio.run(walked(stages, script))
    keys = [change.key for change in walk.world.target.changes]
    assert len(keys) == len(set(keys))
    assert all(change.key.endswith(f"/{change.percent}") for change in walk.world.target.changes)


@pytest.mark.parametrize("shown", [51, 100])
async def test_a_target_that_says_yes_and_shows_something_else_is_no_success(shown: int) -> None:
    walk = Walk()
    walk.world.target.lies = shown
    request = SetExposure(target="exposure", service="chat", release="r2", percent=50, key="k")
    failure = await failed(walk.exposure.set_exposure, request)
    assert (failure.type, failure.non_retryable) == ("ReadBackMismatch", True)


async def test_the_same_record_twice_is_one_record() -> None:
    store = MemoryStore()
    records = RecordActivities(store=store, channels={}, directory={}, templates={}, history="")
    events = tuple(case_of(*EVERYTHING).timeline)
    for part in (events, events[3:], events[:5], events):
        request = PublishTimeline(events=part, brief=briefing(), channel="none", top=None)
        await done(records.publish_timeline, request)
    assert await store.timeline(incident="incident/chat/r2") == events


@pytest.mark.parametrize("layer", ["backout", "activities", "workflows"])
def test_no_key_is_drawn_by_chance(layer: str) -> None:
    drawn = [
        (place.file, called)
        for place, called, _ in calls(layer)
        if any(word in called.lower() for word in ("uuid", "random", "token_"))
    ]
    assert drawn == []


def test_a_workflow_sets_exposure_at_one_place_with_the_stages_own_key() -> None:
    ((place, call),) = [
        (place, call) for place, called, call in calls("workflows") if called == "SetExposure"
    ]
    assert (place.file, place.function) == ("workflows/setting.py", "set_part")
    assert "key" in keywords(call)
