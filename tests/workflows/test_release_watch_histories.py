"""The histories of a release's watch: few events, and what is carried into a fresh one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from temporalio.client import Client

from backout.model import digest_of
from tests.workflows.conftest import started
from tests.workflows.engine import running
from tests.workflows.guarding import STAYS_OPEN, STEPS, a_world, guarded, is_watching
from tests.workflows.playbooks import playbook
from workflows.watch import DIGEST


@pytest.fixture
async def short_histories() -> AsyncIterator[Client]:
    """Return a client of a server that finds a history long after a dozen events."""
    async with started({"limit.historyCount.suggestContinueAsNew": "12"}) as environment:
        with environment.with_time_skipping_disabled():
            yield environment.client


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
