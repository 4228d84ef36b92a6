"""Recorded counts: a CSV file of what was counted in each tick, read line by line.

Its columns: `at` (a time with its zone), `signal` (or `stream`, its exact key), `bad`, `judged`, and where
they are needed `cohort` and `arm` (`candidate` or `baseline`). A row holds what was counted since the row
before, not a total. A stream without a row in a tick has no data then; zeros say that nothing happened.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from math import isfinite
from typing import NamedTuple

from backout.criteria import BaselineTest
from backout.errors import InvalidDocument
from backout.guard import Guard, Place
from backout.problems import unknown
from backout.streams import control_key, stream_key, streams

_FIRST_YEAR, _LAST_YEAR = 1970, 9998
_LONGEST_GAP = timedelta(days=400)
"""Every tick of a gap is looked at: a wrong year would take hours."""
_SHOWN = 60
"""Characters of a wrong value that are told back."""
_COLUMNS = ("at", "signal", "stream", "bad", "judged", "cohort", "arm")


class Row(NamedTuple):
    """What was counted of some streams, up to a moment."""

    at: datetime
    streams: tuple[str, ...]
    """Keys of the streams that it is for: one signal may feed several."""
    cohort: str
    bad: float
    judged: float


def zoned(text: str) -> datetime:
    """Return a moment such as `2026-11-20T21:00:00Z`.

    Raises:
        ValueError: it is no time, or it has no zone.
    """
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        msg = f"'{text}' is no time; write it as 2026-11-20T21:00:00Z"
        raise ValueError(msg) from None
    if len(text.strip()) <= len("2026-11-20"):
        msg = f"'{text}' is a date without a time; write it as {at:%Y-%m-%d}T00:00:00Z"
        raise ValueError(msg)
    if not _FIRST_YEAR <= at.year <= _LAST_YEAR:
        msg = f"'{text[:_SHOWN]}' is not of the years {_FIRST_YEAR} to {_LAST_YEAR}"
        raise ValueError(msg)
    if at.tzinfo is None:
        msg = f"'{text}' has no time zone; write it as {text.strip()}Z or {text.strip()}+01:00"
        raise ValueError(msg)
    return at


def read_rows(lines: Iterable[str], *, file: str, guard: Guard) -> Iterator[Row]:
    """Yield the rows of a CSV file in their order.

    Raises:
        InvalidDocument: a line is wrong; the message has its number.
    """
    table = csv.reader(lines, strict=True)
    try:
        header = [name.strip().lower() for name in next(table, [])]
        read = _Reader(header, guard)
        before: datetime | None = None
        for cells in table:
            if not cells:
                continue
            row = read.row(cells)
            _in_order(before, row.at)
            before = row.at
            yield row
    except (ValueError, csv.Error) as error:
        raise InvalidDocument([f"{file}:{max(table.line_num, 1)}: {error}"]) from None


def _in_order(before: datetime | None, at: datetime) -> None:
    if before and at < before:
        msg = f"{at.isoformat()} is earlier than the row before; sort the file by 'at'"
        raise ValueError(msg)
    if before and at - before > _LONGEST_GAP:
        msg = (
            f"{at.isoformat()} is {(at - before).days} days after the row before; where that is meant, "
            "test the days before and after it apart"
        )
        raise ValueError(msg)


class _Reader:
    """Reads rows with one header."""

    def __init__(self, header: list[str], guard: Guard) -> None:
        for name in header:
            if name not in _COLUMNS:
                raise ValueError(unknown("column", name, _COLUMNS))
        if twice := [name for name in _COLUMNS if header.count(name) > 1]:
            msg = f"the first line names the column {twice[0]} twice"
            raise ValueError(msg)
        if missing := [name for name in ("at", "bad", "judged") if name not in header]:
            msg = f"the first line names no column {', '.join(missing)}; write at,signal,bad,judged"
            raise ValueError(msg)
        if ("signal" in header) == ("stream" in header):
            msg = "the first line must name exactly one of the columns signal and stream"
            raise ValueError(msg)
        self._header = header
        self._named = "signal" if "signal" in header else "stream"
        self._guard = guard
        self._keys = tuple(stream.key for stream in streams(guard, _ANY))
        self._known: dict[tuple[str, bool, str], tuple[str, ...]] = {}

    def row(self, cells: list[str]) -> Row:
        """Return one row. `ValueError`: it is wrong."""
        if len(cells) != len(self._header):
            msg = f"{len(cells)} values where the first line names {len(self._header)} columns"
            raise ValueError(msg)
        told = dict(zip(self._header, cells, strict=True))
        bad = _count(told, "bad")
        # Of events only how many there were is known.
        judged = _count(told, "judged") if told["judged"].strip() else bad
        if bad > judged:
            msg = f"{bad:g} bad of {judged:g} judged: more than all"
            raise ValueError(msg)
        cohort = told.get("cohort", "").strip()
        return Row(zoned(told["at"]), self._streams(told, bool(cohort)), cohort, bad, judged)

    def _streams(self, told: Mapping[str, str], split: bool) -> tuple[str, ...]:  # noqa: FBT001  # a cache's key
        name, arm = told[self._named].strip(), told.get("arm", "").strip() or "candidate"
        key = (name, split, arm)
        if key not in self._known:
            self._known[key] = self._fed(name, arm, split=split)
        return self._known[key]

    def _fed(self, name: str, arm: str, *, split: bool) -> tuple[str, ...]:
        """Return the streams that a row feeds; none where no criterion needs them."""
        if self._named == "stream":
            if name not in self._keys:
                raise ValueError(unknown("stream", name, self._keys))
            return (name,)
        if name not in self._guard.signals:
            raise ValueError(unknown("signal", name, self._guard.signals))
        if arm not in {"candidate", "baseline"}:
            raise ValueError(unknown("arm", arm, ("candidate", "baseline")))
        criteria = [one for one in self._guard.criteria if one.signal == name]
        if arm == "baseline":
            return tuple(control_key(one) for one in criteria if isinstance(one.test, BaselineTest))
        keys = dict.fromkeys(stream_key(one) for one in criteria)
        is_split = self._guard.signals[name].kind == "distribution"
        return tuple(key for key in keys if (is_split or key != name) == split)


_ANY = Place(service="any", release="any", baseline="any")


def _count(told: Mapping[str, str], name: str) -> float:
    text = told[name].strip()
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not isfinite(number) or number < 0:
        msg = f"'{text[:_SHOWN]}' is no count of {name}; a count is a number from 0"
        raise ValueError(msg)
    return number
