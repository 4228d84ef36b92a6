"""Every kept history replays on today's code, and today's code means the same by it."""

from __future__ import annotations

import pytest

from tests.replay.commands import replayed
from tests.replay.digest import digest
from tests.replay.golden import AGAIN, Golden, every_golden

EVERY_GOLDEN = pytest.mark.parametrize("golden", every_golden(), ids=str)


@EVERY_GOLDEN
async def test_it_replays(golden: Golden) -> None:
    assert await replayed(golden.history())


@EVERY_GOLDEN
async def test_its_inputs_timeouts_retries_and_timers_are_the_reviewed_ones(golden: Golden) -> None:
    history = golden.history()
    changes = golden.changes(digest(history, await replayed(history)))
    assert not changes, f"{golden}: today's commands mean something else:\n{changes}\n{AGAIN}"
