"""Watches beat as often as the engine waits for them, and many of them leave room for others."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal

import pytest

from adapters.memory import MemoryWorld
from backout import triggers
from tests.unit.attempts import Attempts
from tests.unit.observing import request, watching

PATIENCE_S = 60


async def test_a_source_that_hangs_keeps_no_heartbeat_from_coming_in_time() -> None:
    world, attempts = MemoryWorld(), Attempts()
    world.source.pause()
    environment = attempts.environment()
    environment.info = replace(environment.info, heartbeat_timeout=timedelta(milliseconds=40))
    running = asyncio.create_task(environment.run(watching(world).observe, request()))
    async with asyncio.timeout(PATIENCE_S):
        while len(attempts.heartbeats) < 20:  # noqa: ASYNC110  # they come from another task
            await asyncio.sleep(0.001)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert world.source.looks == 1


async def test_between_the_decisions_of_two_watches_others_have_their_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    turns, decided = 0, []
    decide = triggers.tick

    def noted(*some: Any, **more: Any) -> Any:  # noqa: ANN401  # passed on as they are
        decided.append(turns)
        return decide(*some, **more)

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    monkeypatch.setattr(triggers, "tick", noted)
    beside = asyncio.create_task(others())
    activities = watching(MemoryWorld())
    await asyncio.gather(*(Attempts().run(activities.observe, request()) for _ in range(10)))
    beside.cancel()
    assert len(decided) > 100
    assert len(set(decided)) == len(decided)


@pytest.mark.parametrize("sense", ["breach", "watch"])
async def test_a_firing_that_a_killed_worker_could_not_tell_is_told_by_the_next(
    sense: Literal["breach", "watch"], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("activities.signals.HEARTBEAT_S", 0.001)
    world, attempts = MemoryWorld(), Attempts()
    first = await attempts.run(watching(world).observe, request(sense))
    again = await attempts.run(watching(world).observe, request(sense))
    assert attempts.heartbeats
    assert (first.evaluation.rule, again.evaluation.rule) == ("critical", "critical")
    assert again.ticks <= first.ticks + 1
