"""An attempt ends before the engine gives its work to another one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from temporalio import activity

from backout.errors import Unreachable

OWN_SHARE = 0.8
"""So much of what the engine gives an attempt is its own; the rest is for the ways to the engine and back."""


class InTime:
    """The time of one attempt, from where it was made on.

    The engine does not stop an attempt that takes too long: it begins another one. That one would look for
    what the first one is still about to tell, would not find it, and people would be told twice.
    """

    def __init__(self) -> None:
        """Begin with the attempt."""
        given = activity.info().start_to_close_timeout
        self._own_s = None if given is None else given.total_seconds() * OWN_SHARE
        self._began_s = asyncio.get_running_loop().time()

    @asynccontextmanager
    async def hear_of(self, what: str) -> AsyncIterator[None]:
        """Wait for somebody as long as there is time.

        Raises:
            Unreachable: the time is up. What was asked may have been done all the same.
        """
        if self._own_s is None:
            yield
            return
        ends_s = self._began_s + self._own_s
        late = Unreachable(what=what, why=f"no answer within {self._own_s:g} s")
        if asyncio.get_running_loop().time() >= ends_s:
            raise late
        time_is = asyncio.timeout_at(ends_s)
        try:
            async with time_is:
                yield
        except TimeoutError:
            if not time_is.expired():
                raise
            raise late from None
