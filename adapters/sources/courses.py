"""The course of a count: from when which series counted how many, read off at every tick."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from heapq import merge
from typing import NamedTuple

from adapters.sources.tally import tally
from backout.counting import Counted, Query


class Step(NamedTuple):
    """At an instant (microseconds since 1970), a count rose."""

    at: int
    by: float


class Course(NamedTuple):
    """How one series counted up; before its first step it has no data."""

    label: str
    """Its value of the label that tells cohorts apart; empty where it has none."""
    steps: Iterable[Step]
    """In the order of time."""


def ticks(start: datetime, end: datetime, tick: timedelta) -> tuple[datetime, ...]:
    """Return start, start + tick, ... up to end."""
    return tuple(start + number * tick for number in range((end - start) // tick + 1))


def read_off(query: Query, courses: Sequence[Course], instants: Iterable[int]) -> tuple[Counted, ...]:
    """Return what a query counted at each instant; these are in the order of time."""
    rises = merge(*([(at, course.label, by) for at, by in course.steps] for course in courses))
    sums: dict[str, float] = {}
    said = Counted()
    answers: list[Counted] = []
    rise = next(rises, None)
    for instant in instants:
        has_risen = False
        while rise is not None and rise[0] <= instant:
            sums[rise[1]] = sums.get(rise[1], 0.0) + rise[2]
            rise, has_risen = next(rises, None), True
        said = tally(query, sums.items()) if has_risen else said
        answers.append(said)
    return tuple(answers)
