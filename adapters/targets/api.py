"""A JSON API over HTTP: an answer becomes a model, and a refusal an error that says what the server said."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import TypeVar

from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError

from adapters.fetch import Access, Fetcher, Method, Page, advice_on, is_passing
from adapters.pauses import pause_s
from backout.errors import PauseAsked, RejectedBySystem, Unreachable

ANSWER_LIMIT = 16 * 1024 * 1024
"""Bytes that an answer may have."""
SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
_ADVICE: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: ": it does not know us; name its 'token' or password, or another one",
    HTTPStatus.FORBIDDEN: ": we may not do this; give the account the right to, or name another one",
}
_SAID = 300
"""How much is told of what a server said."""
Answer = TypeVar("Answer")


class _Said(BaseModel):
    message: str = ""


class JsonApi:
    """Asks a server that speaks JSON."""

    def __init__(self, what: str, url: str, *, timeout: timedelta, access: Access) -> None:
        self._what = what
        self._url = url.rstrip("/")
        self._fetcher = Fetcher(what, timeout=timeout, limit=ANSWER_LIMIT, access=access)

    async def ask(
        self,
        method: Method,
        path: str,
        answer: type[Answer],
        *,
        body: JsonValue = None,
        fields: dict[str, str] | None = None,
        media_type: str = "application/json",
    ) -> Answer:
        """Send a request and return its answer; `media_type` is that of the body.

        Raises:
            Unreachable: no answer came in time, or one that says to try again (5xx, 408).
            PauseAsked: there were too many requests (429).
            RejectedBySystem: the server says no, the address makes no sense, or the answer is not one of this
                API. Where the server answered, `details` has its `status` and what it `said`.
        """
        url = f"{self._url}{path}"
        headers = {"Accept": "application/json"} | ({"Content-Type": media_type} if body is not None else {})
        page = await self._fetcher.send(method, url, body=body, headers=headers, fields=fields)
        if page.status not in range(200, 300):
            self._refuse(method, url, page)
        try:
            return TypeAdapter(answer).validate_json(page.body or b"{}")
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            why = f"{method} {url} answered what is not of this API ({place or 'the whole'}: {first['msg']})"
            raise RejectedBySystem(what=self._what, why=why) from error

    async def aclose(self) -> None:
        """Close the kept-alive connections."""
        await self._fetcher.aclose()

    def _refuse(self, method: Method, url: str, page: Page) -> None:
        if page.status == HTTPStatus.TOO_MANY_REQUESTS:
            raise pause_asked(page, what=self._what)
        said = _said(page)
        told = f": {said.rstrip('.')}" if said else ""
        why = f"{method} {url} answered {page.status}{told}{advice_on(page.status, _ADVICE)}"
        if is_passing(page.status):
            raise Unreachable(what=self._what, why=why, status=page.status, said=said)
        raise RejectedBySystem(what=self._what, why=why, status=page.status, said=said)


def pause_asked(page: Page, *, what: str) -> PauseAsked:
    """Return the pause that a target asks for; one that is out of bounds is lengthened or shortened."""
    asked = pause_s(page.retry_after, otherwise=SHORTEST_PAUSE_S, longest=LONGEST_PAUSE_S)
    return PauseAsked(what=what, retry_after_s=max(asked, SHORTEST_PAUSE_S))


def _said(page: Page) -> str:
    """Return the server's own words, where it says any: not a whole page of HTML."""
    if page.media_type != "application/json":
        return ""
    try:
        return _Said.model_validate_json(page.body).message[:_SAID]
    except ValidationError:
        return ""
