"""What the doctor found: one line for each thing that it looked at."""

from __future__ import annotations

import asyncio
from typing import Literal

from backout.errors import BackoutError
from backout.model import Frozen

ASK_S = 10.0
"""Seconds that anything asked has to answer."""


class Finding(Frozen):
    """One line of the report."""

    level: Literal["ok", "warn", "fail"]
    what: str
    """What was looked at."""
    found: str
    """What was seen and, unless it is well, what to do."""


class Report:
    """The findings, in the order in which they were made."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    @property
    def is_well(self) -> bool:
        """Whether nothing failed."""
        return not any(finding.level == "fail" for finding in self.findings)

    def ok(self, what: str, found: str) -> None:
        """Say that something works."""
        self.findings.append(Finding(level="ok", what=what, found=found))

    def warn(self, what: str, found: str) -> None:
        """Say that something works, but perhaps not as it is meant to."""
        self.findings.append(Finding(level="warn", what=what, found=found))

    def fail(self, what: str, found: str) -> None:
        """Say that something does not work."""
        self.findings.append(Finding(level="fail", what=what, found=found))

    def examining(self, what: str) -> Examining:
        """Turn an error into a failure of this one thing: the others are still looked at."""
        return Examining(self, what)


class Examining:
    """The time in which one thing is looked at."""

    def __init__(self, report: Report, what: str) -> None:
        self._report = report
        self._what = what

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> bool:
        """Report an error that says what to do; let any other through."""
        if isinstance(error, BackoutError):
            self._report.fail(self._what, str(error))
        elif isinstance(error, TimeoutError):
            advice = "See that it runs, and that nothing holds it up."
            self._report.fail(self._what, f"No answer within {ASK_S:g} s. {advice}")
        else:
            return False
        return True


def patience() -> asyncio.Timeout:
    """Return the time that an answer may take."""
    return asyncio.timeout(ASK_S)
