"""A release set whose baseline takes hours, and one whose pointer flips last."""

from __future__ import annotations

from temporalio.client import Client

from backout.people import Action
from backout.timeline import StepFailed
from backout.timeline_exposure import ExposureSet
from tests.workflows.engine import running
from tests.workflows.playbooks import VERIFY
from tests.workflows.release_sets import SET, SetEngine, set_running
from tests.workflows.test_come_back import recovered
from tests.workflows.test_release_sets_capacity import CAPACITY, ReadyLater, revert, with_replicas
from workflows import options


class NeverReady(ReadyLater):
    """A check that counts its looks and never passes."""

    @property
    def passes(self) -> bool:
        return False

    @passes.setter
    def passes(self, passes: bool) -> None:
        """Stay as it is."""


async def test_a_baseline_that_takes_hours_is_looked_at_so_often_that_the_history_has_an_end(
    skipping: Client,
) -> None:
    async with set_running(skipping) as engine:
        with_replicas(engine)
        check = engine.engine.checks["ready"] = NeverReady("ready")
        incident = await revert(engine, capacity={**CAPACITY, "within": "2h"}, within="3h")
        await incident.until(lambda view: any(isinstance(event, StepFailed) for event in view.timeline))
        await incident.end()
    assert options.MOST_LOOKS <= check.looks <= options.MOST_LOOKS + 2


async def test_a_verification_goes_further_from_where_traffic_is_not_from_where_a_pointer_stands(
    waiting: Client,
) -> None:
    parts = ({"target": "exposure"}, {"target": "index"}, {"target": "alias", "flips_at": 0})
    further = {**VERIFY, "on_failure": "go_further", "on_timeout": "hold"}
    async with running(waiting) as engine:
        world = SetEngine(engine, 100)
        incident = await recovered(engine, further, soaks=1, step={**SET, "targets": parts})
        engine.world.sicken()
        await incident.act("bob", Action.SKIP, reason="well here")
        await incident.result()
        stages = [event.stage for event in await incident.events(ExposureSet) if event.target == "index"]
    assert stages == [50, 10, 0]
    assert world.percents["alias"] == [0]
