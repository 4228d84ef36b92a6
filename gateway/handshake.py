"""The handshake of CloudEvents' webhooks: a sender asks whether it may deliver here before it does."""

from __future__ import annotations

import logging
from collections.abc import Collection

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from backout.doors import DoorRate

_ASKS, _MAY, _RATE = "WebHook-Request-Origin", "WebHook-Allowed-Origin", "WebHook-Allowed-Rate"

_log = logging.getLogger(__name__)


class Handshake:
    """Says which senders may deliver, and how much. It lets nobody in: each message shows its secret itself.

    Nobody is called back at an address that a sender names: whoever can post here could choose it.
    """

    def __init__(self, *, origins: Collection[str], rate: DoorRate) -> None:
        """Agree to these senders."""
        self._origins = frozenset(origin.lower() for origin in origins)
        self._per_minute = max(1, int(60 * rate.per_s))

    async def agree(self, request: Request) -> Response:
        """Answer an OPTIONS request. `HTTPException`: it names no sender, or one that is not expected."""
        origin = request.headers.get(_ASKS, "")
        if not origin:
            raise HTTPException(400, f"Say in {_ASKS} who asks.", {"Allow": "POST"})
        if origin.lower() not in self._origins:
            _log.warning("A sender that is not among the door's origins asked to deliver: %.100r", origin)
            raise HTTPException(403, "This sender is not expected here.", {"Allow": "POST"})
        return Response(headers={"Allow": "POST", _MAY: origin, _RATE: str(self._per_minute)})
