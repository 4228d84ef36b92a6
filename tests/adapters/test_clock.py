from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from adapters.clock import SystemClock


def test_the_machines_time_is_told_in_utc() -> None:
    before = datetime.now(UTC)
    now = SystemClock().now()
    assert now.tzinfo is UTC
    assert before <= now <= datetime.now(UTC)


async def test_a_sleep_lasts_as_long_as_it_says() -> None:
    loop = asyncio.get_running_loop()
    start = loop.time()
    await SystemClock().sleep(duration=timedelta(milliseconds=20))
    assert loop.time() - start >= 0.02


async def test_a_sleep_can_be_cancelled() -> None:
    sleeper = asyncio.create_task(SystemClock().sleep(duration=timedelta(days=1)))
    await asyncio.sleep(0)
    sleeper.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sleeper
