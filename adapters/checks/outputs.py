"""Quarantine by provenance: what the candidate produced is listed, and marked where that is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from adapters.checks.sql_values import bound, checked, plain, refused, shown_rows
from adapters.checks.subject import names_of
from adapters.database import Database, StatementFailed, Turn
from backout.errors import RejectedBySystem
from backout.messages import CheckResult
from backout.provenance import LONGEST_ID, MOST_OUTPUTS
from backout.requests import RunCheck

_MARKS = ("UPDATE", "INSERT", "WITH")


class OutputsChecker:
    """Lists the outputs of a release; all of one look is one transaction."""

    def __init__(
        self, name: str, url: str, timeout: timedelta, ids: str, *, mark: str | None, left: str | None
    ) -> None:
        """Read the address. `RejectedBySystem`: it is none, or a statement makes no sense."""
        self._what = f"check {name}"
        self._database = Database(url, timeout, writes=mark is not None)
        self._ids = checked(self._what, ids)
        self._mark = checked(self._what, mark, begins=_MARKS) if mark else None
        self._left = checked(self._what, left) if left else None

    async def run(self, *, asked: RunCheck) -> CheckResult:
        """List, mark and look what is left.

        Raises:
            Unreachable: the database does not answer, or somebody else changed the same rows.
            TooSlow: it ended a statement, as the time was over. Nothing is marked.
            RejectedBySystem: it cannot run a statement, what it yields are no ids, or it would mark what the
                last known good release produced. Nothing is marked.
        """
        if self._mark and asked.baseline in {None, asked.release}:
            why = "it marks outputs, and is asked about the last known good release, whose outputs are good"
            raise RejectedBySystem(what=self._what, why=why)
        try:
            return await self._database.within(lambda turn: self._look(turn, asked))
        except StatementFailed as failed:
            raise refused(self._what, str(failed), failed) from None

    async def aclose(self) -> None:
        """Close the connections."""
        await self._database.aclose()

    def _look(self, turn: Turn, asked: RunCheck) -> CheckResult:
        names = names_of(asked)
        outputs = self._listed(turn, names)
        found = [f"{len(outputs)} outputs of {asked.release}"]
        if self._mark:
            found.append(f"{turn.changed(self._mark, bound(self._mark, names))} marked now")
        left = turn.rows(self._left, bound(self._left, names), most=MOST_OUTPUTS) if self._left else ()
        if self._left:
            found.append(f"{len(left)} left: {shown_rows(left)}" if left else "none left")
        return CheckResult(check=asked.check, passed=not left, found=", ".join(found), outputs=outputs)

    def _listed(self, turn: Turn, names: Mapping[str, str]) -> tuple[str, ...]:
        """Return the ids, each once and sorted: the same outputs have one digest."""
        rows = turn.rows(self._ids, bound(self._ids, names), most=MOST_OUTPUTS + 1)
        if len(rows) > MOST_OUTPUTS:
            why = f"'ids' yields more than {MOST_OUTPUTS} outputs, too many for one check; narrow it"
            raise RejectedBySystem(what=self._what, why=why)
        if rows and len(rows[0]) != 1:
            why = f"'ids' yields {len(rows[0])} columns where each row must be one id"
            raise RejectedBySystem(what=self._what, why=why)
        return tuple(sorted({self._id(row[0]) for row in rows}))

    def _id(self, value: object) -> str:
        told = "" if value is None else str(plain(value))
        if not told or len(told) > LONGEST_ID or not told.isprintable():
            shown = repr(value)[:LONGEST_ID]
            why = f"'ids' yields {shown}, which is no id: 1 to {LONGEST_ID} characters, all of them printable"
            raise RejectedBySystem(what=self._what, why=why)
        return told
