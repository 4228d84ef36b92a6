"""Which verdicts were told before: remembered by when their outputs were produced, and forgotten by it."""

from __future__ import annotations

from array import array
from bisect import bisect_left

_FRESH = 4096
"""So many hashes wait in a set, which takes ten times the room of an array."""


class ToldBefore:
    """Hashes of (output, verdict); they have 64 bits, so that two are hardly ever the same by chance."""

    def __init__(self, span: int) -> None:
        """Forget by spans of so many microseconds."""
        self._span = span
        self._spans: dict[int, _Hashes] = {}

    def add(self, told: int, at: int) -> bool:
        """Remember that a verdict on an output of that instant was told; say whether it is new.

        The same output may be told with another instant: every span is asked.
        """
        if any(told in hashes for hashes in self._spans.values()):
            return False
        self._spans.setdefault(at // self._span, _Hashes()).add(told)
        return True

    def forget(self, before: int) -> None:
        """Forget the outputs of spans that ended before an instant."""
        for number in [number for number in self._spans if (number + 1) * self._span <= before]:
            del self._spans[number]


class _Hashes:
    """Some numbers, most of them in a sorted array of eight bytes each."""

    def __init__(self) -> None:
        self._fresh: set[int] = set()
        self._sorted = array("q")

    def __contains__(self, number: int) -> bool:
        if number in self._fresh:
            return True
        place = bisect_left(self._sorted, number)
        return place < len(self._sorted) and self._sorted[place] == number

    def add(self, number: int) -> None:
        self._fresh.add(number)
        # In proportion to what is sorted already: each number is sorted a few times in all.
        if len(self._fresh) >= max(_FRESH, len(self._sorted) // 8):
            self._sorted = array("q", sorted([*self._sorted, *self._fresh]))
            self._fresh.clear()
