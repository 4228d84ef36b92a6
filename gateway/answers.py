"""How the gateway answers when something is wrong."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from math import ceil
from uuid import uuid4

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from backout.errors import (
    ActionRefused,
    BackoutError,
    EngineDown,
    EventRefused,
    IncidentAmbiguous,
    IncidentOver,
    IncidentUnknown,
    InvalidDocument,
    NoOpenIncident,
    PlaybookGone,
    PushRefused,
    RateLimited,
    RegistrationRefused,
    ReleaseDiffers,
    ReleaseInQuarantine,
    ReleaseUnknown,
    RolloutRefused,
    ServiceFrozen,
    Unanswered,
)

_STATUS: Mapping[type[BackoutError], int] = {
    InvalidDocument: 400,
    IncidentUnknown: 404,
    NoOpenIncident: 404,
    ReleaseUnknown: 404,
    ActionRefused: 409,
    IncidentAmbiguous: 409,
    IncidentOver: 409,
    PlaybookGone: 409,
    ReleaseDiffers: 409,
    RolloutRefused: 409,
    EventRefused: 422,
    PushRefused: 422,
    RegistrationRefused: 422,
    ReleaseInQuarantine: 423,
    ServiceFrozen: 423,
    RateLimited: 429,
    EngineDown: 503,
    Unanswered: 504,
}
"""The answer to each error that a request can bring about; any other is a fault on our side."""

_log = logging.getLogger(__name__)


async def _problem(request: Request, error: Exception) -> JSONResponse:
    """Answer with what is wrong, in the error's own words."""
    for kind, status in _STATUS.items():
        if isinstance(error, kind):
            return JSONResponse({"error": str(error)}, status, _headers(error))
    return await _fault(request, error)


def _headers(error: BackoutError) -> dict[str, str]:
    return {"Retry-After": str(ceil(error.retry_after_s))} if isinstance(error, RateLimited) else {}


async def _refusal(_: Request, error: Exception) -> JSONResponse:
    """Answer what the web framework or a door refuses before it is read."""
    if not isinstance(error, HTTPException):
        raise error
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)


async def _fault(request: Request, error: Exception) -> JSONResponse:
    """Answer a fault of ours with an id that finds it in the log, and with nothing else."""
    fault = uuid4().hex
    _log.error("Fault %s at %s", fault, request.url.path, exc_info=error)
    return JSONResponse({"error": f"Internal error {fault}; the gateway's log has it under this id."}, 500)


HANDLERS: Mapping[type[Exception], Callable[[Request, Exception], Awaitable[JSONResponse]]] = {
    BackoutError: _problem,
    HTTPException: _refusal,
    Exception: _fault,
}
"""Who answers each kind of error."""
