"""What checks have in common: which release, how long a look takes, and whether it is the last."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from urllib.parse import quote

from backout.checks import Of
from backout.errors import RejectedBySystem, Unreachable
from backout.messages import CheckResult
from backout.ports import Check
from backout.requests import RunCheck

LONGEST_FOUND = 2000
"""So much is told of what a check found: it is on the timeline, and in the channel."""


class Subject:
    """A check with its release: the one under suspicion, or the last known good one."""

    def __init__(self, check: Check, *, of: Of, every: timedelta | None) -> None:
        self.behind = check
        """The check that really looks."""
        self._of = of
        self._every = every

    async def run(self, *, asked: RunCheck) -> CheckResult:
        """Look once; it raises what the check itself raises."""
        if self._of == "baseline" and asked.baseline is not None:
            if not asked.baseline:
                found = "no baseline is known here; name one with 'backout release baseline'"
                return CheckResult(check=asked.check, passed=False, found=found)
            asked = asked.model_copy(update={"release": asked.baseline})
        result = await self.behind.run(asked=asked)
        changed = {"found": result.found[:LONGEST_FOUND], "again": None if result.passed else self._every}
        return result.model_copy(update=changed)


@asynccontextmanager
async def in_time(what: str, patience: timedelta) -> AsyncIterator[None]:
    """Let a look take this long, however many requests it is of. `Unreachable`: it was not over then."""
    try:
        async with asyncio.timeout(patience.total_seconds()):
            yield
    except TimeoutError:
        raise Unreachable(what=what, why=f"no answer within {patience.total_seconds():g} s") from None


def names_of(asked: RunCheck) -> dict[str, str]:
    """Return the placeholders with their values."""
    return {"service": asked.service, "release": asked.release, "baseline": asked.baseline or ""}


def in_address(asked: RunCheck) -> dict[str, str]:
    """Return the placeholders with their values as an address takes them."""
    return {name: quote(value, safe="") for name, value in names_of(asked).items()}


def in_path(asked: RunCheck) -> dict[str, str]:
    """Return the placeholders with their values as the parts of a path. `RejectedBySystem`: one is none."""
    names = names_of(asked)
    for name, value in names.items():
        if "/" in value or "\0" in value or value in {".", ".."}:
            raise RejectedBySystem(what=f"check {asked.check}", why=f"{name} '{value}' is no part of a path")
    return names
