"""What reports have told so far, kept so that a look counts only what is new; what is old, only in totals."""

from __future__ import annotations

import math
from array import array
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import compress, product
from typing import Literal, NamedTuple, TypeAlias, get_args

from adapters.sources.courses import Step
from adapters.sources.report_lines import Judged, LineBroken
from adapters.sources.report_outputs import ToldBefore
from adapters.stores.instants import micros
from backout.counting import STALE, Clock

SERIES_LIMIT = 10_000
"""Verdicts with different labels that are kept apart: labels are for releases and cohorts, not for users."""
SPANS = 8
"""What is kept is forgotten in so many parts."""
_FOR_EVER = 2**62
_STALE = STALE // timedelta(microseconds=1)

Kind: TypeAlias = Literal["verdict", "value"]


class Range(NamedTuple):
    """Which values are counted; both ends are in it."""

    low: float = -math.inf
    high: float = math.inf


ALL, BAD = Range(), Range(low=1.0)
"""Of verdicts: those that were judged, and the bad ones among them."""


class Count(NamedTuple):
    """What was counted of a series."""

    inside: int = 0
    """Values in the range."""
    judged: int = 0
    seen: int = 0
    """Those that came too late are not among the judged."""


class Series:
    """The verdicts of one name and set of labels, in the order in which they were read; a bad one is 1."""

    def __init__(self, labels: Mapping[str, str], ranges: Collection[Range]) -> None:
        """Count for these labels; what is forgotten stays counted in these ranges."""
        self.labels = labels
        self._ranges = ranges
        self._at = array("q")
        self._judged_at = array("q")
        self._values = array("d")
        self._counts: dict[tuple[Clock, Range], Count] = {}
        self._forgotten: dict[tuple[Clock, Range], Count] = {}

    def add(self, at: int, judged_at: int, value: float) -> None:
        """Take one more."""
        self._at.append(at)
        self._judged_at.append(judged_at)
        self._values.append(value)

    def count(self, clock: Clock, wanted: Range) -> Count:
        """Return what is counted up to now."""
        gone = self._before(clock, wanted)
        inside, judged, seen = self._counts.get((clock, wanted), gone)
        for _, value in self._in_time(clock, seen - gone.seen):
            judged += 1
            inside += wanted.low <= value <= wanted.high
        self._counts[clock, wanted] = Count(inside, judged, gone.seen + len(self._values))
        return self._counts[clock, wanted]

    def course(self, clock: Clock, wanted: Range, since: int) -> list[Step]:
        """Return what was counted by an instant, and when which ones were counted later.

        One that is outside of the range counts 0: it begins the series nevertheless. The instant is none
        before what is forgotten.
        """
        gone = self._before(clock, wanted)
        before: list[bool] = []
        later: list[Step] = []
        for at, value in self._in_time(clock, 0):
            is_inside = wanted.low <= value <= wanted.high
            if at <= since:
                before.append(is_inside)
            else:
                later.append(Step(at, is_inside))
        return [Step(since, gone.inside + sum(before))] * bool(before or gone.judged) + sorted(later)

    def forget(self, before: int) -> None:
        """Keep of what was judged before an instant only how many they were, in each range."""
        kept = [max(pair) >= before for pair in zip(self._at, self._judged_at, strict=True)]
        if all(kept):
            return
        told = {key: self.count(*key) for key in product(get_args(Clock), {ALL, *self._ranges})}
        self._at = array("q", compress(self._at, kept))
        self._judged_at = array("q", compress(self._judged_at, kept))
        self._values = array("d", compress(self._values, kept))
        for (clock, wanted), count in told.items():
            left = [wanted.low <= value <= wanted.high for _, value in self._in_time(clock, 0)]
            gone = Count(count.inside - sum(left), count.judged - len(left), count.seen - len(self._values))
            self._forgotten[clock, wanted] = gone

    def _before(self, clock: Clock, wanted: Range) -> Count:
        """Return what is forgotten; in a range that nobody had asked for by then, none is known to be."""
        every = self._forgotten.get((clock, ALL), Count())
        return self._forgotten.get((clock, wanted), every._replace(inside=0))

    def _in_time(self, clock: Clock, start: int) -> Iterator[tuple[int, float]]:
        """Yield when each was counted, and its value; what came too late is not counted."""
        columns = (self._at[start:], self._judged_at[start:], self._values[start:])
        for at, judged_at, value in zip(*columns, strict=True):
            if clock == "labelled":
                yield judged_at, value
            elif judged_at - at <= _STALE:
                yield at, value


class Told:
    """All series by kind and name. Of outputs that were produced before `since`, nothing more is taken."""

    def __init__(self, keep: timedelta | None) -> None:
        """Remember verdicts for so long; None is for ever."""
        self._keep = None if keep is None else keep // timedelta(microseconds=1)
        self._span = max(1, (self._keep or 0) // SPANS)
        self._series: dict[tuple[Kind, str], dict[frozenset[tuple[str, str]], Series]] = {}
        self._ranges: dict[tuple[Kind, str], set[Range]] = {}
        self._size = 0
        self._known = ToldBefore(self._span if self._keep else _FOR_EVER)
        self.since = -_FOR_EVER
        """Before this instant, in microseconds since 1970, only totals are known."""

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
                named[labels] = Series(said.labels, self._asked(*key))
            if self._known.add(hash((said.output, key)), at):
                named[labels].add(at, judged_at, value)

    def ask(self, kind: Kind, name: str, wanted: Range) -> None:
        """Say that a range is counted: from now on it stays counted when its verdicts are forgotten."""
        self._asked(kind, name).add(wanted)

    def forget(self, newest: int) -> None:
        """Forget verdicts that are older, compared with an instant, than they are kept; the totals stay."""
        if self._keep is None:
            return
        # By whole spans: not at every line.
        since = (newest - self._keep) // self._span * self._span
        if since <= self.since:
            return
        self.since = since
        self._known.forget(since)
        for named in self._series.values():
            for series in named.values():
                series.forget(since)

    def named(self, kind: Kind, name: str) -> Sequence[Series]:
        """Return the series of a name."""
        return tuple(self._series.get((kind, name), {}).values())

    def names(self, kind: Kind) -> list[str]:
        """Return the names that are known."""
        return sorted(name for other, name in self._series if other == kind)

    def _asked(self, kind: Kind, name: str) -> set[Range]:
        return self._ranges.setdefault((kind, name), {BAD} if kind == "verdict" else set())
