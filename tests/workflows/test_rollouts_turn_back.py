"""A rollout turns back by itself when a rule fires, and comes off whole, whatever fails on the way."""

from __future__ import annotations

import pytest
from temporalio.client import Client

from backout.people import Action
from backout.timeline import Held, PeoplePaged, StepFailed
from backout.timeline_quarantine import ReleaseQuarantined
from backout.view import IncidentOutcome, Phase
from tests.workflows.engine import Engine, Incidents, running
from tests.workflows.rolled import LOOKS, approved, begin, healthy, percents
from workflows.rolling_out import OVER


async def at_stage(engine: Engine, percent: int) -> Incidents:
    """Begin a rollout, and stop its soak at this stage."""
    clock = engine.world.clock
    clock.pause()
    clock.go_on(times=LOOKS * [10, 50, 100].index(percent))
    rollout = await approved(engine)
    await rollout.until(lambda view: view.summary.exposure == percent)
    return rollout


async def closed(rollout: Incidents) -> IncidentOutcome:
    """Let a person end what is held, and return how it ended."""
    await rollout.act("bob", Action.ABORT, reason="back to the workshop")
    return (await rollout.result()).outcome


@pytest.mark.parametrize("stage", [10, 50, 100])
async def test_a_rule_that_fires_at_a_stage_takes_everything_off(waiting: Client, stage: int) -> None:
    async with running(waiting, healthy()) as engine:
        rollout = await at_stage(engine, stage)
        engine.world.sicken(candidate=0.6)
        engine.world.clock.go_on()
        view = await rollout.asked(Action.ABORT)
        assert (view.summary.phase, view.summary.exposure) == (Phase.HELD, 0)
        (failed,) = await rollout.events(StepFailed)
        assert f"turned back from {stage} %, because rule critical fired: " in failed.error
        assert "error_rate" in failed.error
        assert await closed(rollout) is IncidentOutcome.TURNED_BACK
        pages = await rollout.events(PeoplePaged)
    assert percents(engine)[-2:] == [stage, 0]
    assert any("turned back" in page.why for page in pages)


async def test_a_release_that_turned_back_is_quarantined_with_the_reason(waiting: Client) -> None:
    async with running(waiting, healthy()) as engine:
        rollout = await at_stage(engine, 10)
        engine.world.sicken(candidate=0.6)
        engine.world.clock.go_on()
        await rollout.asked(Action.ABORT)
        await closed(rollout)
        (told,) = await rollout.events(ReleaseQuarantined)
        (kept,) = engine.world.quarantines.kept
    assert (kept.release, kept.incident) == (engine.world.release, rollout.handle.id)
    assert kept.why.startswith("its rollout turned back: turned back from 10 %, because rule critical fired")
    assert told.release == engine.world.release


async def test_nobody_can_resume_it_into_another_try(waiting: Client) -> None:
    async with running(waiting, healthy()) as engine:
        rollout = await at_stage(engine, 10)
        engine.world.sicken(candidate=0.6)
        engine.world.clock.go_on()
        await rollout.asked(Action.RESUME)
        await rollout.act("bob", Action.RESUME)
        view = await rollout.until(lambda view: view.held == OVER)
        assert view.summary.exposure == 0
        assert await closed(rollout) is IncidentOutcome.TURNED_BACK
    assert percents(engine) == [10, 0]


async def test_a_target_that_fails_while_it_turns_back_is_taken_off_by_resume_and_never_goes_up(
    waiting: Client,
) -> None:
    async with running(waiting, healthy()) as engine:
        target = engine.world.target
        rollout = await at_stage(engine, 50)
        engine.world.sicken(candidate=0.6)
        target.refuses = "it is being upgraded"
        engine.world.clock.go_on()
        view = await rollout.asked(Action.RESUME)
        assert view.summary.exposure == 50
        assert "rule critical fired" in view.held
        assert "it is being upgraded" in view.held
        target.refuses = ""
        await rollout.act("bob", Action.RESUME)
        summary = await rollout.result()
    assert (summary.outcome, summary.exposure) == (IncidentOutcome.TURNED_BACK, 0)
    assert percents(engine) == [10, 50, 0]
    assert [one.release for one in engine.world.quarantines.kept] == [engine.world.release]


async def test_a_hold_while_it_turns_back_never_makes_it_go_up_again(waiting: Client) -> None:
    async with running(waiting, healthy()) as engine:
        target = engine.world.target
        rollout = await at_stage(engine, 50)
        target.pause()
        engine.world.sicken(candidate=0.6)
        arrived = target.arrivals
        engine.world.clock.go_on()
        await target.reached(arrived + 1)
        await rollout.act("alice", Action.HOLD, reason="wait")
        target.go_on()
        await rollout.asked(Action.RESUME)
        await rollout.act("bob", Action.RESUME)
        # What was under way came through: then nothing is left to resume.
        view = await rollout.until(lambda view: view.summary.closed_at or view.held == OVER)
        assert view.summary.closed_at or await closed(rollout)
        summary = await rollout.result()
    assert (summary.outcome, summary.exposure) == (IncidentOutcome.TURNED_BACK, 0)
    assert percents(engine) == [10, 50, 0]
    assert len(engine.world.quarantines.kept) == 1


async def test_an_emergency_takes_everything_off_from_the_middle_of_a_soak(waiting: Client) -> None:
    async with running(waiting, healthy()) as engine:
        rollout = await at_stage(engine, 50)
        await rollout.act("bob", Action.EMERGENCY, reason="a user was harmed")
        await rollout.until(lambda view: view.summary.exposure == 0)
        engine.world.clock.go_on()
        summary = await rollout.result()
        held = await rollout.events(Held)
    assert (summary.outcome, summary.exposure) == (IncidentOutcome.TURNED_BACK, 0)
    assert percents(engine) == [10, 50, 0]
    assert held == []


async def test_an_emergency_before_anybody_met_the_release_ends_the_rollout(waiting: Client) -> None:
    async with running(waiting, healthy()) as engine:
        rollout = await begin(engine)
        await rollout.asked(Action.APPROVE)
        await rollout.act("bob", Action.EMERGENCY, reason="the wrong release")
        summary = await rollout.result()
    assert (summary.outcome, summary.exposure) == (IncidentOutcome.TURNED_BACK, 0)
    assert 10 not in percents(engine)
