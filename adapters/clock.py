"""The machine's own clock."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta


class SystemClock:
    """Time as the machine tells it."""

    def now(self) -> datetime:
        """Return the time now, in UTC."""
        return datetime.now(UTC)

    async def sleep(self, *, duration: timedelta) -> None:
        """Wait for that long; cancellable."""
        await asyncio.sleep(duration.total_seconds())
