"""A probe by one GET: which release answered, whether a cache had kept the answer, and its cookies."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from string import Template
from urllib.parse import quote

from pydantic import JsonValue

from adapters.fetch import OPEN, Access, Fetcher, Page, must_be_ok
from adapters.json_fields import parsed, value_at
from backout import probes
from backout.errors import RejectedBySystem
from backout.messages import Answered, Cookie
from backout.probes import Way

ANSWER_LIMIT = 1024 * 1024
"""Bytes that an answer may have."""
LONGEST_NAME = 128
"""Characters of a release's name that are told; what is longer is no release of ours."""
_LONGEST_COOKIE = 1024
"""Characters of a cookie that is kept: it travels with every heartbeat."""
_HITS = {
    "x-cache": re.compile(r"\bhit\b", re.IGNORECASE),
    "x-cache-status": re.compile(r"^(hit|stale|updating|revalidated)$", re.IGNORECASE),
    "cf-cache-status": re.compile(r"^(hit|stale|updating|revalidated)$", re.IGNORECASE),
    "cache-status": re.compile(r";\s*hit\b", re.IGNORECASE),
}
"""What caches say of an answer that they had kept: Squid, Varnish, nginx, CDNs, and RFC 9211."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class HttpProbe:
    """Asks one address. Each question has a connection of its own, as a balancer may choose by connection."""

    def __init__(self, name: str, config: probes.HttpProbe, access: Access = OPEN) -> None:
        """Ask as the site file says."""
        self._what = f"probe {name}"
        self._config = config
        self._url = Template(config.url)
        self._headers = {header: Template(value) for header, value in config.headers.items()}
        self._fetcher = Fetcher(
            self._what, timeout=config.timeout, limit=ANSWER_LIMIT, access=access, keep_alive=False
        )

    @property
    def way(self) -> Way:
        """What the path goes through, and how many users ask on it."""
        return self._config.way

    async def ask(self, *, service: str, session: str, cookies: Sequence[Cookie] = ()) -> Answered:
        """Return which release answered, whatever the status, as long as the answer names it.

        Raises:
            Unreachable: no whole answer in time, or one of a server in trouble that names no release.
            RejectedBySystem: an answer that names no release, or an address that makes no sense.
        """
        url = self._url.substitute(service=quote(service, safe=""), session=quote(session, safe=""))
        names = {"service": service, "session": session}
        now = datetime.now(UTC)
        page = await self._fetcher.send("GET", url, headers=self._sent(names, cookies, now))
        kept = _kept(self._config.cookies, cookies, page, now)
        # A conversation that the service has ended is not answered by any release: RFC 9110, 410 Gone.
        if self._config.path == "session" and page.status == HTTPStatus.GONE:
            return Answered(release="", ended=True, cookies=kept)
        release = self._release(page)
        if not release:
            must_be_ok(page, what=self._what, url=url)
            place = self._config.release_header or self._config.release_field
            raise RejectedBySystem(what=self._what, why=f"{url} answered without a release in '{place}'")
        return Answered(release=release, stale=_stale(page.headers), cookies=kept)

    async def aclose(self) -> None:
        """Close what is open."""
        await self._fetcher.aclose()

    def _sent(self, names: Mapping[str, str], cookies: Sequence[Cookie], now: datetime) -> dict[str, str]:
        accept = "application/json" if self._config.release_field else "*/*"
        sent = {"Accept": accept} | {
            header: value.substitute(names) for header, value in self._headers.items()
        }
        if alive := [f"{one.name}={one.value}" for one in cookies if _is_alive(one, now)]:
            sent["Cookie"] = "; ".join(alive)
        return sent

    def _release(self, page: Page) -> str:
        if self._config.release_header:
            found: JsonValue = page.headers.get(self._config.release_header, "")
        else:
            found = _field(page, self._config.release_field or "")
        if isinstance(found, bool) or not isinstance(found, str | int | float):
            return ""
        # Whatever a broken service writes goes on the timeline, and to people.
        return _CONTROL.sub(" ", str(found)).strip()[:LONGEST_NAME].encode(errors="replace").decode()


def _field(page: Page, field: str) -> JsonValue:
    try:
        return value_at(parsed(page.body), field)
    except (ValueError, LookupError):
        return None


def _stale(headers: Mapping[str, str]) -> str:
    """Return what says that a cache had kept the answer. `Via` alone only says that something is between."""
    age = headers.get("Age", "").strip()
    said = [f"Age: {age}"] if age.isdecimal() and age.strip("0") else []
    said += [
        f"{header}: {headers[header]}" for header, hit in _HITS.items() if hit.search(headers.get(header, ""))
    ]
    if said and "via" in headers:
        said.append(f"via: {headers['via']}")
    return _CONTROL.sub(" ", ", ".join(said))[:200]


def _kept(names: Sequence[str], before: Sequence[Cookie], page: Page, now: datetime) -> tuple[Cookie, ...]:
    """Return the user's cookies after an answer: only those that keep a user at a server."""
    cookies = {one.name: one for one in before if _is_alive(one, now)}
    for cookie in (_cookie(text, now) for text in page.set_cookies):
        if cookie.name in names and len(cookie.value) <= _LONGEST_COOKIE:
            cookies.pop(cookie.name, None)
            cookies |= {cookie.name: cookie} if _is_alive(cookie, now) else {}
    return tuple(cookies.values())


def _cookie(text: str, now: datetime) -> Cookie:
    """Read a Set-Cookie as browsers do (RFC 6265, 5.2): whatever it holds, its parts end at semicolons."""
    pair, *rest = text.split(";")
    name, _, value = pair.partition("=")
    told = {key.strip().lower(): said.strip() for key, _, said in (part.partition("=") for part in rest)}
    return Cookie(name=name.strip(), value=value.strip(), until=_until(told, now))


def _until(told: Mapping[str, str], now: datetime) -> datetime | None:
    """Return when a cookie ends: Max-Age goes before Expires."""
    if re.fullmatch(r"-?\d{1,9}", told.get("max-age", "")):
        return now + timedelta(seconds=int(told["max-age"]))
    try:
        found = parsedate_to_datetime(told.get("expires", ""))
    except (ValueError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _is_alive(cookie: Cookie, now: datetime) -> bool:
    return cookie.until is None or cookie.until > now
