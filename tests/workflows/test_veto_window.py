"""A revert that begins by itself is announced first where its rule says so, and anybody who may holds it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from temporalio.client import Client

from backout.people import Action
from backout.timeline import PeoplePaged, StepStarted, StepTimedOut
from backout.timeline_decisions import RevertAnnounced
from backout.timeline_exposure import ExposureSet
from backout.view import IncidentOutcome, Phase
from tests.workflows.engine import Engine, Incidents, running
from tests.workflows.playbooks import DETECT, POSTMORTEM, REVERT, playbook, rules

MINUTE = timedelta(minutes=1)


async def announced(engine: Engine, window: str = "60s", revert: dict[str, Any] = REVERT) -> Incidents:
    """Open an incident whose revert is announced."""
    automatic = rules("auto", veto_window=window)
    return await engine.open(playbook(DETECT, revert, POSTMORTEM, rules=automatic))


async def windows(incident: Incidents) -> list[RevertAnnounced]:
    return await incident.events(RevertAnnounced)


async def test_nothing_moves_before_the_window_is_over(skipping: Client) -> None:
    async with running(skipping) as engine:
        incident = await announced(engine)
        result = await incident.result()
        (told,) = await windows(incident)
        stages = await incident.events(ExposureSet)
        pages = await incident.events(PeoplePaged)
    assert told.begins - told.at == MINUTE
    assert stages[0].at >= told.begins
    assert told.line.endswith(f"it begins at {told.begins:%H:%M:%S} UTC unless it is held")
    assert pages[0].why.startswith("reverting in 1m unless held: Revert ")
    assert result.outcome is IncidentOutcome.UNVERIFIED


async def test_what_can_be_done_meanwhile_is_asked_with_the_deadline(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await announced(engine)
        (ask,) = (await incident.asked(Action.HOLD)).asks
        (told,) = await windows(incident)
        await incident.end()
    assert ask.actions == (Action.HOLD, Action.APPROVE, Action.REJECT)
    assert (ask.until, ask.subject) == (told.begins, told.subject)
    assert f"It begins by itself at {told.begins:%H:%M:%S} UTC: hold it" in ask.what


async def test_a_hold_stops_it_before_anything_moved(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await announced(engine)
        await incident.asked(Action.HOLD)
        await incident.act("alice", Action.HOLD, reason="the provider is down")
        await incident.asked(Action.RESUME)
        changes = list(engine.world.target.changes)
        await incident.end()
    assert changes == []


async def test_a_rejection_stops_it_too(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await announced(engine)
        await incident.asked(Action.REJECT)
        await incident.act("bob", Action.REJECT, reason="the baseline is worse")
        view = await incident.asked(Action.RESUME)
        await incident.act("alice", Action.RESUME)
        await incident.asked(Action.HOLD)
        told = await windows(incident)
        changes = list(engine.world.target.changes)
        await incident.end()
    assert view.held == "rejected by Bob: the baseline is worse"
    assert len(told) == 2
    assert told[1].begins - told[1].at == MINUTE
    assert changes == []


async def test_people_who_approve_end_the_window(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await announced(engine, "20m")
        await incident.asked(Action.APPROVE)
        receipt = await incident.act("bob", Action.APPROVE)
        await incident.result()
    assert receipt.text == "approval 1 of 1: authorised"
    assert [change.percent for change in engine.world.target.changes] == [50, 10, 0]


async def test_what_was_announced_is_not_announced_again_when_the_step_is_taken_again(
    skipping: Client,
) -> None:
    async with running(skipping) as engine:
        engine.world.target.lies = 99
        incident = await announced(engine)
        await incident.asked(Action.RETRY)
        engine.world.target.lies = None
        await incident.act("alice", Action.RETRY)
        await incident.result()
        told = await windows(incident)
        (begun,) = [event.at for event in await incident.events(StepStarted) if event.attempt > 1]
        again = next(event.at for event in await incident.events(ExposureSet) if event.at > begun)
    assert len(told) == 1
    assert again - begun < MINUTE


async def test_what_is_left_of_the_window_is_waited_for_after_a_hold(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await announced(engine)
        await incident.asked(Action.HOLD)
        await incident.act("alice", Action.HOLD)
        await incident.asked(Action.RESUME)
        await incident.act("alice", Action.RESUME)
        (ask,) = (await incident.asked(Action.HOLD)).asks
        told = await windows(incident)
        await incident.end()
    assert [one.begins for one in told] == [ask.until]
    assert engine.world.target.changes == []


async def test_a_window_that_outlasts_the_step_is_a_named_outcome(skipping: Client) -> None:
    async with running(skipping) as engine:
        incident = await announced(engine, "10m", {**REVERT, "within": "5m"})
        view = await incident.asked(Action.CLOSE)
        (late,) = await incident.events(StepTimedOut)
        await incident.end()
    assert view.summary.phase is Phase.HELD
    assert late.missing == "its time window ended"
    assert engine.world.target.changes == []


async def test_without_a_window_nothing_is_announced(skipping: Client) -> None:
    async with running(skipping) as engine:
        incident = await engine.open(playbook(DETECT, REVERT, POSTMORTEM))
        await incident.result()
        assert await windows(incident) == []
