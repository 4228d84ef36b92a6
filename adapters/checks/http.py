"""An integrity check by one GET: the status, and fields of the JSON answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from string import Template
from typing import TypeAlias
from urllib.parse import quote

from pydantic import JsonValue

from adapters.fetch import Fetcher, Page
from backout.messages import CheckResult

ANSWER_LIMIT = 1024 * 1024
"""Bytes that an answer may have."""
Expected: TypeAlias = str | int | float | bool


class HttpChecker:
    """Asks an address whether the world is as it should be."""

    def __init__(
        self,
        name: str,
        url: str,
        timeout: timedelta,
        status: int = 200,
        expect: Mapping[str, Expected] | None = None,
    ) -> None:
        self._name = name
        self._url = Template(url)
        self._status = status
        self._expect = dict(expect or {})
        self._fetcher = Fetcher(f"check {name}", timeout=timeout, limit=ANSWER_LIMIT)

    async def run(self, *, service: str, release: str) -> CheckResult:
        """Look once.

        Raises:
            Unreachable: no answer came, which is not a failed check.
            RejectedBySystem: the address makes no sense, or the answer is too large.
        """
        url = self._url.substitute(service=quote(service, safe=""), release=quote(release, safe=""))
        page = await self._fetcher.get(url, accept="application/json")
        passed, seen = self._judge(page, {"service": service, "release": release})
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
            answer: JsonValue = json.loads(page.body)
        except ValueError:
            return False, ", but not with JSON"
        seen = [_compare(answer, field, _filled(wanted, names)) for field, wanted in self._expect.items()]
        return all(same for same, _ in seen), "".join(f", {words}" for _, words in seen)


def _filled(wanted: Expected, names: Mapping[str, str]) -> Expected:
    return Template(wanted).safe_substitute(names) if isinstance(wanted, str) else wanted


def _compare(answer: JsonValue, field: str, wanted: Expected) -> tuple[bool, str]:
    found = answer
    for part in field.split("."):
        if isinstance(found, dict) and part in found:
            found = found[part]
        elif isinstance(found, list) and part.isdigit() and int(part) < len(found):
            found = found[int(part)]
        else:
            return False, f"{field} is missing (expected {json.dumps(wanted)})"
    # In Python True == 1; in JSON they differ.
    same = found == wanted and isinstance(found, bool) == isinstance(wanted, bool)
    told = json.dumps(found)[:200]
    return same, f"{field} is {told}" if same else f"{field} is {told} (expected {json.dumps(wanted)})"
