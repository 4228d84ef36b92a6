"""An emergency takes a set off side by side: one target that hangs or fails keeps no other waiting."""

from __future__ import annotations

from temporalio.client import Client

from backout.people import Action
from backout.timeline import StepFailed
from tests.workflows.engine import Incidents
from tests.workflows.release_sets import SetEngine, set_running, story
from tests.workflows.test_emergency import WHY
from tests.workflows.test_release_sets_emergency import reverting
from tests.workflows.test_stop_now import Hanging, how_calls_ended

FOUR = [
    {"target": "index"},
    {"target": "config"},
    {"target": "exposure"},
    {"target": "alias", "flips_at": 10},
]
"""What hangs comes first."""


async def in_its_first_soak(engine: SetEngine, **changes: str) -> Incidents:
    engine.world.clock.pause()
    incident = await reverting(engine, targets=FOUR, **changes)
    await engine.world.clock.reached(1)
    return incident


def hanging(engine: SetEngine, name: str) -> Hanging:
    """Let a target hang when it is taken off."""
    engine.engine.targets[name] = found = Hanging(engine.world, at=0)
    return found


async def the_others_are_off(incident: Incidents) -> None:
    await incident.until(
        lambda view: (view.summary.exposures["exposure"], view.summary.exposures["alias"]) == (0, 0)
    )


async def test_the_others_are_off_while_one_still_hangs(waiting: Client) -> None:
    async with set_running(waiting) as engine:
        index = hanging(engine, "index")
        incident = await in_its_first_soak(engine)
        await incident.act("bob", Action.EMERGENCY, **WHY)
        await the_others_are_off(incident)
        ends = await how_calls_ended(engine.engine, incident.handle.id)
        assert index.hangs.is_set()
        index.at = -1
        await incident.until(lambda view: view.summary.exposure == 0)
        await incident.end()
    assert ends == []
    assert [change.percent for change in index.changes] == [50, 0]


async def test_the_failure_of_each_is_told_and_the_others_stay_off(skipping: Client) -> None:
    async with set_running(skipping) as engine:
        hanging(engine, "index")
        engine.config.refuses_below = 50
        incident = await in_its_first_soak(engine, mixed_for="6s")
        await incident.act("bob", Action.EMERGENCY, **WHY)
        view = await incident.until(
            lambda view: any(isinstance(event, StepFailed) for event in view.timeline)
        )
        off = {target for _, stage, target, _ in await story(incident) if stage == 0}
        await incident.end()
    (failed,) = [event for event in view.timeline if isinstance(event, StepFailed)]
    assert off == {"exposure", "alias"}
    assert "index and config could not be brought to stage 0 %: index: no answer in time" in failed.error
    assert "; config: " in failed.error
    assert "exposure at 0 %, alias at 0 %" in failed.error
    assert "MIXED since" in failed.error


async def test_a_hold_stops_those_that_are_under_way_and_a_resume_takes_them_off(waiting: Client) -> None:
    async with set_running(waiting) as engine:
        slow = [hanging(engine, "index"), hanging(engine, "config")]
        incident = await in_its_first_soak(engine)
        await incident.act("bob", Action.EMERGENCY, **WHY)
        await the_others_are_off(incident)
        await incident.act("alice", Action.HOLD, reason="wrong release?")
        await incident.asked(Action.RESUME)
        ends = await how_calls_ended(engine.engine, incident.handle.id)
        for target in slow:
            assert [change.percent for change in target.changes] == [50]
            target.at = -1
        engine.world.clock.go_on()
        await incident.act("bob", Action.RESUME)
        summary = await incident.result()
    assert ends == ["cancelled", "cancelled"]
    assert (summary.exposure, set(summary.exposures.values())) == (0, {0})
