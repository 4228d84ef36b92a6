"""Somebody else moves the exposure during a revert: it stops, shows both, and asks how to go on."""

from __future__ import annotations

import pytest
from temporalio.client import Client

from backout.people import Action
from backout.timeline import Held
from backout.timeline_exposure import RevertStopped
from backout.view import Phase
from tests.workflows.engine import Engine, alert, running
from tests.workflows.playbooks import DETECT, POSTMORTEM, REVERT, playbook

PROCEEDS = {**REVERT, "on_failure": "proceed"}


def percents(engine: Engine) -> list[int]:
    return [change.percent for change in engine.world.target.changes]


def move(engine: Engine, percent: int) -> None:
    world = engine.world
    world.target.put(service=world.service, release=world.release, percent=percent)


@pytest.mark.parametrize(
    ("moved", "set_then"),
    [(70, [50, 10, 0]), (5, [50, 0]), (0, [50])],
    ids=["up", "below the next stage", "off"],
)
async def test_a_move_between_two_stages_stops_the_revert_and_resume_goes_on_from_there(
    waiting: Client, moved: int, set_then: list[int]
) -> None:
    async with running(waiting) as engine:
        clock = engine.world.clock
        clock.pause()
        incident = await engine.open(playbook(DETECT, PROCEEDS, POSTMORTEM), alert("ProviderDown"))
        await clock.reached(1)
        move(engine, moved)
        clock.go_on()
        view = await incident.asked(Action.RESUME)
        assert (view.summary.phase, view.summary.exposure) == (Phase.HELD, moved)
        assert percents(engine) == [50]
        await incident.act("bob", Action.RESUME)
        await incident.result()
        (stopped,) = await incident.events(RevertStopped)
        (held,) = await incident.events(Held)
    assert stopped.exposure == moved
    assert f"moved by somebody else: it was 50 % and is {moved} %." in stopped.why
    assert (held.by, held.why) == ("the engine", stopped.why)
    assert percents(engine) == set_then


async def test_a_move_during_the_first_write_stops_the_revert_too(waiting: Client) -> None:
    async with running(waiting) as engine:
        target = engine.world.target
        target.writes.pause()
        incident = await engine.open(playbook(DETECT, PROCEEDS, POSTMORTEM), alert("ProviderDown"))
        await target.writes.reached(1)
        move(engine, 80)
        target.writes.go_on()
        view = await incident.asked(Action.RESUME)
        assert view.summary.exposure == 80
        assert percents(engine) == []
        await incident.act("bob", Action.RESUME)
        await incident.result()
        (stopped,) = await incident.events(RevertStopped)
    assert "it was 100 % and is 80 %." in stopped.why
    assert percents(engine) == [50, 10, 0]
