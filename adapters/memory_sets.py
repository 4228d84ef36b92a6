"""Fake targets for release sets: a pointer, and one whose writes go wrong at a chosen moment."""

from __future__ import annotations

from adapters.memory import MemoryTarget
from backout.errors import RejectedBySystem, Unreachable
from backout.exposure import Capability, Exposure
from backout.release_sets import Conversations


class MemoryPointer(MemoryTarget):
    """An alias that is at the release (100) or is not (0)."""

    @property
    def capability(self) -> Capability:
        """It flips."""
        return Capability.POINTER


class MemoryPart(MemoryTarget):
    """One of a set, whose writes can be made to fail while reads go on."""

    fails_writes = 0
    """So many next writes raise Unreachable before they have any effect."""
    silent_after_write = 0
    """The next write takes effect and has no answer; so many calls after it have none either."""
    refuses_from = 101
    """Every write from this percent on is refused."""
    refuses_below = 0
    """Every write below this percent is refused."""

    async def set(
        self,
        *,
        service: str,
        release: str,
        percent: int,
        key: str,
        expected: str = "",
        conversations: Conversations | None = None,
    ) -> Exposure:
        """Set the exposure, or fail as the switches say."""
        if self.fails_writes > 0:
            self.fails_writes -= 1
            raise Unreachable(what=self.name, why="its writes are switched off")
        if not self.refuses_below <= percent < self.refuses_from:
            raise RejectedBySystem(what=self.name, why=f"{percent} % is not to be had")
        found = await super().set(
            service=service,
            release=release,
            percent=percent,
            key=key,
            expected=expected,
            conversations=conversations,
        )
        if self.silent_after_write > 0:
            self.fail_times, self.silent_after_write = self.silent_after_write, 0
            raise Unreachable(what=self.name, why="the answer was lost")
        return found
