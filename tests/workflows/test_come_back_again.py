"""A way back up that fails, is late, or has to wait is tried again upwards: it never turns down by itself."""

from __future__ import annotations

from datetime import timedelta

from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from backout.people import Action
from backout.timeline import StepTimedOut
from tests.workflows.engine import Engine, Incidents, running
from tests.workflows.playbooks import MANUAL, POSTMORTEM, REVERT, playbook
from tests.workflows.release_sets import SET, SetEngine
from tests.workflows.test_come_back import WHY, recovered
from tests.workflows.test_people import percents


async def test_the_playbooks_retry_of_a_failure_comes_back_again(
    server: WorkflowEnvironment, waiting: Client
) -> None:
    async with running(waiting) as engine:
        incident = await recovered(engine, soaks=1, step={**REVERT, "on_failure": "retry"})
        engine.world.target.refuses = "wrong token"
        await incident.act("bob", Action.COME_BACK, **WHY)
        await incident.until(lambda view: "wrong token" in view.timeline[-1].line)
        engine.world.target.refuses = ""
        await server.fast_forward(incident.handle, timedelta(seconds=2))
        summary = await incident.result()
    assert percents(engine) == [50, 10, 50, 100]
    assert summary.exposure == 100


async def test_its_retry_of_what_took_too_long_comes_back_again(
    server: WorkflowEnvironment, waiting: Client
) -> None:
    async with running(waiting) as engine:
        parts = SetEngine(engine, 100)
        late = {**SET, "on_timeout": "retry", "mixed_for": "9m"}
        incident = await recovered(engine, step=late, within="5m")
        parts.index.refuses_from = 100
        await incident.act("bob", Action.COME_BACK, **WHY)
        await incident.until(lambda view: view.summary.exposures["exposure"] == 100)
        await server.fast_forward(incident.handle, timedelta(minutes=5))
        await incident.until(lambda view: any(isinstance(event, StepTimedOut) for event in view.timeline))
        parts.index.refuses_from = 101
        await server.fast_forward(incident.handle, timedelta(seconds=2))
        await incident.result()
    assert {name: parts.percents[name] for name in ("exposure", "index")} == {
        "exposure": [50, 100],
        "index": [50, 100],
    }


async def failed_on_the_way_up(engine: Engine) -> Incidents:
    """Hold because the target refused to come back; it takes what comes next."""
    incident = await recovered(engine, soaks=1)
    engine.world.target.refuses = "wrong token"
    await incident.act("bob", Action.COME_BACK, **WHY)
    await incident.until(lambda view: "wrong token" in view.held and view.asks)
    engine.world.target.refuses = ""
    return incident


async def test_after_a_failure_a_person_retries_it_upwards(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await failed_on_the_way_up(engine)
        await incident.act("bob", Action.RETRY)
        await incident.result()
    assert percents(engine) == [50, 10, 50, 100]


async def test_after_a_failure_a_person_resumes_it_downwards(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await failed_on_the_way_up(engine)
        engine.world.sicken()
        await incident.act("bob", Action.RESUME)
        await incident.result()
    assert percents(engine) == [50, 10, 0]


async def test_a_person_retries_a_set_that_did_not_get_up_upwards_too(waiting: Client) -> None:
    async with running(waiting) as engine:
        parts = SetEngine(engine, 100)
        incident = await recovered(engine, step={**SET, "on_target_failure": "put_back"})
        parts.index.refuses_from = 100
        await incident.act("bob", Action.COME_BACK, **WHY)
        await incident.until(lambda view: "index could not be brought" in view.held and view.asks)
        parts.index.refuses_from = 101
        await incident.act("bob", Action.RETRY)
        await incident.result()
    assert parts.percents["exposure"] == [50, 100, 50, 100]


async def test_where_another_incident_has_the_target_people_come_back_once_it_is_over(
    waiting: Client,
) -> None:
    async with running(waiting) as engine:
        incident = await recovered(engine)
        other = await engine.open(playbook(MANUAL, POSTMORTEM))
        engine.world.leases.held["exposure", "chat"] = other.handle.id
        await incident.act("bob", Action.COME_BACK, **WHY)
        view = await incident.until(lambda view: "is being changed by incident" in view.held and view.asks)
        await other.end()
        await incident.act("bob", Action.COME_BACK, reason="that one is over")
        await incident.result()
    assert "come back once that one is over" in view.held
    assert percents(engine) == [50, 100]
