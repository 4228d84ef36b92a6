"""The watch of a release: it guards from the first exposure until the release is retired."""

from __future__ import annotations

from datetime import timedelta

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from backout.evaluation import Outcome
from backout.timeline import SignalsJudged
from backout.timeline_exposure import ExposureSet
from backout.view import IncidentOutcome
from tests.workflows.engine import running
from tests.workflows.guarding import (
    STAYS_OPEN,
    a_world,
    firings,
    guarded,
    holding_on_blindness,
    is_watching,
)
from tests.workflows.playbooks import POSTMORTEM, playbook


async def test_a_release_that_turns_bad_hours_after_the_last_stage_is_reverted_with_the_evidence(
    waiting: Client,
) -> None:
    async with running(waiting, a_world()) as engine:
        world = engine.world
        watched = await guarded(engine)
        await is_watching(watched)
        world.clock.advance(timedelta(hours=7))
        world.sicken()
        world.clock.go_on()
        view = await watched.until(lambda view: view.incident)
        summary = await watched.incident.result()
        judged = await watched.incident.events(SignalsJudged)
        stages = await watched.incident.events(ExposureSet)
    fired = view.transitions[-1].evaluation
    assert (fired.outcome, fired.rule) == (Outcome.FIRED, "critical")
    assert fired.factors[0].evidence >= fired.factors[0].need
    assert judged[0].evaluation.rule == "critical"
    assert judged[0].evaluation.factors[0] == fired.factors[0]
    assert summary.outcome is IncidentOutcome.RECOVERED
    assert [stage.after for stage in stages] == [50, 10, 0]


async def test_before_the_first_data_a_release_is_waited_for_and_nobody_is_called(waiting: Client) -> None:
    async with running(waiting, a_world()) as engine:
        engine.world.source.blind = True
        watched = await guarded(engine, holding_on_blindness())
        await watched.ticks(200)
        view = await watched.view()
        assert (view.state, view.transitions, view.incident) == ("waiting", (), "")
        engine.world.source.blind = False
        engine.world.clock.go_on()
        view = await watched.until(lambda view: view.state == "watching")
    assert not view.incident


async def test_one_firing_calls_people_once_however_long_it_lasts(waiting: Client) -> None:
    async with running(waiting, a_world(is_well=False)) as engine:
        watched = await guarded(engine, playbook(*STAYS_OPEN))
        engine.world.clock.go_on()
        await watched.until(lambda view: view.state == "fired")
        view = await watched.until(lambda view: view.ticks > 2000)
        shown = await watched.incident.view()
        await watched.until_incidents(1)
    assert (firings(view), shown.summary.alerts) == (1, 0)
    assert shown.shipped_by == "team-chat"
    assert view.state == "fired"


async def test_a_rule_that_is_armed_again_and_fires_again_tells_the_incident_that_is_open(
    waiting: Client,
) -> None:
    async with running(waiting, a_world(is_well=False)) as engine:
        watched = await guarded(engine, playbook(*STAYS_OPEN))
        engine.world.clock.go_on()
        await watched.until(lambda view: view.state == "fired")
        engine.world.heal()
        await watched.until(lambda view: view.state == "watching")
        engine.world.sicken()
        shown = await watched.incident.until(lambda view: view.summary.alerts)
        view = await watched.until(lambda view: firings(view) == 2)
        await watched.until_incidents(1)
        history = [event.event_type async for event in watched.handle.fetch_history_events()]
    (told,) = shown.firing
    assert (told.source, told.name) == ("backout-watch", "rule critical")
    assert told.starts_at == view.transitions[-1].at
    assert EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_FAILED not in history


async def test_a_rule_that_fires_again_after_its_incident_opens_another_one(waiting: Client) -> None:
    async with running(waiting, a_world(is_well=False)) as engine:
        watched = await guarded(engine, playbook(POSTMORTEM))
        engine.world.clock.go_on()
        await watched.until(lambda view: view.incident)
        await watched.incident.result()
        engine.world.heal()
        await watched.until(lambda view: view.state == "watching")
        engine.world.sicken()
        await watched.until(lambda view: firings(view) == 2)
        await watched.until_incidents(2)


async def test_a_blind_source_calls_people_once_for_all_of_its_criteria(waiting: Client) -> None:
    async with running(waiting, a_world()) as engine:
        watched = await guarded(engine, holding_on_blindness(tick="5m"))
        await is_watching(watched)
        engine.world.source.blind = True
        engine.world.clock.go_on()
        await watched.until(lambda view: view.incident)
        view = await watched.until(lambda view: view.ticks > 700)  # more than two days
        shown = await watched.incident.view()
        await watched.until_incidents(1)
    (blind,) = view.transitions[-1].evaluation.blind
    assert (blind.source, blind.criteria) == ("metrics", ("one", "two"))
    assert (shown.summary.alerts, firings(view)) == (0, 0)


async def test_a_retired_release_is_guarded_no_longer_from_that_moment_on(waiting: Client) -> None:
    async with running(waiting, a_world(is_well=False)) as engine:
        watched = await guarded(engine)
        await watched.ticks(2)
        said = await watched.retire()
        view = await watched.ended()
        engine.world.clock.go_on()
        runs = await watched.incident_runs()
    assert said.state == view.state == "retired"
    assert (view.retired, view.incident, runs) == ("replaced by r3", "", 0)


@pytest.mark.parametrize(("why", "said"), [("", "needs a reason"), ("x" * 501, "longer than 500")])
async def test_a_retirement_without_a_sensible_reason_is_refused(
    waiting: Client, why: str, said: str
) -> None:
    async with running(waiting, a_world()) as engine:
        watched = await guarded(engine)
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await watched.retire(why)
        assert (await watched.view()).state == "waiting"
    assert isinstance(refused.value.cause, ApplicationError)
    assert said in refused.value.cause.message


async def test_a_cancel_in_temporal_is_no_retirement(waiting: Client) -> None:
    async with running(waiting, a_world(is_well=False)) as engine:
        watched = await guarded(engine, playbook(*STAYS_OPEN))
        await watched.ticks(2)
        await watched.handle.cancel()
        engine.world.clock.go_on()
        view = await watched.until(lambda view: view.incident)
    assert view.state == "fired"


async def test_an_incident_goes_on_when_its_release_is_guarded_no_longer(waiting: Client) -> None:
    async with running(waiting, a_world(is_well=False)) as engine:
        watched = await guarded(engine, playbook(*STAYS_OPEN))
        engine.world.clock.go_on()
        await watched.until(lambda view: view.incident)
        await watched.retire()
        await watched.ended()
        shown = await watched.incident.handle.describe()
    assert shown.status is WorkflowExecutionStatus.RUNNING
