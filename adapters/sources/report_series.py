"""What reports have told so far, kept so that a look counts only what is new."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Literal, NamedTuple, TypeAlias

from adapters.sources.courses import Step
from adapters.sources.report_lines import Judged, LineBroken
from adapters.stores.instants import micros
from backout.counting import STALE, Clock

SERIES_LIMIT = 10_000
"""Verdicts with different labels that are kept apart: labels are for releases and cohorts, not for users."""
_STALE = STALE // timedelta(microseconds=1)

Kind: TypeAlias = Literal["verdict", "value"]


class Range(NamedTuple):
    """Which values are counted; both ends are in it."""

    low: float = -math.inf
    high: float = math.inf


class Count(NamedTuple):
    """What was counted of a series."""

    inside: int = 0
    """Values in the range."""
    judged: int = 0
    seen: int = 0
    """Those that came too late are not among the judged."""


class Series:
    """The verdicts of one name and set of labels, in the order in which they were read; a bad one is 1."""

    def __init__(self, labels: Mapping[str, str]) -> None:
        self.labels = labels
        self._at = array("q")
        self._judged_at = array("q")
        self._values = array("d")
        self._counts: dict[tuple[Clock, Range], Count] = {}

    def add(self, at: int, judged_at: int, value: float) -> None:
        """Take one more."""
        self._at.append(at)
        self._judged_at.append(judged_at)
        self._values.append(value)

    def count(self, clock: Clock, wanted: Range) -> Count:
        """Return what is counted up to now."""
        inside, judged, seen = self._counts.get((clock, wanted), Count())
        for _, value in self._in_time(clock, seen):
            judged += 1
            inside += wanted.low <= value <= wanted.high
        self._counts[clock, wanted] = Count(inside, judged, len(self._values))
        return self._counts[clock, wanted]

    def course(self, clock: Clock, wanted: Range, since: int) -> list[Step]:
        """Return what was counted by an instant, and when which ones were counted later.

        One that is outside of the range counts 0: it begins the series nevertheless.
        """
        before: list[bool] = []
        later: list[Step] = []
        for at, value in self._in_time(clock, 0):
            is_inside = wanted.low <= value <= wanted.high
            if at <= since:
                before.append(is_inside)
            else:
                later.append(Step(at, is_inside))
        return [Step(since, sum(before))] * bool(before) + sorted(later)

    def _in_time(self, clock: Clock, start: int) -> Iterator[tuple[int, float]]:
        """Yield when each was counted, and its value; what came too late is not counted."""
        columns = (self._at[start:], self._judged_at[start:], self._values[start:])
        for at, judged_at, value in zip(*columns, strict=True):
            if clock == "labelled":
                yield judged_at, value
            elif judged_at - at <= _STALE:
                yield at, value


class Told:
    """All series by kind and name."""

    def __init__(self) -> None:
        self._series: dict[tuple[Kind, str], dict[frozenset[tuple[str, str]], Series]] = {}
        self._size = 0
        self._known: set[int] = set()
        """Hashes of (output, verdict); they have 64 bits, so that two are hardly ever the same by chance."""

    def add(self, said: Judged) -> None:
        """Take what is said of an output; a verdict that was told before does not count again.

        Raises:
            LineBroken: there are too many series already; nothing of it is taken.
        """
        told: dict[tuple[Kind, str], float] = {("value", name): value for name, value in said.values.items()}
        told |= {("verdict", name): float(is_bad) for name, is_bad in said.verdicts.items()}
        labels = frozenset(said.labels.items())
        size = self._size + sum(labels not in self._series.get(key, {}) for key in told)
        if size > max(SERIES_LIMIT, self._size):
            msg = f"there are {self._size} series already, and {SERIES_LIMIT} are the most; use fewer labels"
            raise LineBroken(msg)
        self._size = size
        at, judged_at = micros(said.at), micros(said.judged_at)
        for key, value in told.items():
            named = self._series.setdefault(key, {})
            if labels not in named:
                named[labels] = Series(said.labels)
            if (known := hash((said.output, key))) not in self._known:
                self._known.add(known)
                named[labels].add(at, judged_at, value)

    def named(self, kind: Kind, name: str) -> Sequence[Series]:
        """Return the series of a name."""
        return tuple(self._series.get((kind, name), {}).values())

    def names(self, kind: Kind) -> list[str]:
        """Return the names that are known."""
        return sorted(name for other, name in self._series if other == kind)
