"""An emergency gets through: past a target that hangs or fails, and past a hand that moves one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import Client

from adapters.memory_sets import MemoryPart
from backout.exposure import Exposure
from backout.people import Action
from tests.workflows.release_sets import PARTS, SetEngine, set_running, story
from tests.workflows.test_emergency import WHY
from tests.workflows.test_release_sets_emergency import reverting


class Contested(MemoryPart):
    """Somebody else moves it, so many times, right before it is set."""

    moves = 0

    async def set(self, **asked: Any) -> Exposure:  # noqa: ANN401  # as the port has it
        if self.moves > 0:
            self.moves -= 1
            self.put(service="chat", release="r2", percent=40 + self.moves)
        return await super().set(**asked)


def contested(engine: SetEngine) -> Contested:
    engine.index = engine.engine.targets["index"] = found = Contested(
        engine.world.clock, {("chat", "r2"): 100}
    )
    return found


@pytest.mark.parametrize(
    "changes",
    [{}, {"targets": [{"target": "index"}], "mixed_for": None}],
    ids=["one of three targets", "the only target"],
)
async def test_what_somebody_moves_meanwhile_is_taken_off_all_the_same(
    waiting: Client, changes: dict[str, Any]
) -> None:
    async with set_running(waiting) as engine:
        index = contested(engine)
        engine.world.clock.pause()
        incident = await reverting(engine, **changes)
        await engine.world.clock.reached(1)
        index.moves = 2
        await incident.act("bob", Action.EMERGENCY, **WHY)
        await incident.until(lambda view: view.summary.exposure == 0)
        await incident.end()
    assert engine.percents["index"] == [50, 0]


async def test_one_that_fails_has_its_turn_again_after_the_others(waiting: Client) -> None:
    async with set_running(waiting) as engine:
        engine.world.clock.pause()
        incident = await reverting(engine)
        await engine.world.clock.reached(1)
        engine.index.fails_writes = 1
        await incident.act("bob", Action.EMERGENCY, **WHY)
        await incident.until(lambda view: view.summary.exposure == 0)
        told = await story(incident)
        await incident.end()
    *others, last = [target for _, stage, target, _ in told if stage == 0]
    assert (set(others), last) == ({"exposure", "alias"}, "index")


async def test_nobody_looks_for_long_before_it_begins(waiting: Client) -> None:
    async with set_running(waiting) as engine:
        engine.world.clock.pause()
        incident = await reverting(engine)
        await engine.world.clock.reached(1)
        await incident.act("bob", Action.EMERGENCY, **WHY)
        await incident.until(lambda view: view.summary.exposure == 0)
        history = await incident.handle.fetch_history()
        await incident.end()
    scheduled = [event.activity_task_scheduled_event_attributes for event in history.events]
    looks = [one for one in scheduled if one.activity_type.name == "read_exposure"]
    at_once = timedelta(seconds=2)
    assert sum(one.schedule_to_close_timeout.ToTimedelta() == at_once for one in looks) == len(PARTS)
