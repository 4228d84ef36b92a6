"""Integrity checks that compare values: a queue that is drained, and two places that say the same."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from pydantic import JsonValue

from adapters.checks.sql import number_of
from adapters.checks.sql_values import NoData
from adapters.checks.subject import in_time
from adapters.checks.values import HttpValue, SqlValue, Value
from adapters.json_fields import is_same, told
from backout.messages import CheckResult
from backout.requests import RunCheck


class DrainedChecker:
    """Counts what is in a queue, twice: between two batches it is empty for a moment."""

    def __init__(
        self, name: str, count: Value, timeout: timedelta, *, at_most: float, apart: timedelta
    ) -> None:
        self._what = f"check {name}"
        self._count = count
        self._timeout = timeout
        self._at_most = at_most
        self._apart_s = apart.total_seconds()

    async def run(self, *, asked: RunCheck) -> CheckResult:
        """Look twice; what is above the limit at the first look needs no second one.

        Raises:
            Unreachable: the count cannot be seen.
            RejectedBySystem: it never can.
        """
        where = self._count.where(asked)
        async with in_time(self._what, self._timeout):
            try:
                seen = await self._looks(asked)
            except NoData as none:
                return CheckResult(check=asked.check, passed=False, found=f"{where}: {none}")
        told = ", then ".join(f"{number:g}" for number in seen)
        found = f"{where}: {told} (at most {self._at_most:g})"
        return CheckResult(check=asked.check, passed=seen[-1] <= self._at_most, found=found)

    async def aclose(self) -> None:
        """Close the connections."""
        await _close(self._count)

    async def _looks(self, asked: RunCheck) -> list[float]:
        seen = [number_of(await self._count.read(asked=asked))]
        if seen[0] <= self._at_most:
            await asyncio.sleep(self._apart_s)
            seen.append(number_of(await self._count.read(asked=asked)))
        return seen


class PairingChecker:
    """Reads two places that must say the same."""

    def __init__(self, name: str, one: Value, other: Value, timeout: timedelta) -> None:
        self._what = f"check {name}"
        self._values = (one, other)
        self._timeout = timeout

    async def run(self, *, asked: RunCheck) -> CheckResult:
        """Look once.

        Raises:
            Unreachable: one of them cannot be seen.
            RejectedBySystem: one never can.
        """
        async with in_time(self._what, self._timeout):
            (one, said), (other, also) = [await _read(value, asked) for value in self._values]
        passed = one is not None and other is not None and is_same(one, other)
        return CheckResult(check=asked.check, passed=passed, found=f"{said}; {also}")

    async def aclose(self) -> None:
        """Close the connections."""
        for value in self._values:
            await _close(value)


async def _close(value: Value) -> None:
    if isinstance(value, (HttpValue, SqlValue)):
        await value.aclose()


async def _read(value: Value, asked: RunCheck) -> tuple[JsonValue, str]:
    """Return a value and what people are told of it; None where it is no data."""
    try:
        found = await value.read(asked=asked)
    except NoData as none:
        return None, f"{value.where(asked)}: {none}"
    return found, f"{value.where(asked)} is {told(found)}"
