"""The watch of a release: it guards from the first exposure until the release is retired."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from backout.evaluation import Outcome
from backout.guard_release import Follow
from backout.model import digest_of
from backout.releases import WatchView
from backout.timeline import ExposureSet, SignalsJudged
from backout.view import IncidentOutcome
from tests.workflows.conftest import started
from tests.workflows.engine import running
from tests.workflows.guarding import (
    STAYS_OPEN,
    STEPS,
    Watched,
    a_world,
    firings,
    guarded,
    holding_on_blindness,
)
from tests.workflows.playbooks import POSTMORTEM, playbook
from workflows.watch import DIGEST, ReleaseWatch


@pytest.fixture
async def short_histories() -> AsyncIterator[Client]:
    """Return a client of a server that finds a history long after a dozen events."""
    async with started({"limit.historyCount.suggestContinueAsNew": "12"}) as environment:
        with environment.with_time_skipping_disabled():
            yield environment.client


async def is_watching(watched: Watched) -> WatchView:
    """Let the first data come."""
    await watched.ticks(12)
    return await watched.until(lambda view: view.state == "watching")


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
        runs = await watched.incident_runs()
    assert (firings(view), runs, shown.summary.alerts) == (1, 1, 0)
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
        runs = await watched.incident_runs()
    (told,) = shown.firing
    assert (told.source, told.name) == ("backout-watch", "rule critical")
    assert told.starts_at == view.transitions[-1].at
    assert runs == 1


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
        runs = await watched.incident_runs()
    (blind,) = view.transitions[-1].evaluation.blind
    assert (blind.source, blind.criteria) == ("metrics", ("one", "two"))
    assert (runs, shown.summary.alerts, firings(view)) == (1, 0, 0)


async def test_a_release_without_traffic_is_blind_and_calls_nobody_until_it_has_traffic_again(
    waiting: Client,
) -> None:
    async with running(waiting, a_world(exposure=0)) as engine:
        world = engine.world
        watched = await guarded(engine, holding_on_blindness())
        await is_watching(watched)
        world.source.blind = True
        world.clock.go_on()
        view = await watched.until(lambda view: view.ticks > 2000)
        assert not view.incident
        world.target.put(service=world.service, release=world.release, percent=10)
        await watched.until(lambda view: view.incident)


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


async def test_evidence_goes_along_into_a_fresh_history(short_histories: Client) -> None:
    async with running(short_histories, a_world()) as engine:
        world = engine.world
        watched = await guarded(engine)
        began = await is_watching(watched)
        first = (await watched.handle.describe()).run_id
        world.sicken()
        await watched.ticks(8)
        world.source.blind = True
        await watched.ticks(10)
        before = await watched.until(lambda view: view.transitions[-1].evaluation.blind)
        world.source.blind = False
        await watched.ticks(10)  # too few to fire by themselves
        view = await watched.until(lambda view: view.incident)
        last = (await watched.handle.describe()).run_id
    assert first != last
    assert view.since == began.since
    assert view.transitions[: len(before.transitions)] == before.transitions


async def test_a_source_that_nobody_knows_ends_no_watch_and_is_said(skipping: Client) -> None:
    book = holding_on_blindness()
    nowhere = book.signals["errors"].model_copy(update={"source": "nowhere"})
    unknown = book.model_copy(update={"signals": {"errors": nowhere}, "version": 4})
    async with running(skipping, a_world()) as engine:
        watched = await guarded(engine, book)
        await is_watching(watched)
        await watched.follow(unknown)
        view = await watched.until(lambda view: view.trouble and view.incident)
        await watched.follow(book)
        engine.world.clock.go_on()
        well = await watched.until(lambda view: not view.trouble)
        await watched.retire()
        await watched.ended()
    assert "Unknown source 'nowhere'. Known: metrics" in view.trouble
    (blind,) = view.transitions[-1].evaluation.blind
    assert (blind.source, blind.criteria, blind.do) == ("nowhere", ("one", "two"), "hold")
    assert not well.transitions[-1].evaluation.blind


async def test_another_snapshot_of_the_playbook_goes_on_with_the_evidence(waiting: Client) -> None:
    book = playbook(*STAYS_OPEN)
    newer = book.model_copy(update={"version": 4, "scenario": "Another sentence."})
    async with running(waiting, a_world(is_well=False)) as engine:
        watched = await guarded(engine, book)
        await watched.ticks(12)
        await watched.follow(newer)
        await watched.ticks(7)  # too few to fire by themselves
        await watched.until(lambda view: view.incident)
        shown = await watched.incident.view()
    assert (shown.playbook.version, shown.digest) == (4, digest_of(newer))


async def test_an_incident_goes_on_when_its_release_is_guarded_no_longer(waiting: Client) -> None:
    async with running(waiting, a_world(is_well=False)) as engine:
        watched = await guarded(engine, playbook(*STAYS_OPEN))
        engine.world.clock.go_on()
        await watched.until(lambda view: view.incident)
        await watched.retire()
        await watched.ended()
        shown = await watched.incident.handle.describe()
    assert shown.status is WorkflowExecutionStatus.RUNNING


async def test_thirty_days_of_a_healthy_release_are_few_events(
    waiting: Client,
    record_property: Any,  # noqa: ANN401  # pytest's own fixture
) -> None:
    async with running(waiting, a_world()) as engine:
        watched = await guarded(engine, playbook(*STEPS, tick="5m"))
        engine.world.clock.go_on()
        view = await watched.until(lambda view: view.ticks >= 30 * 24 * 12)
        events = await watched.events()
        runs = await watched.incident_runs()
    record_property("events per watch-day", events / 30)
    assert events / 30 < 12
    assert (len(view.transitions), view.state, runs) == (1, "watching", 0)


async def test_an_error_that_no_attempt_survives_is_said_while_the_watch_is_tried_again(
    skipping: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(skipping, a_world()) as engine:
        watched = await guarded(engine, holding_on_blindness())
        await is_watching(watched)
        monkeypatch.setattr(engine.world.source, "look", None)
        engine.world.clock.go_on()
        view = await watched.until(lambda view: view.incident)
        await watched.retire()
        await watched.ended()
    assert "not callable" in view.trouble


async def test_a_fresh_history_still_says_which_snapshot_it_follows(short_histories: Client) -> None:
    book = playbook(*STAYS_OPEN)
    newer = book.model_copy(update={"version": 4})
    async with running(short_histories, a_world()) as engine:
        watched = await guarded(engine, book)
        await is_watching(watched)
        await watched.follow(newer)
        first = (await watched.handle.describe()).run_id
        while (told := await watched.handle.describe()).run_id == first:
            engine.world.source.blind = not engine.world.source.blind
            await watched.ticks(10)
        digest = await told.memo_value(DIGEST, "")
    assert digest == digest_of(newer)


async def test_a_snapshot_that_is_taken_back_before_it_is_followed_is_not_followed(waiting: Client) -> None:
    book = playbook(*STAYS_OPEN)
    newer = book.model_copy(update={"version": 4})
    async with running(waiting, a_world(is_well=False)) as engine:
        watched = await guarded(engine, book)
        await watched.ticks(2)
        for one in (newer, book):
            change = Follow(playbook=one, digest=digest_of(one))
            await watched.handle.execute_update(ReleaseWatch.follow, change)
        engine.world.clock.go_on()
        await watched.until(lambda view: view.incident)
        shown = await watched.incident.view()
    assert shown.playbook.version == book.version
