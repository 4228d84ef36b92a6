"""A release set goes up as one, guarded at each stage, and turns back as one when a rule fires."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from temporalio.client import Client

from backout.people import Action
from backout.timeline import Held, StepFailed
from backout.timeline_exposure import ExposureSet
from backout.view import IncidentOutcome
from tests.workflows.engine import Incidents, running
from tests.workflows.playbooks import POSTMORTEM
from tests.workflows.release_sets import PARTS, SetEngine
from tests.workflows.rolled import ROLLOUT, approved, going_up, healthy

UP = {name: value for name, value in ROLLOUT.items() if name != "target"} | {
    "targets": PARTS,
    "mixed_for": "90s",
}


@asynccontextmanager
async def rising(client: Client) -> AsyncIterator[SetEngine]:
    async with running(client, healthy()) as engine:
        yield SetEngine(engine, 0)


async def rollout(engine: SetEngine, **changes: object) -> Incidents:
    return await approved(engine.engine, going_up({**UP, **changes}, POSTMORTEM))


async def after(incident: Incidents) -> list[tuple[int, str, int]]:
    return [(event.stage, event.target, event.after) for event in await incident.events(ExposureSet)]


async def test_it_goes_up_in_order_and_its_pointer_flips_above_its_stage(skipping: Client) -> None:
    async with rising(skipping) as engine:
        incident = await rollout(engine)
        summary = await incident.result()
        told = await after(incident)
    assert told == [
        (10, "exposure", 10),
        (10, "index", 10),
        (50, "exposure", 50),
        (50, "index", 50),
        (50, "alias", 100),
        (100, "exposure", 100),
        (100, "index", 100),
    ]
    assert (summary.outcome, summary.exposure) == (IncidentOutcome.RELEASED, 100)


async def sickens_at_fifty(engine: SetEngine) -> Incidents:
    """Begin a rollout whose release answers badly as soon as half of the users meet it."""
    clock = engine.world.clock
    clock.pause()
    incident = await rollout(engine)
    await clock.reached(1)
    clock.go_on(times=40)  # the first soak
    await incident.until(lambda view: view.summary.exposure == 100)
    engine.world.sicken(candidate=0.9)
    clock.go_on()
    return incident


async def test_where_a_rule_fires_every_target_goes_off_at_once(waiting: Client) -> None:
    async with rising(waiting) as engine:
        incident = await sickens_at_fifty(engine)
        await incident.until(lambda view: view.summary.exposure == 0)
        told = await after(incident)
        keys = [change.key.partition("rollout/")[2] for change in engine.alias.changes]
        await incident.end()
    assert told[-3:] == [(0, "exposure", 0), (0, "index", 0), (0, "alias", 0)]
    assert engine.percents == {"exposure": [10, 50, 0], "index": [10, 50, 0], "alias": [100, 0]}
    assert keys[-1].endswith("1/50/alias/back")


async def test_a_target_that_cannot_be_taken_off_keeps_no_other_from_it(skipping: Client) -> None:
    async with rising(skipping) as engine:
        engine.index.refuses_below = 10
        engine.world.sicken(candidate=0.9)
        incident = await rollout(engine)
        await incident.asked(Action.ABORT)
        (failed, *_) = await incident.events(StepFailed)
        await incident.end()
    assert engine.percents == {"exposure": [10, 0], "index": [10]}
    assert "turned back from 10 %" in failed.error
    assert "index could not be taken off" in failed.error
    assert "MIXED since" in failed.error
    assert "exposure at 0 %, index at 10 %, when last read, alias at 0 %" in failed.error


async def test_a_stage_up_that_one_target_does_not_reach_is_put_back_down(skipping: Client) -> None:
    async with rising(skipping) as engine:
        engine.index.refuses_from = 50
        incident = await rollout(engine)
        await incident.asked(Action.RESUME)
        (failed, *_) = await incident.events(StepFailed)
        await incident.end()
    assert engine.percents == {"exposure": [10, 50, 10], "index": [10], "alias": [100, 0]}
    assert failed.error.endswith("put back: exposure at 10 %, index at 10 %, alias at 0 %")


async def test_where_nothing_shows_health_it_asks_and_stays_at_the_stage(skipping: Client) -> None:
    async with rising(skipping) as engine:
        engine.world.source.blind = True
        incident = await rollout(engine)
        await incident.asked(Action.RESUME)
        (held,) = await incident.events(Held)
        await incident.end()
    assert engine.percents == {"exposure": [10], "index": [10]}
    assert "nothing shows that" in held.why
    assert "is healthy at 10 %" in held.why


@pytest.mark.parametrize("at", [60, 100])
async def test_the_way_up_never_lowers_what_is_higher_already(skipping: Client, at: int) -> None:
    async with rising(skipping) as engine:
        engine.index.put(service="chat", release=engine.world.release, percent=at)
        incident = await rollout(engine)
        await incident.result()
    assert engine.percents.get("index", []) == [100][: int(at < 100)]
