"""Watch signals: the only place where ticks happen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from math import ceil
from string import Template

from temporalio import activity

from activities.failures import told_to_temporal
from backout import triggers
from backout.counting import Totals
from backout.errors import BackoutError, UnknownName
from backout.evaluation import Evaluation, Outcome
from backout.ports import Clock, Source
from backout.requests import CountRequests, Observation, Observe, RequestCount
from backout.watch import Watch

HEARTBEAT_S = 0.5


class SignalActivities:
    """The sources of the site."""

    def __init__(self, *, sources: Mapping[str, Source], clock: Clock) -> None:
        """Serve these sources, by name."""
        self._sources = sources
        self._clock = clock

    @activity.defn
    async def observe(self, request: Observe) -> Observation:
        """Watch tick by tick until the signals say something or the time is over.

        The watch's state travels in the heartbeat, so that another worker goes on with the same evidence.
        """
        watch = _resumed() or Watch(started_at=self._clock.now())
        with told_to_temporal():
            self._known(request)
            async with _heartbeats(lambda: watch):
                while True:
                    seen, troubles = await self._look(request)
                    watch = _advanced(request, watch, seen)
                    left = watch.started_at + request.lasting - self._clock.now()
                    said = _judge(request, watch)
                    if _decided(request, watch, said) or left.total_seconds() <= 0:
                        said = said.model_copy(update={"reasons": (*said.reasons, *troubles)})
                        return Observation(evaluation=said, ticks=watch.ticks)
                    await self._clock.sleep(duration=min(request.tick, left))

    @activity.defn
    async def count_requests(self, request: CountRequests) -> RequestCount:
        """Read how many requests the candidate has served."""
        with told_to_temporal():
            source = self._source(request.count.source)
            query = _filled(request.count.query, request.service, request.release)
            return RequestCount(served=await source.count(query=query))

    async def _look(self, request: Observe) -> tuple[dict[str, Totals], list[str]]:
        """Ask each source once for all its signals; one that is down is no data and a trouble."""
        by_source: dict[str, dict[str, tuple[str, str]]] = {}
        for name, signal in request.signals.items():
            bad, of = (_filled(query, request.service, request.release) for query in (signal.bad, signal.of))
            by_source.setdefault(signal.source, {})[name] = (bad, of)
        seen: dict[str, Totals] = {}
        troubles: list[str] = []
        for source, asked in by_source.items():
            try:
                found = await self._source(source).totals(queries=tuple(asked.values()))
            except BackoutError as error:
                found = (Totals(),) * len(asked)
                troubles.append(f"source {source} gives no data: {error}")
            seen |= dict(zip(asked, found, strict=True))
        return seen, troubles

    def _known(self, request: Observe) -> None:
        for signal in request.signals.values():
            self._source(signal.source)

    def _source(self, name: str) -> Source:
        if name not in self._sources:
            raise UnknownName(kind="source", name=name, known=self._sources)
        return self._sources[name]


def _resumed() -> Watch | None:
    """Return the watch that an earlier attempt left in its last heartbeat."""
    details = activity.info().heartbeat_details
    return Watch.model_validate(details[0]) if details else None


def _advanced(request: Observe, watch: Watch, seen: Mapping[str, Totals]) -> Watch:
    keep = max(1, ceil(request.window / request.tick))
    return triggers.advance(watch, seen, criteria=request.criteria, tick=request.tick, keep=keep)


def _judge(request: Observe, watch: Watch) -> Evaluation:
    if request.sense == "recovery":
        return triggers.recovery(watch, criteria=request.criteria)
    return triggers.breach(
        watch, criteria=request.criteria, rules=request.rules, firing=request.firing, tick=request.tick
    )


def _decided(request: Observe, watch: Watch, said: Evaluation) -> bool:
    if request.sense == "breach":
        return said.outcome is Outcome.FIRED
    whole_window = watch.ticks > request.window / request.tick
    return said.outcome is Outcome.CLEAR and whole_window


@asynccontextmanager
async def _heartbeats(state: Callable[[], Watch]) -> AsyncIterator[None]:
    async def beat() -> None:
        while True:
            activity.heartbeat(state())
            await asyncio.sleep(HEARTBEAT_S)

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
        with suppress(asyncio.CancelledError):
            await beating


def _filled(query: str, service: str, release: str) -> str:
    return Template(query).safe_substitute(service=service, release=release)
