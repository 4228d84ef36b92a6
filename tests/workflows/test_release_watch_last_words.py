"""Observations that are stopped just after their worker died: what they left in their heartbeats counts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from temporalio import activity
from temporalio.client import Client, WorkflowHandle

from adapters.memory import MemoryWorld
from backout.guard_release import Follow
from backout.model import digest_of
from backout.watch import Watch
from tests.beating import left_behind, observations
from tests.workflows.engine import PATIENCE_S, Engine, alert, running
from tests.workflows.guarding import STAYS_OPEN, a_world, guarded, is_watching
from tests.workflows.playbooks import DETECT, POSTMORTEM, REVERT, playbook
from workflows.watch import ReleaseWatch

LAST_WORDS = ("these were its last words",)
BOTH = [{"id": "both", "authority": "auto", "when": {"at_least": 2, "of": ["error_rate", "provider"]}}]
"""A rule that takes an alert beside a signal."""


class Pulse:
    """The heartbeats of the observations under test: to the engine a worker is dead once they end."""

    def __init__(self, beat: Callable[[Watch], None]) -> None:
        self.buried = asyncio.Event()
        self._beat = beat
        self._is_dying = self._is_dead = False

    def __call__(self, left: Watch) -> None:
        """Beat, for the last time where it is dying."""
        if self._is_dead:
            return
        self._is_dead = self._is_dying
        self._beat(left.model_copy(update={"not_counted": LAST_WORDS}) if self._is_dying else left)

    def sleeping(self, world: MemoryWorld) -> Callable[..., Coroutine[Any, Any, None]]:
        """Return a sleep that nobody wakes: what is dead answers no cancellation either."""
        sleep = world.clock.sleep

        async def deaf(*, duration: timedelta) -> None:
            try:
                await sleep(duration=duration)
            except asyncio.CancelledError:
                await self.buried.wait()
                raise

        return deaf

    async def ends(self, handle: WorkflowHandle[Any, Any]) -> None:
        """Let it end, and wait until the engine has heard the last of it."""
        self._is_dying = True
        async with asyncio.timeout(PATIENCE_S):
            while not ((left := await left_behind(handle)) and left.not_counted):  # noqa: ASYNC110  # in a server
                await asyncio.sleep(0.01)


@asynccontextmanager
async def mortal(client: Client, pulse: Pulse) -> AsyncIterator[Engine]:
    """Run a worker whose observations die with the pulse."""
    world = a_world()
    world.clock.sleep = pulse.sleeping(world)  # type: ignore[method-assign]
    async with running(client, world) as engine:
        try:
            yield engine
        finally:
            pulse.buried.set()


@pytest.fixture
def pulse(monkeypatch: pytest.MonkeyPatch) -> Pulse:
    pulse = Pulse(activity.heartbeat)
    monkeypatch.setattr(activity, "heartbeat", pulse)
    return pulse


async def test_a_watch_that_is_to_follow_after_its_worker_died(waiting: Client, pulse: Pulse) -> None:
    book = playbook(*STAYS_OPEN, tick="100ms")
    newer = book.model_copy(update={"version": 4})
    async with mortal(waiting, pulse) as engine:
        watched = await guarded(engine, book)
        await is_watching(watched)
        await pulse.ends(watched.handle)
        change = Follow(playbook=newer, digest=digest_of(newer))
        await watched.handle.execute_update(ReleaseWatch.follow, change)
        asked = await observations(watched.handle, 3)
        await watched.handle.terminate()
    assert [one.resume and one.resume.not_counted for one in asked[1:]] == [(), LAST_WORDS]


async def test_detection_that_hears_an_alert_after_its_worker_died(waiting: Client, pulse: Pulse) -> None:
    async with mortal(waiting, pulse) as engine:
        incident = await engine.open(playbook(DETECT, REVERT, POSTMORTEM, rules=BOTH))
        await engine.world.clock.reached(1)
        await pulse.ends(incident.handle)
        await incident.handle.signal("alert", alert("ProviderDown", fingerprint="f2"))
        asked = await observations(incident.handle, 2)
        await incident.end()
    assert [one.resume and one.resume.not_counted for one in asked] == [None, LAST_WORDS]
