"""The releases door: pipelines tell of releases, look at them and retire them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from backout.model import Frozen
from backout.releases import Registration
from gateway.bearer import admit
from gateway.bodies import JSON, KIB, fitted, read_body, said
from gateway.pace import Pace
from gateway.registering import Releases, Told

LARGEST = 64 * KIB
"""Bytes of one registration."""
SHOWN, MOST_SHOWN = 50, 1000
"""Releases that a list holds where nothing is said, and at most."""
BY = "pipeline"
"""Who acts by this door: its token is that of all pipelines."""


class Retirement(Frozen):
    """The body that retires a release."""

    why: Annotated[str, Field(min_length=1, max_length=500)]


class ReleasesDoor:
    """`/releases`, for who presents the token."""

    def __init__(self, *, token: str, pace: Pace, releases: Releases) -> None:
        """Let in who presents the token; a token's doors share its pace."""
        self._token = token
        self._pace = pace
        self._releases = releases

    async def register(self, request: Request) -> JSONResponse:
        """Register a release: 201 and watched, 202 where its watch is pending, 200 where it was known."""
        told = fitted(said(await self._body(request)), Registration)
        done = await self._releases.register(told, by=BY)
        return JSONResponse(_answer(done), 200 if done.repeated else 202 if done.watch == "pending" else 201)

    async def listing(self, request: Request) -> JSONResponse:
        """List the newest releases, of one service or of all."""
        admit(request, self._token)
        service, limit = request.query_params.get("service"), request.query_params.get("limit", str(SHOWN))
        if not limit.isascii() or not limit.isdigit() or not 1 <= int(limit[:9]) <= MOST_SHOWN:
            raise HTTPException(400, f"limit: give a number from 1 to {MOST_SHOWN}, not '{limit[:60]}'.")
        records = await self._releases.listing(service=service, limit=int(limit))
        return JSONResponse({"releases": [record.model_dump(mode="json") for record in records]})

    async def show(self, request: Request) -> JSONResponse:
        """Show a release and its watch."""
        admit(request, self._token)
        shown = await self._releases.show(
            service=request.path_params["service"], release=request.path_params["release"]
        )
        return JSONResponse(shown.model_dump(mode="json"))

    async def retire(self, request: Request) -> JSONResponse:
        """Retire a release; 202 where the end of its watch is pending."""
        retirement = fitted(said(await self._body(request)), Retirement)
        done = await self._releases.retire(
            service=request.path_params["service"],
            release=request.path_params["release"],
            by=BY,
            why=retirement.why,
        )
        return JSONResponse(_answer(done), 202 if done.watch == "pending" else 200)

    async def _body(self, request: Request) -> bytes:
        admit(request, self._token)
        self._pace.take()
        return await read_body(request, media_type=JSON, limit=LARGEST)


def _answer(done: Told) -> dict[str, object]:
    return done.model_dump(mode="json")
