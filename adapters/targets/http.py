"""A system of the site's own that holds exposure and speaks the contract of docs/reference/http-target.md."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from string import Template
from typing import Annotated, NamedTuple
from urllib.parse import quote

from pydantic import BaseModel, Field, JsonValue, StrictInt, ValidationError

from adapters.fetch import OPEN, Access, Fetcher, Page, advice_on
from adapters.targets.api import pause_asked
from backout import targets
from backout.errors import (
    ExposureMoved,
    RejectedBySystem,
    UnknownName,
    Unreachable,
)
from backout.exposure import Capability, Exposure, must_be_possible
from backout.release_sets import Conversations

ANSWER_LIMIT = 64 * 1024
"""Bytes that an answer may have."""
_MOVED = (HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED)
_DONE = (HTTPStatus.OK, HTTPStatus.NO_CONTENT)
_ADVICE: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: "; it asks for a token, or for another one",
    HTTPStatus.FORBIDDEN: "; the token may not do that",
    HTTPStatus.NOT_FOUND: "; there is nothing at this address",
}


class _Held(BaseModel):
    """What a GET answers; other fields pass by."""

    percent: Annotated[StrictInt, Field(ge=0, le=100)]
    key: str = ""
    by: str = ""
    conversations: str = ""


class _Found(NamedTuple):
    """The exposure, and what the last change made of conversations."""

    exposure: Exposure
    conversations: str


class _Misfit(BaseModel):
    """What an answer that refuses may say; other fields pass by."""

    why: str = ""
    kind: str = "release"
    name: str = ""
    known: list[str] | None = None


class HttpTarget:
    """Reads by GET, sets by PUT with Idempotency-Key and If-Match, and reads back by GET."""

    def __init__(
        self,
        url: str,
        timeout: timedelta,
        access: Access = OPEN,
        capability: Capability = Capability.PERCENTAGE,
    ) -> None:
        """Speak to this address; `$service` and `$release` are filled in, `timeout` is for each request."""
        self._url = Template(url)
        self._capability = capability
        self._what = f"exposure at {url}"
        self._fetcher = Fetcher(self._what, timeout=timeout, limit=ANSWER_LIMIT, access=access)

    @property
    def capability(self) -> Capability:
        """What the site file says that the server holds."""
        return self._capability

    async def read(self, *, service: str, release: str) -> Exposure:
        """Return the exposure; its generation is the ETag.

        Raises:
            UnknownName: the server does not know the service or release.
            RejectedBySystem: it refuses, or its answer does not keep the contract.
            PauseAsked: it asks for a pause.
            Unreachable: no answer in time, or one that says that trying again may help.
        """
        return (await self._look(service, release)).exposure

    @property
    def conversations(self) -> frozenset[Conversations]:
        """Whatever the server does not refuse."""
        return targets.HttpTarget.sees_to

    async def set(
        self,
        *,
        service: str,
        release: str,
        percent: int,
        key: str,
        expected: str = "",
        conversations: Conversations | None = None,
    ) -> Exposure:
        """Set the exposure and read it back; it raises what `read` raises too.

        Raises:
            StageOutOfRange: no such percent.
            PointerOnly: a percent between, and it is a pointer.
            ExposureMoved: another generation is there than was expected.
            RejectedBySystem: it says that it did something else with conversations, or does not say what.
        """
        must_be_possible(percent, of=self._what, capability=self._capability)
        url = self._address(service, release)
        headers = {"Accept": "application/json", "Idempotency-Key": key}
        if expected:
            headers["If-Match"] = expected
        body: dict[str, JsonValue] = {"percent": percent}
        if conversations:
            body["conversations"] = conversations.value
        page = await self._fetcher.send("PUT", url, body=body, headers=headers)
        if page.status in _MOVED:
            found = await self.read(service=service, release=release)
            last = found.by or found.changed_by
            raise ExposureMoved(target=self._what, expected=expected, found=found.generation, by=last)
        if page.status not in _DONE:
            raise self._error(page, f"PUT {url}", release)
        held = await self._look(service, release)
        if conversations and held.conversations != conversations:
            said = held.conversations or "nothing"
            why = f"PUT {url} was to let conversations {conversations.value}, but GET says {said}"
            raise self._refused(why=why)
        return held.exposure

    async def aclose(self) -> None:
        """Close the kept-alive connections."""
        await self._fetcher.aclose()

    async def _look(self, service: str, release: str) -> _Found:
        url = self._address(service, release)
        # A proxy that compresses an answer makes its ETag a weak one.
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "Cache-Control": "no-cache"}
        page = await self._fetcher.send("GET", url, headers=headers)
        if page.status != HTTPStatus.OK:
            raise self._error(page, f"GET {url}", release)
        return self._held(page, f"GET {url}")

    def _address(self, service: str, release: str) -> str:
        return self._url.substitute(service=quote(service, safe=""), release=quote(release, safe=""))

    def _held(self, page: Page, asked: str) -> _Found:
        try:
            held = _Held.model_validate_json(page.body)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"]) or "the answer"
            raise self._refused(why=f"{asked}: {place}: {first['msg']}") from error
        tag = page.headers.get("ETag", "")
        if tag.startswith("W/"):
            why = f"{asked}: its ETag {tag} is weak, so If-Match never fits it; it must send a strong one"
            raise self._refused(why=why)
        exposure = Exposure(percent=held.percent, generation=tag, changed_by=held.key, by=held.by)
        return _Found(exposure, held.conversations)

    def _error(self, page: Page, asked: str, release: str) -> Exception:
        said = _misfit(page)
        if page.status == HTTPStatus.NOT_FOUND and said.known is not None:
            return UnknownName(
                kind=f"{said.kind} of {self._what}", name=said.name or release, known=said.known
            )
        if page.status == HTTPStatus.TOO_MANY_REQUESTS:
            return pause_asked(page, what=self._what)
        why = f"{asked} answered {page.status}{advice_on(page.status, _ADVICE)}"
        why += f": {said.why[:200]}" if said.why else ""
        if page.status >= HTTPStatus.INTERNAL_SERVER_ERROR or page.status == HTTPStatus.REQUEST_TIMEOUT:
            return Unreachable(what=self._what, why=why)
        return self._refused(why=why)

    def _refused(self, *, why: str) -> RejectedBySystem:
        return RejectedBySystem(what=self._what, why=why)


def _misfit(page: Page) -> _Misfit:
    try:
        return _Misfit.model_validate_json(page.body)
    except ValidationError:
        return _Misfit()
