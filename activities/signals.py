"""Watch signals: the only place where ticks happen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from temporalio import activity

from activities.failures import told_to_temporal
from activities.looking import Eyes
from activities.sight import Sight
from backout.counting import Query
from backout.errors import RejectedBySystem, UnknownName
from backout.guard import Place
from backout.ports import Clock, Marks, Source
from backout.requests import CountRequests, Observation, Observe, RequestCount
from backout.streams import asked
from backout.watch import Watch

HEARTBEAT_S, BEATS = 0.5, 4
"""Seconds between heartbeats; so many of them in the time after which the worker is taken for dead."""


class SignalActivities:
    """The sources of the site."""

    def __init__(self, *, sources: Mapping[str, Source], clock: Clock, marks: Marks | None = None) -> None:
        """Serve these sources, by name; `marks` keeps the external events that were marked."""
        self._sources = sources
        self._clock = clock
        self._marks = marks
        self._turns = asyncio.Lock()

    @activity.defn
    async def observe(self, request: Observe) -> Observation:
        """Watch tick by tick until the signals say something or the time is over.

        The watch's state travels in the heartbeat, so that another worker goes on with the same evidence.
        Where its workflow cancels it, it hands over how far it came.
        """
        with told_to_temporal():
            eyes = Eyes(sources=self._sources, marks=self._marks, guard=request.guard, place=request.place)
            sight = Sight(request, _resumed(), now=self._clock.now())
            async with _heartbeats(sight):
                try:
                    await self._watch(sight, eyes, request.tick)
                except asyncio.CancelledError:
                    if not _is_asked_to_stop():
                        raise
                return sight.observation()

    @activity.defn
    async def count_requests(self, request: CountRequests) -> RequestCount:
        """Read how many requests the candidate has served."""
        name = request.count.source
        with told_to_temporal():
            if name not in self._sources:
                raise UnknownName(kind="source", name=name, known=self._sources)
            place = Place(service=request.service, release=request.release)
            (counted,) = await self._sources[name].look(
                queries=(asked(Query(text=request.count.query), place),)
            )
            if counted.problem:
                raise RejectedBySystem(what=f"source {name}", why=counted.problem)
            return RequestCount(served=counted.total)

    async def _watch(self, sight: Sight, eyes: Eyes, tick: timedelta) -> None:
        if sight.remembers:
            now = self._clock.now()
            await sight.recall(await eyes.past(start=now - sight.remembers, end=now, tick=tick))
        while not sight.is_over(now=self._clock.now()):
            if pause := sight.pause(now=self._clock.now()):
                await self._clock.sleep(duration=pause)
            seen = await eyes.look(at=self._clock.now())
            async with self._turns:
                sight.take(*seen)
                await asyncio.sleep(0)  # of a thousand that look together, others come by between each two


def _resumed() -> Watch | None:
    """Return the watch that an earlier attempt left in its last heartbeat."""
    details = activity.info().heartbeat_details
    return Watch.model_validate(details[0]) if details else None


def _is_asked_to_stop() -> bool:
    """Say whether the workflow wants the end; a worker that shuts down leaves the watch to another."""
    details = activity.cancellation_details()
    return details is not None and details.cancel_requested


@asynccontextmanager
async def _heartbeats(sight: Sight) -> AsyncIterator[None]:
    """Tell with every look how far it came, and often enough that we are at it."""
    timeout = activity.info().heartbeat_timeout
    every_s = timeout.total_seconds() / BEATS if timeout else HEARTBEAT_S

    async def beat() -> None:
        while True:
            activity.heartbeat(sight.left)
            sight.looked.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(every_s):
                    await sight.looked.wait()

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
        with suppress(asyncio.CancelledError):
            await beating
