"""What the fake world's parts share: a gate where a test can stop them, and switches for faults."""

from __future__ import annotations

import asyncio

from backout.errors import RejectedBySystem, Unreachable


class Gate:
    """A place where a test can stop whoever comes by, and let them go on."""

    def __init__(self) -> None:
        self.arrivals = 0
        """How many came by since the beginning, those that are stopped included."""
        self._passes: int | None = None
        self._arrived = asyncio.Event()
        self._opened = asyncio.Event()

    def pause(self) -> None:
        """Stop everybody who comes by from now on."""
        self._passes = 0

    def go_on(self, *, times: int | None = None) -> None:
        """Let everybody pass; with `times`, only so many, and stop those after them."""
        self._passes = times
        self._opened.set()
        self._opened = asyncio.Event()

    async def reached(self, times: int) -> None:
        """Wait until somebody came by for the `times`-th time since the beginning."""
        while self.arrivals < times:
            await self._arrived.wait()

    async def pass_by(self) -> None:
        """Come by: wait while the gate is paused; cancellable."""
        self.arrivals += 1
        self._arrived.set()
        self._arrived = asyncio.Event()
        while self._passes == 0:
            await self._opened.wait()
        if self._passes is not None:
            self._passes -= 1


class Faulty(Gate):
    """A system that can be made to fail. Calls pass its gate first, so a test can stop one midway."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.unreachable = False
        """Every call raises Unreachable."""
        self.refuses = ""
        """Every call raises RejectedBySystem with this reason."""
        self.fail_times = 0
        """So many next calls raise Unreachable."""

    async def enter(self) -> None:
        """Pass the gate, then fail as the switches say."""
        await self.pass_by()
        if self.refuses:
            raise RejectedBySystem(what=self.name, why=self.refuses)
        if self.unreachable or self.fail_times > 0:
            self.fail_times = max(0, self.fail_times - 1)
            raise Unreachable(what=self.name, why="it is switched off")
