"""A release set that is stopped in the middle of a stage, by people or by a stranger's hand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from backout.people import Action
from backout.timeline import Held
from backout.timeline_exposure import RevertStopped, StagePutBack
from tests.workflows.engine import Incidents
from tests.workflows.release_sets import SetEngine, set_running, story

TEN_MINUTES = timedelta(minutes=10)
TWO = ({"target": "exposure"}, {"target": "index"})


def move(engine: SetEngine, percent: int) -> None:
    engine.index.put(service="chat", release="r2", percent=percent)


async def test_a_target_that_somebody_moved_stops_the_set_and_the_others_are_put_back(
    waiting: Client,
) -> None:
    async with set_running(waiting) as engine:
        engine.world.clock.pause()
        incident = await engine.revert()
        await engine.world.clock.reached(1)
        move(engine, 70)
        engine.world.clock.go_on()
        await incident.asked(Action.RESUME)
        told = await story(incident)
        (held,) = await incident.events(Held)
        assert engine.percents == {"exposure": [50, 10, 50], "index": [50]}
        await incident.act("bob", Action.RESUME)
        await incident.result()
    assert told[-1] == ("StagePutBack", 10, "exposure", 50)
    assert "The exposure on index was moved by somebody else: it was 50 % and is 70 %." in held.why
    assert "Nothing was changed on it." in held.why
    assert "What the stage changed on the others is put back. Now: " in held.why
    assert held.why.endswith("exposure at 50 %, index at 70 %, alias at 100 %")
    assert engine.percents == {"exposure": [50, 10, 50, 10, 0], "index": [50, 10, 0], "alias": [0]}


async def stopped_in_the_middle(engine: SetEngine, **changes: Any) -> Incidents:  # noqa: ANN401  # any field
    """Open an incident, and hold it while the index is being brought to the first stage."""
    engine.index.writes.pause()
    incident = await engine.revert(**changes)
    await incident.until(lambda view: any(event.event == "ExposureSet" for event in view.timeline))
    await engine.index.writes.reached(1)
    await incident.act("alice", Action.HOLD, reason="stop now")
    await incident.until(lambda view: any(isinstance(event, RevertStopped) for event in view.timeline))
    engine.index.writes.go_on()
    return incident


async def test_stop_now_in_the_middle_of_a_stage_says_that_the_set_is_mixed(waiting: Client) -> None:
    async with set_running(waiting) as engine:
        incident = await stopped_in_the_middle(engine, mixed_for="10m", soak="20m")
        (stopped,) = await incident.events(RevertStopped)
        assert engine.percents == {"exposure": [50]}
        await incident.act("bob", Action.RESUME)
        await incident.result()
        assert await incident.events(StagePutBack) == []
    assert "stopped on request; MIXED since" in stopped.why
    assert "exposure at 50 %, index at 100 %, alias at 100 %" in stopped.why
    assert engine.percents == {"exposure": [50, 10, 0], "index": [50, 10, 0], "alias": [0]}


async def test_a_stage_that_nobody_goes_on_with_is_put_back_in_time(
    server: WorkflowEnvironment, waiting: Client
) -> None:
    async with set_running(waiting) as engine:
        incident = await stopped_in_the_middle(engine, mixed_for="10m", soak="20m")
        await server.fast_forward(incident.handle, TEN_MINUTES)
        await incident.until(lambda view: any(isinstance(event, StagePutBack) for event in view.timeline))
        (back,) = await incident.events(StagePutBack)
        assert engine.percents == {"exposure": [50, 100]}
        await incident.act("bob", Action.ABORT, reason="by hand")
        await incident.result()
    assert (back.target, back.after, back.key.rpartition("revert/")[2]) == (
        "exposure",
        100,
        "1/50/exposure/back",
    )
    assert "stage 50 % was stopped in its middle, and nobody went on" in back.line


@pytest.mark.parametrize("then", ["a target cannot be read", "it is held again"])
async def test_a_stage_is_put_back_in_time_also_where_who_goes_on_comes_not_that_far(
    server: WorkflowEnvironment, waiting: Client, then: str
) -> None:
    async with set_running(waiting) as engine:
        incident = await stopped_in_the_middle(engine, mixed_for="10m", soak="20m")
        if then == "it is held again":
            engine.alias.pause()
            await incident.act("bob", Action.RESUME)
            await engine.alias.reached(engine.alias.arrivals + 1)
            await incident.act("alice", Action.HOLD, reason="wait")
        else:
            engine.alias.refuses = "wrong token"
            await incident.act("bob", Action.RESUME)
        await incident.asked(Action.RESUME)
        await server.fast_forward(incident.handle, TEN_MINUTES)
        await incident.until(lambda view: any(isinstance(event, StagePutBack) for event in view.timeline))
        await incident.end()
        engine.alias.go_on()
    assert engine.percents == {"exposure": [50, 100]}


async def test_an_incident_does_not_end_before_its_set_is_put_back(
    server: WorkflowEnvironment, waiting: Client
) -> None:
    async with set_running(waiting) as engine:
        incident = await stopped_in_the_middle(engine, mixed_for="10m", soak="20m")
        await incident.act("bob", Action.ABORT, reason="by hand")
        await server.fast_forward(incident.handle, TEN_MINUTES)
        summary = await incident.result()
    assert engine.percents == {"exposure": [50, 100]}
    assert summary.exposure == 100


async def test_a_stage_that_fails_after_a_stop_is_put_back_to_where_it_began(waiting: Client) -> None:
    async with set_running(waiting) as engine:
        incident = await stopped_in_the_middle(
            engine, mixed_for="10m", soak="20m", on_target_failure="put_back"
        )
        engine.index.refuses_below = 100
        await incident.act("bob", Action.RESUME)
        await incident.until(lambda view: any(isinstance(event, StagePutBack) for event in view.timeline))
        await incident.end()
    assert engine.percents == {"exposure": [50, 100]}


async def test_a_pointer_that_flipped_at_a_stage_before_stays_where_it_is_when_a_later_one_fails(
    waiting: Client,
) -> None:
    parts = ({"target": "alias", "flips_at": 50}, *TWO)
    async with set_running(waiting) as engine:
        engine.world.clock.pause()
        incident = await engine.revert(
            targets=parts, mixed_for="10m", soak="20m", on_target_failure="put_back"
        )
        await engine.world.clock.reached(1)
        await engine.index.reached(4)  # twice where it stands, and the first stage's read and write
        engine.index.go_on(times=1)
        engine.world.clock.go_on()
        await engine.index.reached(6)  # the write of the second stage
        await incident.act("alice", Action.HOLD, reason="stop now")
        await engine.index.reached(7)
        engine.index.go_on()
        await incident.until(lambda view: any(isinstance(event, RevertStopped) for event in view.timeline))
        engine.index.refuses_below = 50
        await incident.act("bob", Action.RESUME)
        await incident.until(lambda view: any(isinstance(event, StagePutBack) for event in view.timeline))
        await incident.end()
    assert engine.percents == {"alias": [0], "exposure": [50, 10, 50], "index": [50]}


@pytest.mark.parametrize("stages", [[50, 10, 0], [0]], ids=["in the first of several", "in the only one"])
async def test_a_hold_in_a_soak_leaves_the_set_as_it_is_and_resume_goes_on(
    waiting: Client, stages: list[int]
) -> None:
    async with set_running(waiting) as engine:
        engine.world.clock.pause()
        incident = await engine.revert(stages=stages, targets=TWO)
        await engine.world.clock.reached(1)
        await incident.act("alice", Action.HOLD, reason="let me look")
        await incident.asked(Action.RESUME)
        engine.world.clock.go_on()
        assert engine.percents == {"exposure": stages[:1], "index": stages[:1]}
        await incident.act("bob", Action.RESUME)
        await incident.result()
        assert await incident.events(StagePutBack) == []
    assert engine.percents == {"exposure": stages, "index": stages}
