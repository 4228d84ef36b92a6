"""One GET, bounded in time and size, with every failure named."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from http import HTTPStatus
from typing import NamedTuple

import httpx

from backout.errors import RejectedBySystem, Unreachable


class Page(NamedTuple):
    """An answer whose whole body came in time."""

    status: int
    media_type: str
    body: bytes


class Fetcher:
    """Gets pages through one kept-alive client; a redirect is an answer, not followed."""

    def __init__(self, what: str, *, timeout: timedelta, limit: int, token: str | None = None) -> None:
        self._what = what
        self._timeout_s = timeout.total_seconds()
        self._limit = limit
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._client = httpx.AsyncClient(headers=headers, timeout=self._timeout_s, trust_env=False)

    async def get(self, url: str, *, accept: str) -> Page:
        """Return the answer, whatever its status.

        Raises:
            Unreachable: no whole answer came in time.
            RejectedBySystem: the address makes no sense, or the body is too large.
        """
        try:
            # httpx's own time-out begins anew with every chunk; a slow drip must end too.
            async with asyncio.timeout(self._timeout_s):
                return await self._get(url, accept)
        except TimeoutError:
            why = f"no whole answer from {url} within {self._timeout_s:g} s"
            raise Unreachable(what=self._what, why=why) from None
        except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            raise RejectedBySystem(what=self._what, why=f"'{url}' is not an address: {error}") from error
        except httpx.HTTPError as error:
            why = f"{url}: {str(error) or type(error).__name__}"
            raise Unreachable(what=self._what, why=why) from error

    async def aclose(self) -> None:
        """Close the kept-alive connections."""
        await self._client.aclose()

    async def _get(self, url: str, accept: str) -> Page:
        async with self._client.stream("GET", url, headers={"Accept": accept}) as answer:
            body = bytearray()
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > self._limit:
                    raise RejectedBySystem(what=self._what, why=f"{url} is larger than {self._limit} bytes")
            media_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
            return Page(answer.status_code, media_type, bytes(body))


def must_be_ok(page: Page, *, what: str, url: str) -> Page:
    """Return the page if its status is 200.

    Raises:
        Unreachable: the status says that trying again may help (5xx, 408, 429).
        RejectedBySystem: any other status.
    """
    if page.status == HTTPStatus.OK:
        return page
    advice = {
        HTTPStatus.UNAUTHORIZED: "; it asks for a token, or for another one",
        HTTPStatus.FORBIDDEN: "; the token may not read it",
        HTTPStatus.NOT_FOUND: "; there is nothing at this address",
    }
    passing = page.status >= HTTPStatus.INTERNAL_SERVER_ERROR or page.status in (
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_MANY_REQUESTS,
    )
    error = Unreachable if passing else RejectedBySystem
    redirect = "; it redirects elsewhere, which is not followed" if page.status in range(300, 400) else ""
    known = next((text for status, text in advice.items() if status == page.status), redirect)
    raise error(what=what, why=f"{url} answered {page.status}{known}")
