"""One request, bounded in time and size, with every failure named."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeAlias

import httpx
from pydantic import JsonValue

from adapters.tls import public_authorities
from backout.errors import RejectedBySystem, Unreachable

_PASSING = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
NO_ADVICE: Mapping[int, str] = MappingProxyType({})
_ADVICE: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: "; it asks for a token, or for another one",
    HTTPStatus.FORBIDDEN: "; the token may not read it",
    HTTPStatus.NOT_FOUND: "; there is nothing at this address",
}
Method: TypeAlias = Literal["GET", "PUT", "POST", "PATCH", "DELETE", "PURGE"]


class Page(NamedTuple):
    """An answer whose whole body came in time."""

    status: int
    media_type: str
    body: bytes
    headers: Mapping[str, str] = MappingProxyType({})
    """By name, however that is written."""

    set_cookies: tuple[str, ...] = ()
    """Each `Set-Cookie` as it was written; their commas keep them from being one header."""

    @property
    def retry_after(self) -> str:
        """When to come again, as the server said it."""
        return self.headers.get("retry-after", "")


@dataclass(frozen=True)
class Access:
    """What a system asks of those whom it answers."""

    token: str | None = field(default=None, repr=False)
    """A bearer token."""
    scheme: str = "Bearer"
    """What stands before the token, where a system has a word of its own for it."""
    basic: tuple[str, str] | None = field(default=None, repr=False)
    """A user and a password."""
    tls: ssl.SSLContext | None = None
    """Whom we trust and what we show; None trusts the public authorities."""


OPEN = Access()
"""It asks for nothing."""


class Fetcher:
    """Asks through one client; a redirect is an answer, not followed, and no cookie is kept.

    `keep_alive`: connections stay open for the next request. Without, each request comes as a new client's.
    """

    def __init__(
        self, what: str, *, timeout: timedelta, limit: int, access: Access = OPEN, keep_alive: bool = True
    ) -> None:
        self._what = what
        self._timeout_s = timeout.total_seconds()
        self._limit = limit
        self._client = httpx.AsyncClient(
            headers={"Authorization": f"{access.scheme} {access.token}"} if access.token else {},
            auth=httpx.BasicAuth(*access.basic) if access.basic else None,
            verify=access.tls or public_authorities(),
            timeout=self._timeout_s,
            trust_env=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            limits=httpx.Limits(max_connections=100, max_keepalive_connections=20 if keep_alive else 0),
        )

    async def get(self, url: str, *, accept: str, fields: Mapping[str, str] | None = None) -> Page:
        """Return the answer, whatever its status; `fields` are the address's query.

        It raises what `send` raises.
        """
        return await self.send("GET", url, headers={"Accept": accept}, fields=fields)

    async def send(
        self,
        method: Method,
        url: str,
        *,
        body: JsonValue = None,
        headers: Mapping[str, str] | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> Page:
        """Send a request, with a JSON body where there is one, and return the answer, whatever its status.

        Raises:
            Unreachable: no whole answer came in time.
            RejectedBySystem: the address makes no sense, or the body is too large.
        """
        asked = self._client.stream(method, url, json=body, params=fields, headers=headers)
        return await self._answer(url, asked, whole=True)

    async def post(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> Page:
        """Post a body as it is and return the answer, whatever its status; one that is too large is cut.

        Raises:
            Unreachable: no whole answer came in time. What was posted may have been taken.
            RejectedBySystem: the address makes no sense.
        """
        asked = self._client.stream("POST", url, headers=headers, content=body)
        return await self._answer(url, asked, whole=False)

    async def stream(self, url: str, take: Callable[[bytes], None]) -> int:
        """Hand over the body of an answer bit by bit as it comes, where its status is 200; return the status.

        How much that may be is for who takes it to say: what `take` raises ends it. The whole answer may take
        as long as whoever waits for it allows; no silence in it may be longer than the timeout.

        Raises:
            Unreachable: no whole answer came.
            RejectedBySystem: the address makes no sense.
        """
        with self._named(url):
            async with self._client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as answer:
                if answer.status_code == HTTPStatus.OK:
                    async for chunk in answer.aiter_raw():
                        take(chunk)
                return answer.status_code

    async def _answer(
        self, url: str, asked: AbstractAsyncContextManager[httpx.Response], *, whole: bool
    ) -> Page:
        with self._named(url):
            try:
                # httpx's own time-out begins anew with every chunk; a slow drip must end too.
                async with asyncio.timeout(self._timeout_s):
                    async with asked as answer:
                        return await self._read(answer, url, whole=whole)
            except TimeoutError:
                why = f"no whole answer from {url} within {self._timeout_s:g} s"
                raise Unreachable(what=self._what, why=why) from None

    @contextmanager
    def _named(self, url: str) -> Iterator[None]:
        """Turn what the client raises into errors that have a name."""
        try:
            yield
        except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            raise RejectedBySystem(what=self._what, why=f"'{url}' is not an address: {error}") from error
        # A server may refuse our certificate after the handshake; httpx lets that error through.
        except (httpx.HTTPError, ssl.SSLError) as error:
            why = f"{url}: {str(error) or type(error).__name__}"
            raise Unreachable(what=self._what, why=why) from error

    async def aclose(self) -> None:
        """Close the kept-alive connections."""
        await self._client.aclose()

    async def _read(self, answer: httpx.Response, url: str, *, whole: bool) -> Page:
        body = bytearray()
        async for chunk in answer.aiter_bytes():
            body += chunk
            if len(body) > self._limit:
                if whole:
                    raise RejectedBySystem(what=self._what, why=f"{url} is larger than {self._limit} bytes")
                break
        media_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        set_cookies = tuple(answer.headers.get_list("set-cookie"))
        return Page(answer.status_code, media_type, bytes(body), answer.headers, set_cookies)


def is_passing(status: int) -> bool:
    """Say whether a status says that trying again may help: 5xx, 408 or 429."""
    return status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _PASSING


def must_be_ok(page: Page, *, what: str, url: str) -> Page:
    """Return the page if its status is 200.

    Raises:
        Unreachable: the status says that trying again may help (5xx, 408, 429).
        RejectedBySystem: any other status.
    """
    if page.status == HTTPStatus.OK:
        return page
    error = Unreachable if is_passing(page.status) else RejectedBySystem
    raise error(what=what, why=f"{url} answered {page.status}{advice_on(page.status, _ADVICE)}")


def advice_on(status: int, advice: Mapping[int, str]) -> str:
    """Return what to do about a status, as the end of a sentence; empty where nobody knows."""
    if status in range(300, 400):
        return "; it redirects elsewhere, which is not followed"
    return advice.get(status, "")
