"""An integrity check by one GET: the status, and fields of the JSON answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from string import Template

from pydantic import JsonValue

from adapters.checks.subject import in_address, names_of
from adapters.fetch import OPEN, Access, Fetcher, Page
from adapters.json_fields import filled, is_same, parsed, told, value_at
from backout.check_values import Scalar
from backout.messages import CheckResult
from backout.requests import RunCheck

ANSWER_LIMIT = 1024 * 1024
"""Bytes that an answer may have."""


class HttpChecker:
    """Asks an address whether the world is as it should be."""

    def __init__(
        self,
        name: str,
        url: str,
        timeout: timedelta,
        status: int = 200,
        expect: Mapping[str, Scalar] | None = None,
        access: Access = OPEN,
    ) -> None:
        self._name = name
        self._url = Template(url)
        self._status = status
        self._expect = dict(expect or {})
        self._fetcher = Fetcher(f"check {name}", timeout=timeout, limit=ANSWER_LIMIT, access=access)

    async def run(self, *, asked: RunCheck) -> CheckResult:
        """Look once.

        Raises:
            Unreachable: no answer came, which is not a failed check.
            RejectedBySystem: the address makes no sense, or the answer is too large.
        """
        url = self._url.substitute(in_address(asked))
        page = await self._fetcher.get(url, accept="application/json")
        passed, seen = self._judge(page, names_of(asked))
        return CheckResult(check=self._name, passed=passed, found=f"GET {url} answered {page.status}{seen}")

    async def aclose(self) -> None:
        """Close the kept-alive connections."""
        await self._fetcher.aclose()

    def _judge(self, page: Page, names: Mapping[str, str]) -> tuple[bool, str]:
        if page.status != self._status:
            return False, f", expected {self._status}"
        if not self._expect:
            return True, ""
        try:
            answer = parsed(page.body)
        except ValueError:
            return False, ", but not with JSON"
        seen = [_compare(answer, field, filled(wanted, names)) for field, wanted in self._expect.items()]
        return all(same for same, _ in seen), "".join(f", {words}" for _, words in seen)


def _compare(answer: JsonValue, field: str, wanted: Scalar) -> tuple[bool, str]:
    try:
        found = value_at(answer, field)
    except LookupError:
        return False, f"{field} is missing (expected {json.dumps(wanted)})"
    same = is_same(found, wanted)
    return (
        same,
        f"{field} is {told(found)}" if same else f"{field} is {told(found)} (expected {told(wanted)})",
    )
