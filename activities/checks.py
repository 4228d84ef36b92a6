"""Run the integrity checks of the site."""

from __future__ import annotations

from collections.abc import Mapping

from temporalio import activity

from activities.failures import told_to_temporal
from backout.errors import UnknownName
from backout.messages import CheckResult
from backout.ports import Check
from backout.requests import RunCheck


class CheckActivities:
    """The checks of the site."""

    def __init__(self, *, checks: Mapping[str, Check]) -> None:
        """Serve these checks, by name."""
        self._checks = checks

    @activity.defn
    async def run_check(self, request: RunCheck) -> CheckResult:
        """Look at the world once."""
        with told_to_temporal():
            if request.check not in self._checks:
                raise UnknownName(kind="check", name=request.check, known=self._checks)
            return await self._checks[request.check].run(service=request.service, release=request.release)
