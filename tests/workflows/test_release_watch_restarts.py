"""A watch that is to follow another playbook while no worker has its observation, as after a restart."""

from __future__ import annotations

import asyncio

from temporalio.client import Client

from adapters.memory import MemoryWorld
from backout.model import digest_of
from backout.releases import Registration, ReleaseRecord
from gateway.watches import Watches
from tests.beating import reached
from tests.workflows.engine import PATIENCE_S, Engine
from tests.workflows.guarding import MODEL, STAYS_OPEN, Watched, a_world, guard_of, guarded, is_watching
from tests.workflows.playbooks import playbook

BOOK = playbook(*STAYS_OPEN)
NEWER = BOOK.model_copy(update={"version": 4})
SEEN = 20
"""Ticks that the running observation has seen; the one before it ended earlier."""


async def followed(watched: Watched) -> int:
    """Wait until it goes on by the newer snapshot; return with how many ticks."""
    async with asyncio.timeout(PATIENCE_S):
        while await watched.digest() != digest_of(NEWER):  # noqa: ASYNC110  # it is in a server
            await asyncio.sleep(0.01)
    return (await watched.view()).ticks


def a_record(world: MemoryWorld) -> ReleaseRecord:
    told = Registration(
        service=world.service,
        release=world.release,
        playbook=NEWER.playbook,
        owner="team-chat",
        artifacts=(MODEL,),
        baseline="r1",
    )
    return ReleaseRecord(registration=told, registered_at=guard_of(world).registered_at, by="pipeline")


async def test_after_a_restart_a_watch_follows_with_the_evidence_that_no_worker_has(waiting: Client) -> None:
    engine = Engine(waiting, a_world())
    async with engine.worker():
        watched = await guarded(engine, BOOK)
        await is_watching(watched)
        await watched.ticks(SEEN)
    left = await reached(watched.handle, SEEN)
    async with engine.worker(no_remote_activities=True):
        record, digest = a_record(engine.world), digest_of(NEWER)
        watches = Watches(client=waiting)
        assert not await watches.start(record=record, playbook=NEWER, digest=digest, within_s=PATIENCE_S)
        ticks = await followed(watched)
    await watched.handle.terminate()
    assert ticks == left.ticks
