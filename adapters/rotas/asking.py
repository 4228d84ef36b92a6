"""What the on-call systems have in common: a bounded GET, a pause where they want one, JSON that fits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError

from adapters.fetch import Access, Fetcher, must_be_ok
from adapters.pauses import pause_s
from backout.errors import PauseAsked, RejectedBySystem

ANSWER_LIMIT = 1024 * 1024
"""Bytes that an answer may have."""
PAUSE_S = 30.0
"""After a 429 that does not say how long the pause is; both systems count requests by the minute."""
LONGEST_PAUSE_S = 300.0

M = TypeVar("M", bound=BaseModel)


class Asker:
    """Asks one system. What it answers beyond the fields of the model is left out."""

    def __init__(self, what: str, *, url: str, timeout: timedelta, access: Access) -> None:
        self._what = what
        self._url = url.rstrip("/")
        self._fetcher = Fetcher(what, timeout=timeout, limit=ANSWER_LIMIT, access=access)

    async def ask(self, path: str, fields: Mapping[str, str], *, accept: str, model: type[M]) -> M:
        """Return the answer to a GET.

        Raises:
            PauseAsked: there were too many requests.
            RejectedBySystem: the system refuses, or its answer is not what it documents.
            Unreachable: no whole answer came in time, or the system has a failure of its own.
        """
        url = self._url + path
        page = await self._fetcher.get(url, accept=accept, fields=fields)
        if page.status == HTTPStatus.TOO_MANY_REQUESTS:
            pause = pause_s(page.retry_after, otherwise=PAUSE_S, longest=LONGEST_PAUSE_S)
            raise PauseAsked(what=self._what, retry_after_s=pause)
        must_be_ok(page, what=self._what, url=url)
        try:
            return model.model_validate_json(page.body)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"])) or "the answer"
            why = f"{urlsplit(url).path} answered something else than is documented: {place}: {first['msg']}"
            raise RejectedBySystem(what=self._what, why=why) from error

    async def aclose(self) -> None:
        """Close the kept-alive connections."""
        await self._fetcher.aclose()
