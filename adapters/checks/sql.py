"""An integrity check by one SELECT: no rows, one value, or one number with a bound."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TypeAlias

from pydantic import JsonValue

from adapters.checks.sql_values import NoData, bound, checked, one_value, refused, shown_rows
from adapters.checks.subject import names_of
from adapters.database import Database, StatementFailed, Turn
from adapters.json_fields import filled, is_same, told
from adapters.sources.sql_text import shown
from backout.check_values import Scalar
from backout.messages import CheckResult
from backout.requests import RunCheck

MOST_ROWS = 1000
"""So many rows are counted of those that should not be there."""
Seen: TypeAlias = tuple[bool, str]
Judge: TypeAlias = Callable[[Turn, str, Mapping[str, str]], Seen]


class SqlChecker:
    """Asks a database whether the world is as it should be."""

    def __init__(self, name: str, url: str, timeout: timedelta, query: str, judge: Judge) -> None:
        """Read the address. `RejectedBySystem`: it is none, or the query makes no sense."""
        self._what = f"check {name}"
        self._database = Database(url, timeout)
        self._query = checked(self._what, query)
        self._judge = judge

    async def run(self, *, asked: RunCheck) -> CheckResult:
        """Look once.

        Raises:
            Unreachable: the database does not answer, or does not let us in.
            TooSlow: it ended the query, whose time was over.
            RejectedBySystem: it cannot run the query.
        """

        def look(turn: Turn) -> Seen:
            try:
                return self._judge(turn, self._query, names_of(asked))
            except NoData as none:
                return False, str(none)

        try:
            passed, seen = await self._database.within(look)
        except StatementFailed as failed:
            raise refused(self._what, f"'{shown(self._query)}': {failed}", failed) from None
        return CheckResult(check=asked.check, passed=passed, found=f"'{shown(self._query)}': {seen}")

    async def aclose(self) -> None:
        """Close the connections."""
        await self._database.aclose()


def no_rows(turn: Turn, query: str, names: Mapping[str, str]) -> Seen:
    """Judge that nothing must be found."""
    rows = turn.rows(query, bound(query, names), most=MOST_ROWS + 1)
    if not rows:
        return True, "no rows"
    count = f"{len(rows)}" if len(rows) <= MOST_ROWS else f"more than {MOST_ROWS}"
    return False, f"{count} rows where none may be: {shown_rows(rows)}"


def equals(wanted: Scalar) -> Judge:
    """Judge that one value must be this one, in which placeholders `$name` are filled in."""

    def judge(turn: Turn, query: str, names: Mapping[str, str]) -> Seen:
        value, expected = one_value(turn, query, names), filled(wanted, names)
        same = is_same(value, expected)
        return same, told(value) if same else f"{told(value)} (expected {told(expected)})"

    return judge


def at_most(limit: float) -> Judge:
    """Judge that one number must not be above this."""

    def judge(turn: Turn, query: str, names: Mapping[str, str]) -> Seen:
        number = number_of(one_value(turn, query, names))
        return number <= limit, f"{number:g} (at most {limit:g})"

    return judge


def number_of(value: JsonValue) -> float:
    """Return a value as a number. `NoData`: it is none, or one that is too large to be written."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:  # noqa: PLR0124  # NaN
        raise NoData(why=f"{told(value)} is no number")
    try:
        float(value)
    except OverflowError:
        raise NoData(why=f"{told(value)} is too large a number") from None
    return value
