"""The rollouts door: a pipeline, or a check that passed, asks for a rollout; people approve it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse

from backout.model import Frozen, Name
from backout.people import LONGEST_REASON
from backout.releases import ReleaseName
from gateway.bearer import admit
from gateway.bodies import JSON, KIB, fitted, read_body, said
from gateway.pace import Pace
from gateway.rollouts import RollOut, Rollouts

LARGEST = 16 * KIB
"""Bytes of one wish."""


class Wish(Frozen):
    """The body that asks for a rollout."""

    service: Name
    release: ReleaseName
    why: Annotated[str, Field(min_length=1, max_length=LONGEST_REASON)]
    """Such as the check that passed, for who approves."""


class RolloutsDoor:
    """`/rollouts`, for who presents the token of the releases door."""

    def __init__(self, *, token: str, pace: Pace, rollouts: Rollouts) -> None:
        """Let in who presents the token; a token's doors share its pace."""
        self._token = token
        self._pace = pace
        self._rollouts = rollouts

    async def begin(self, request: Request) -> JSONResponse:
        """Begin a rollout: 201, and 200 where it runs already."""
        admit(request, self._token)
        self._pace.take()
        body = await read_body(request, media_type=JSON, limit=LARGEST)
        wish = fitted(said(body), Wish)
        begun = await self._rollouts.begin(
            RollOut(service=wish.service, release=wish.release, actor=None, why=wish.why)
        )
        return JSONResponse(begun.model_dump(mode="json"), 200 if begun.repeated else 201)
