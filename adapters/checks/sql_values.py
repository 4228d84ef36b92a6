"""What a SELECT of a check yields: no row, one value, or one column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from pydantic import JsonValue

from adapters.database import Row, StatementFailed, StatementTooSlow, Turn
from adapters.json_fields import told
from adapters.sources.sql_text import SELECT, misfit, placeholders, shown
from backout.errors import BackoutError, RejectedBySystem, TooSlow

KNOWN = ("baseline", "release", "service")
"""The placeholders of a check's statements."""
MOST_SHOWN = 3
"""So many rows are told of those that should not be there."""


class NoData(BackoutError):
    """{why}, which is no data"""  # noqa: D415  # it is told within a sentence


def checked(what: str, statement: str, *, begins: Sequence[str] = SELECT) -> str:
    """Return a statement that can be asked. `RejectedBySystem`: it cannot."""
    if why := misfit(statement, known=KNOWN, begins=begins):
        raise RejectedBySystem(what=what, why=f"'{shown(statement)}': {why}")
    return statement


def refused(what: str, why: str, failed: StatementFailed) -> BackoutError:
    """Return the error of a check whose statement failed: one that was too slow may be quicker next time."""
    error = TooSlow if isinstance(failed, StatementTooSlow) else RejectedBySystem
    return error(what=what, why=why)


def bound(statement: str, names: Mapping[str, str]) -> dict[str, object]:
    """Return the values that a statement's placeholders are bound to."""
    return {name: names[name] for name in placeholders(statement)}


def one_value(turn: Turn, statement: str, names: Mapping[str, str]) -> JsonValue:
    """Return the one value that a SELECT yields. `NoData`: it yields another shape, or NULL."""
    rows = turn.rows(statement, bound(statement, names), most=2)
    if not rows:
        raise NoData(why="it yields no row")
    if len(rows) > 1 or len(rows[0]) != 1:
        raise NoData(why="it yields more than one value")
    if rows[0][0] is None:
        raise NoData(why="it yields NULL")
    return plain(rows[0][0])


def plain(value: object) -> JsonValue:
    """Return a value of a database as it is compared: a decimal is a number, and what is none is text."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Decimal):
        return int(value) if value.is_finite() and value == value.to_integral_value() else float(value)
    return str(value)


def shown_rows(rows: Sequence[Row]) -> str:
    """Return the first rows as people read them."""
    lines = [", ".join(told(plain(value)) for value in row) for row in rows[:MOST_SHOWN]]
    return "; ".join(lines)
