"""An emergency takes a whole release set off; nothing comes back because another target fails."""

from __future__ import annotations

from typing import Any

import pytest
from temporalio.client import Client

from adapters.memory import MemoryCheck, MemoryTarget
from backout.people import Action
from backout.timeline import StepFailed
from backout.timeline_exposure import CapacitySet, RevertStopped, StagePutBack
from tests.workflows.engine import Incidents, alert
from tests.workflows.playbooks import DETECT, POSTMORTEM, playbook
from tests.workflows.release_sets import SET, SetEngine, set_running
from tests.workflows.test_emergency import ROLES, WHY


async def reverting(engine: SetEngine, *, baseline: str = "", **changes: Any) -> Incidents:  # noqa: ANN401
    """Open an incident on the set in which a person may call an emergency."""
    book = playbook(DETECT, {**SET, **changes}, POSTMORTEM, roles=ROLES)
    return await engine.engine.open(book, alert("ProviderDown"), baseline=baseline)


async def test_from_the_middle_of_a_stage_everything_goes_off_and_nothing_is_put_back(
    waiting: Client,
) -> None:
    async with set_running(waiting) as engine:
        engine.index.writes.pause()
        incident = await reverting(engine)
        await engine.index.writes.reached(1)
        await incident.act("bob", Action.EMERGENCY, **WHY)
        await engine.index.writes.reached(2)  # The first one is cancelled.
        engine.index.writes.go_on()
        summary = await incident.result()
        assert await incident.events(StagePutBack) == []
    assert engine.percents == {"exposure": [50, 0], "index": [0], "alias": [0]}
    assert summary.exposure == 0


async def test_a_stage_that_waits_to_be_put_back_is_taken_off_instead(waiting: Client) -> None:
    async with set_running(waiting) as engine:
        engine.index.writes.pause()
        incident = await reverting(engine)
        await engine.index.writes.reached(1)
        await incident.act("alice", Action.HOLD, reason="look")
        await incident.until(lambda view: any(isinstance(event, RevertStopped) for event in view.timeline))
        engine.index.writes.go_on()
        await incident.act("bob", Action.EMERGENCY, **WHY)
        await incident.result()
        assert await incident.events(StagePutBack) == []
    assert engine.percents == {"exposure": [50, 0], "index": [0], "alias": [0]}


@pytest.mark.parametrize("policy", ["push_on", "put_back"])
async def test_one_that_cannot_be_taken_off_does_not_bring_the_others_back(
    skipping: Client, policy: str
) -> None:
    async with set_running(skipping) as engine:
        engine.index.refuses_below = 50
        engine.world.clock.pause()
        incident = await reverting(engine, on_target_failure=policy)
        await engine.world.clock.reached(1)
        await incident.act("bob", Action.EMERGENCY, **WHY)
        view = await incident.until(
            lambda view: any(isinstance(event, StepFailed) for event in view.timeline)
        )
        await incident.end()
    (failed,) = [event for event in view.timeline if isinstance(event, StepFailed)]
    assert engine.percents == {"exposure": [50, 0], "index": [50], "alias": [0]}
    assert "index could not be brought to stage 0 %" in failed.error
    assert "exposure at 0 %, index at 50 %, when last read, alias at 0 %" in failed.error
    assert "MIXED since" in failed.error


async def test_it_does_not_wait_for_the_baselines_capacity(waiting: Client) -> None:
    async with set_running(waiting) as engine:
        replicas, check = MemoryTarget(engine.world.clock, {("chat", "r1"): 10}), MemoryCheck("ready")
        check.passes = False
        engine.engine.targets["replicas"], engine.engine.checks["ready"] = replicas, check
        capacity = {"target": "replicas", "checks": ["ready"], "within": "10m"}
        incident = await reverting(engine, baseline="r1", capacity=capacity)
        await incident.until(lambda view: any(isinstance(event, CapacitySet) for event in view.timeline))
        assert engine.percents == {}
        await incident.act("bob", Action.EMERGENCY, **WHY)
        await incident.result()
    assert engine.percents == {"exposure": [0], "index": [0], "alias": [0]}
    assert [change.percent for change in replicas.changes] == [100]
