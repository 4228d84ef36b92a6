"""The events door: pipelines mark what happens outside and may explain what the signals say."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse

from backout.marking import Marking
from gateway.bearer import admit
from gateway.bodies import JSON, KIB, fitted, read_body, said
from gateway.marking import ExternalEvents
from gateway.pace import Pace
from gateway.releases import BY

LARGEST = 16 * KIB
"""Bytes of one event."""


class EventsDoor:
    """`POST /events`, for who presents the token of the releases door."""

    def __init__(self, *, token: str, pace: Pace, events: ExternalEvents) -> None:
        """Let in who presents the token; a token's doors share its pace."""
        self._token = token
        self._pace = pace
        self._events = events

    async def mark(self, request: Request) -> JSONResponse:
        """Keep an event: 201 where its key is new, 200 where it replaces what was kept."""
        admit(request, self._token)
        self._pace.take()
        body = await read_body(request, media_type=JSON, limit=LARGEST)
        event, is_new = await self._events.mark(fitted(said(body), Marking), by=BY)
        answer = {"event": event.model_dump(mode="json"), "repeated": not is_new}
        return JSONResponse(answer, 201 if is_new else 200)
