"""What the rows of a SELECT amount to: one number, or one for each cohort."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal

from backout.counting import UNLABELLED, Counted, Query

COHORT_LIMIT = 1000
"""Cohorts that one query may have."""
Row = Sequence[object]


def counted(query: Query, rows: Sequence[Row]) -> Counted:
    """Return what the rows count. NULL, NaN, an infinite or a negative number is no data."""
    found: dict[str, float] = {}
    problem = _misshapen(query, rows)
    for row in () if problem else rows:
        cohort = _cohort(row) if query.by else ""
        number = _number(row[-1])
        if cohort in found:
            return Counted(problem=f"it yields cohort '{cohort}' twice; GROUP BY it")
        if number is None:
            whose = f" for cohort '{cohort}'" if query.by else ""
            return Counted(problem=f"it yields {_told(row[-1])}{whose}, which counts nothing")
        found[cohort] = number
    return Counted(counts=found, problem=problem)


def _misshapen(query: Query, rows: Sequence[Row]) -> str:
    if not rows:
        return "it yields no row"
    width, wanted = len(rows[0]), 2 if query.by else 1
    if width != wanted:
        what = "a cohort and its count" if query.by else "one number"
        return f"it yields {width} columns where each row must be {what}"
    if not query.by and len(rows) > 1:
        return "it yields several rows where one is needed; count(*) or sum(...) makes it one"
    if len(rows) > COHORT_LIMIT:
        return f"it yields more than {COHORT_LIMIT} cohorts"
    return ""


def _cohort(row: Row) -> str:
    return UNLABELLED if row[0] is None else str(row[0])


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _told(value: object) -> str:
    return "NULL" if value is None else repr(value)[:40]
