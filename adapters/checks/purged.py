"""A cache has forgotten what the candidate left in it: told to where that is wanted, then read through."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from http import HTTPStatus
from string import Template

from adapters.checks.subject import in_address, in_time, names_of
from adapters.fetch import Access, Fetcher, Page, is_passing
from adapters.json_fields import filled, is_same, parsed, told, value_at
from backout.checks import PurgedCheck
from backout.errors import RejectedBySystem, Unreachable
from backout.messages import CheckResult
from backout.requests import RunCheck

ANSWER_LIMIT = 16 * 1024 * 1024
"""Bytes that an answer may have."""
_GONE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
"""A cache that had nothing to forget."""
_LONGEST_AGE = 20
"""Digits of an Age; what has more is no number of seconds."""


class PurgedChecker:
    """Purges, reads through the cache, and says what is old about the answer."""

    def __init__(self, name: str, config: PurgedCheck, *, access: Access, purging: Access) -> None:
        """Read with one access, and purge with the other."""
        self._what = f"check {name}"
        self._config = config
        self._fetcher = Fetcher(self._what, timeout=config.timeout, limit=ANSWER_LIMIT, access=access)
        self._purger = Fetcher(self._what, timeout=config.timeout, limit=ANSWER_LIMIT, access=purging)

    async def run(self, *, asked: RunCheck) -> CheckResult:
        """Look once; the purge and all that is read have the check's timeout together.

        Raises:
            Unreachable: no answer came in time, or one that says to try again.
            RejectedBySystem: the purge is refused, or an address makes no sense.
        """
        async with in_time(self._what, self._config.timeout):
            return await self._look(asked)

    async def aclose(self) -> None:
        """Close the kept-alive connections."""
        await self._fetcher.aclose()
        await self._purger.aclose()

    async def _look(self, asked: RunCheck) -> CheckResult:
        await self._purge(asked)
        url, page = await self._get(self._config.url, asked)
        if page.status != HTTPStatus.OK:
            found = f"GET {url} answered {page.status}, which is no data"
            return CheckResult(check=asked.check, passed=False, found=found)
        old = [*self._old(page, names_of(asked)), *await self._unlike_origin(page, asked)]
        said = "; ".join(old) or "nothing of it is old"
        return CheckResult(check=asked.check, passed=not old, found=f"GET {url}: {said}")

    async def _purge(self, asked: RunCheck) -> None:
        purge = self._config.purge
        if purge is None:
            return
        url = Template(purge.url).substitute(in_address(asked))
        headers = {"Idempotency-Key": asked.key} if asked.key else {}
        page = await self._purger.send(purge.method, url, headers=headers)
        if page.status in range(200, 300) or page.status in _GONE:
            return
        why = f"{purge.method} {url} answered {page.status}"
        if is_passing(page.status):
            raise Unreachable(what=self._what, why=why)
        raise RejectedBySystem(what=self._what, why=why)

    async def _get(self, address: str, asked: RunCheck) -> tuple[str, Page]:
        url = Template(address).substitute(in_address(asked))
        page = await self._fetcher.get(url, accept="application/json, */*;q=0.5")
        if is_passing(page.status):
            raise Unreachable(what=self._what, why=f"GET {url} answered {page.status}")
        return url, page

    def _old(self, page: Page, names: Mapping[str, str]) -> Iterator[str]:
        if self._config.age_below is not None:
            yield from _too_old(page, self._config.age_below)
        for header, text in self._config.not_headers.items():
            unwanted, found = Template(text).safe_substitute(names), page.headers.get(header)
            if found is None:
                yield f"header {header} is missing, which is no data"
            elif found == unwanted:
                yield f"header {header} is {found[:200]} still"
        if self._config.not_fields:
            yield from self._fields(page, names)

    def _fields(self, page: Page, names: Mapping[str, str]) -> Iterator[str]:
        try:
            answer = parsed(page.body)
        except ValueError:
            yield "it is not JSON, which is no data"
            return
        for field, unwanted in self._config.not_fields.items():
            try:
                found = value_at(answer, field)
            except LookupError:
                yield f"{field} is missing, which is no data"
            else:
                if found is None:
                    yield f"{field} is null, which is no data"
                elif is_same(found, filled(unwanted, names)):
                    yield f"{field} is {told(found)} still"

    async def _unlike_origin(self, page: Page, asked: RunCheck) -> list[str]:
        if self._config.origin is None:
            return []
        _, origin = await self._get(self._config.origin, asked)
        cached, fresh = page.headers.get("ETag"), origin.headers.get("ETag")
        if not cached or not fresh:
            where = "the cache" if not cached else "the origin"
            return [f"{where} sends no ETag, which is no data"]
        # A proxy that compresses makes a strong one weak; it is the same content.
        same = cached.removeprefix("W/") == fresh.removeprefix("W/")
        return [] if same else [f"the cache has {cached[:200]} and the origin {fresh[:200]}"]


def _too_old(page: Page, below: timedelta) -> Iterator[str]:
    age = page.headers.get("Age")
    # Who answers without an Age has not kept it.
    if age is None:
        return
    if not age.isdecimal() or len(age) > _LONGEST_AGE:
        yield f"its Age is '{age[:200]}', which is no data"
    elif int(age) >= below.total_seconds():
        yield f"its Age is {age} s (below {below.total_seconds():g} s)"
