"""The service's prompt registry: an alias says whose prompt is live. It keeps our HTTP target contract."""

from __future__ import annotations

import hmac
from collections.abc import Callable

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from backout.model import Frozen, Percent
from demo import releases

EVERYBODY, NOBODY = 100, 0


class Wanted(Frozen):
    """What a change asks for."""

    percent: Percent


class PromptRegistry:
    """Holds the alias in memory, with the keys of what has changed it."""

    def __init__(self, *, token: str) -> None:
        """Let in who shows this token; the candidate's prompt is live."""
        self.live = releases.CANDIDATE
        """The release whose prompt every answer is made with."""
        self.routes = [
            Route("/prompts/live/{release}", self.tell),
            Route("/prompts/live/{release}", self.move, methods=["PUT"]),
        ]
        self.watchers: list[Callable[[], None]] = []
        """Called when the alias has moved."""
        self._token = token
        self._changes = 0
        self._done: dict[str, int] = {}
        self._key = self._by = ""

    async def tell(self, request: Request) -> Response:
        """GET /prompts/live/{release}: 100 where the alias is at the release, and 0 where it is not."""
        if refusal := self._refusal(request):
            return refusal
        percent = EVERYBODY if request.path_params["release"] == self.live else NOBODY
        return JSONResponse(
            {"percent": percent, "key": self._key, "by": self._by}, headers={"ETag": self._tag}
        )

    async def move(self, request: Request) -> Response:
        """PUT /prompts/live/{release}: take the alias to the release (100), or from it (0)."""
        if refusal := self._refusal(request):
            return refusal
        try:
            percent = Wanted.model_validate_json(await request.body()).percent
        except ValidationError as invalid:
            return _refused(422, why=invalid.errors()[0]["msg"])
        # No await from here on: nobody comes in between.
        return self._move(request, request.path_params["release"], percent)

    def _move(self, request: Request, release: str, percent: int) -> Response:
        key, expected = request.headers.get("Idempotency-Key", ""), request.headers.get("If-Match", self._tag)
        if percent not in (EVERYBODY, NOBODY):
            return _refused(422, why=f"an alias is at a release or is not, so {percent} % cannot be set")
        if key and key in self._done:
            done = self._done[key] == percent
            return Response(status_code=204) if done else _refused(422, why="the key has set something else")
        if expected != self._tag:
            return _refused(412, why="somebody else has moved it")
        if percent:
            self.live = release
        elif self.live == release:
            self.live = next(other for other in releases.RELEASES if other != release)
        self._done[key] = percent
        self._changes, self._key = self._changes + 1, key
        self._by = request.headers.get("User-Agent", "")
        for watcher in self.watchers:
            watcher()
        return Response(status_code=204)

    def _refusal(self, request: Request) -> Response | None:
        """Return why a request is not let in; None where it is."""
        shown = request.headers.get("Authorization", "")
        if not hmac.compare_digest(shown.encode(), f"Bearer {self._token}".encode()):
            return _refused(401, why="show the registry's token")
        name = request.path_params["release"]
        if name not in releases.RELEASES:
            known = {"kind": "release", "name": name, "known": [*releases.RELEASES]}
            return JSONResponse(known, 404)
        return None

    @property
    def _tag(self) -> str:
        return f'"{self._changes}"'


def _refused(status: int, *, why: str) -> Response:
    return JSONResponse({"why": why}, status)
