"""The machine's own clock."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

_SOME_DAY = datetime(2000, 1, 1, tzinfo=UTC)


class SystemClock:
    """Time as the machine tells it."""

    def now(self) -> datetime:
        """Return the time now, in UTC."""
        return datetime.now(UTC)

    async def sleep(self, *, duration: timedelta) -> None:
        """Wait for that long; cancellable."""
        await asyncio.sleep(duration.total_seconds())


class SteadyClock(SystemClock):
    """Time that nobody can set: the distance of two of its moments is true, and nothing else of them."""

    def now(self) -> datetime:
        """Return a moment, in UTC."""
        return _SOME_DAY + timedelta(seconds=time.monotonic())
