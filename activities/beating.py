"""Heartbeats of an activity that takes long: a worker that dies is noticed, and "stop" reaches it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from temporalio import activity

BEATS = 4
"""Heartbeats, at least, in the time after which the worker is taken for dead."""
MOST_S = 0.5
"""Seconds between two of them at most: "stop" may come with the answer to one."""


@asynccontextmanager
async def beating(details: Callable[[], tuple[object, ...]] = tuple) -> AsyncIterator[None]:
    """Tell the engine that we are at it, as often as its options ask for; `details` say how far we are."""
    timeout = activity.info().heartbeat_timeout
    if timeout is None:
        yield
        return
    every_s = min(timeout.total_seconds() / BEATS, MOST_S)

    async def beat() -> None:
        while True:
            activity.heartbeat(*details())
            await asyncio.sleep(every_s)

    beats = asyncio.create_task(beat())
    try:
        yield
    finally:
        beats.cancel()
        with suppress(asyncio.CancelledError):
            await beats
