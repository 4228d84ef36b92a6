"""Looks at about the same time are one: equal queries are asked once, for all releases that need them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from backout.counting import Counted, Query
from backout.ports import Source

GATHER_S = 0.01
"""Seconds that the first to look waits for others."""


class _Round:
    """A look that several share. Their queries are a dict for its order."""

    def __init__(self) -> None:
        self.queries: dict[Query, None] = {}
        self.waiting = 0
        self.answers: asyncio.Task[dict[Query, Counted]]


class SharedLooks:
    """A source whose looks of about the same time are one look of the source behind it."""

    def __init__(self, source: Source) -> None:
        self.behind = source
        """The source that is really asked."""
        self._gathering: _Round | None = None

    async def look(self, *, queries: Sequence[Query]) -> tuple[Counted, ...]:
        """Return what each query counts; a failure of the look reaches all who share it."""
        if not queries:
            return ()
        shared = self._join(queries)
        shared.waiting += 1
        try:
            # Who gives up must not take the look away from the others.
            answers = await asyncio.shield(shared.answers)
        finally:
            shared.waiting -= 1
            if not shared.waiting:
                self._end(shared)
        return tuple(answers[query] for query in queries)

    async def history(
        self, *, queries: Sequence[Query], start: datetime, end: datetime, tick: timedelta
    ) -> tuple[tuple[Counted, ...], ...]:
        """Return what the source behind it recalls: histories begin and end at times of their own."""
        return await self.behind.history(queries=queries, start=start, end=end, tick=tick)

    def _join(self, queries: Sequence[Query]) -> _Round:
        shared = self._gathering
        if shared is None:
            shared = self._gathering = _Round()
            shared.answers = asyncio.create_task(self._ask(shared))
        shared.queries |= dict.fromkeys(queries)
        return shared

    async def _ask(self, shared: _Round) -> dict[Query, Counted]:
        await asyncio.sleep(GATHER_S)
        self._gathering = None
        queries = tuple(shared.queries)
        return dict(zip(queries, await self.behind.look(queries=queries), strict=True))

    def _end(self, shared: _Round) -> None:
        """End a look for which nobody waits any more; one that is over stays as it is."""
        shared.answers.cancel()
        if self._gathering is shared:
            self._gathering = None
