"""Pace: how much one sender may bring in a while."""

from __future__ import annotations

import time
from collections.abc import Callable
from math import ceil

from backout.errors import RateLimited


class Pace:
    """A bucket of permits that fills steadily; a burst may empty it."""

    def __init__(
        self, what: str, *, per_s: float, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Let `per_s` in on average and `burst` at once; `clock` counts seconds."""
        self._what = what
        self._per_s = per_s
        self._burst = burst
        self._clock = clock
        self._left = float(burst)
        self._at = clock()

    def take(self, count: int = 1) -> None:
        """Use up permits, all of them or none.

        Raises:
            RateLimited: there are too few left; it says how long to wait.
        """
        now = self._clock()
        self._left = min(float(self._burst), self._left + (now - self._at) * self._per_s)
        self._at = now
        if count > self._left:
            wait_s = ceil(10 * (count - self._left) / self._per_s) / 10
            raise RateLimited(what=self._what, retry_after_s=wait_s)
        self._left -= count
