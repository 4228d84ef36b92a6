"""Capacity first: the baseline is given what it needs, and is ready, before any traffic comes back to it."""

from __future__ import annotations

from typing import Any

from temporalio.client import Client

from adapters.memory import MemoryCheck, MemoryTarget
from backout.messages import CheckResult
from backout.people import Action
from backout.requests import RunCheck
from backout.timeline import StepFailed
from backout.timeline_exposure import CapacitySet, CheckRun
from tests.workflows.engine import Incidents
from tests.workflows.release_sets import SetEngine, set_running

CAPACITY = {"target": "replicas", "percent": 100, "checks": ["ready"], "within": "2m"}


def with_replicas(engine: SetEngine, at: int = 10) -> tuple[MemoryTarget, MemoryCheck]:
    """Let a fourth target hold the baseline's capacity, and a check say whether it is ready."""
    replicas = MemoryTarget(engine.world.clock, {("chat", "r1"): at})
    check = MemoryCheck("ready")
    engine.engine.targets["replicas"], engine.engine.checks["ready"] = replicas, check
    return replicas, check


async def revert(engine: SetEngine, *, baseline: str = "r1", **changes: Any) -> Incidents:  # noqa: ANN401
    return await engine.revert(baseline=baseline, **{"capacity": CAPACITY, **changes})


async def test_the_baseline_is_ready_before_the_first_stage(skipping: Client) -> None:
    async with set_running(skipping) as engine:
        replicas, _ = with_replicas(engine)
        incident = await revert(engine)
        await incident.result()
        (given,) = await incident.events(CapacitySet)
        view = await incident.view()
    order = [
        event.event for event in view.timeline if event.event in {"CapacitySet", "CheckRun", "ExposureSet"}
    ]
    assert order[:3] == ["CapacitySet", "CheckRun", "ExposureSet"]
    assert [(change.release, change.percent) for change in replicas.changes] == [("r1", 100)]
    assert replicas.changes[0].key.endswith("/revert/1/capacity")
    assert given.line == "Capacity of r1 on replicas set from 10 % to 100 % and read back"


class ReadyLater(MemoryCheck):
    """A check that passes when it is looked at for the third time."""

    looks = 0

    async def run(self, *, asked: RunCheck) -> CheckResult:
        """Count the look."""
        self.looks += 1
        self.passes = self.looks > 2
        return await super().run(asked=asked)


async def test_its_checks_are_looked_at_until_they_pass(skipping: Client) -> None:
    async with set_running(skipping) as engine:
        with_replicas(engine)
        check = ReadyLater("ready")
        engine.engine.checks["ready"] = check
        incident = await revert(engine)
        await incident.result()
        (run,) = await incident.events(CheckRun)
    assert (run.passed, check.looks) == (True, 3)
    assert engine.percents["exposure"] == [50, 10, 0]


async def test_a_baseline_that_is_not_ready_in_time_fails_the_step_and_changes_nothing(
    skipping: Client,
) -> None:
    async with set_running(skipping) as engine:
        replicas, check = with_replicas(engine)
        check.passes, check.found = False, "3 of 8 replicas are ready"
        incident = await revert(engine)
        await incident.asked(Action.RESUME)
        (failed,) = await incident.events(StepFailed)
        (run,) = await incident.events(CheckRun)
        await incident.end()
    assert failed.error == (
        "no exposure was changed: r1 was not ready within 2m: ready: 3 of 8 replicas are ready"
    )
    assert not run.passed
    assert engine.percents == {}
    assert len(replicas.changes) == 1


async def test_capacity_is_never_taken_away(skipping: Client) -> None:
    async with set_running(skipping) as engine:
        replicas, _ = with_replicas(engine, at=90)
        incident = await revert(engine, capacity=CAPACITY | {"percent": 50})
        await incident.result()
        (given,) = await incident.events(CapacitySet)
    assert replicas.changes == []
    assert given.line == "Capacity of r1 on replicas was at 90 % already"


async def test_without_a_known_baseline_nothing_can_be_made_ready(skipping: Client) -> None:
    async with set_running(skipping) as engine:
        with_replicas(engine)
        incident = await revert(engine, baseline="")
        await incident.asked(Action.RESUME)
        (failed,) = await incident.events(StepFailed)
        await incident.end()
    assert "no last known good release is known to go back to, so" in failed.error
    assert "backout release baseline" in failed.error
    assert engine.percents == {}
