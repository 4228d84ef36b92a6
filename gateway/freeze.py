"""The freeze door: `GET /freeze/<service>`, for pipelines that ask before they deploy."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from backout.errors import BackoutError, FreezeUnknown, InvalidDocument, UnknownName
from backout.freezing import FreezeQuestion
from backout.problems import unknown
from gateway.bearer import admit
from gateway.bodies import fitted
from gateway.freezing import Freeze

FROZEN = 423
"""Locked: what may not be released now."""
PARAMETERS = ("digest", "release")
NO_STORE = {"Cache-Control": "no-store"}
"""An answer is good for the moment of the question."""


class FreezeDoor:
    """`/freeze/{service}`, for who presents the token of the releases door."""

    def __init__(self, *, token: str, freeze: Freeze) -> None:
        """Let in who presents the token."""
        self._token = token
        self._freeze = freeze

    async def ask(self, request: Request) -> JSONResponse:
        """Answer 200 where the service is free, 423 and why where it is frozen, 503 where nobody can say."""
        admit(request, self._token)
        try:
            answer = await self._freeze.ask(_asked(request))
        except UnknownName as error:
            raise _refusal(404, error) from error
        except InvalidDocument as error:
            raise _refusal(400, error) from error
        except FreezeUnknown as error:
            raise _refusal(503, error) from error
        status = FROZEN if answer.frozen else 200
        return JSONResponse(answer.model_dump(mode="json"), status, NO_STORE)


def _asked(request: Request) -> FreezeQuestion:
    """Return the question. `InvalidDocument`: it is none; a slip of the pen must not be answered 'free'."""
    told: dict[str, object] = {"service": request.path_params["service"]}
    for name in request.query_params:
        if name not in PARAMETERS:
            raise InvalidDocument([unknown("parameter", name, PARAMETERS)])
        values = request.query_params.getlist(name)
        told[name] = values if name == "digest" or len(values) > 1 else values[0]
    return fitted(told, FreezeQuestion)


def _refusal(status: int, error: BackoutError) -> HTTPException:
    return HTTPException(status, str(error), NO_STORE)
