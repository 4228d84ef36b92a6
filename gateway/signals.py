"""The signals door: counts that evaluators, LLM judges and moderation queues push, one or many in a body."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import JSONResponse

from backout.errors import BackoutError, InvalidDocument, PushRefused
from backout.ports import PushStore
from backout.pushes import Push, accepted
from gateway.bearer import opened_by, unauthorized
from gateway.bodies import JSON, KIB, MIB, fitted, read_body, said, too_large
from gateway.metrics import Metrics
from gateway.pace import Pace

LARGEST = 64 * KIB
"""Bytes of one push."""
MOST = 500
"""Pushes in one body."""
PER_S, BURST = 200.0, 4000
"""Pushes that one token may bring: each second on average, and at once."""


class SignalsDoor:
    """Takes pushes for the site's push sources, each of which has a token and a store of its own."""

    def __init__(
        self,
        *,
        tokens: Mapping[str, str],
        stores: Mapping[str, PushStore],
        metrics: Metrics,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Let in, for each source, who presents its token, and keep what comes in its store."""
        self._tokens = tokens
        self._stores = stores
        self._metrics = metrics
        self._now = now
        self._paces = {name: Pace("The signals door", per_s=PER_S, burst=BURST) for name in tokens}

    async def receive(self, request: Request) -> JSONResponse:
        """Answer one push, or a list of them; who presents no source's token is not read at all."""
        opened = opened_by(request, self._tokens)
        pace = self._paces[min(opened)]
        body = await read_body(request, media_type=JSON, limit=MIB)
        raw = said(body)
        if isinstance(raw, list):
            return await self._take_all(_bounded(raw), opened, pace)
        if len(body) > LARGEST:
            raise too_large(LARGEST)
        pace.take()
        push = self._read(raw)
        if push.source not in opened:
            raise unauthorized()
        is_new = await self._take(push)
        return JSONResponse({"accepted": True, "repeated": not is_new}, 202 if is_new else 200)

    async def _take_all(self, raws: Sequence[object], opened: frozenset[str], pace: Pace) -> JSONResponse:
        """Take what can be taken; each push is answered for itself, in their order."""
        pace.take(len(raws))
        answers = [await self._answer(raw, opened) for raw in raws]
        return JSONResponse({"pushes": answers}, 202 if any(one["accepted"] for one in answers) else 422)

    async def _answer(self, raw: object, opened: frozenset[str]) -> dict[str, object]:
        try:
            push = self._read(raw)
            if push.source not in opened:
                return _refused(raw, unauthorized().detail)
            return {"key": push.key, "accepted": True, "repeated": not await self._take(push)}
        except (InvalidDocument, PushRefused) as error:
            return _refused(raw, str(error))

    def _read(self, raw: object) -> Push:
        """Return a push; what does not fit counts for no source, as it may name anything."""
        try:
            return _fitted(raw)
        except InvalidDocument:
            self._count("", "refused")
            raise

    async def _take(self, push: Push) -> bool:
        """Keep a push; say whether it is new."""
        try:
            is_new = await self._stores[push.source].take(push=accepted(push, now=self._now()))
        except BackoutError as error:
            self._count(push.source, "refused" if isinstance(error, PushRefused) else "failed")
            raise
        self._count(push.source, "accepted" if is_new else "repeated")
        return is_new

    def _count(self, source: str, result: str) -> None:
        self._metrics.pushes.labels(source=source, result=result).inc()


def _bounded(raws: Sequence[object]) -> Sequence[object]:
    if not 0 < len(raws) <= MOST:
        raise InvalidDocument([f"body: {len(raws)} pushes in one body, and it may hold 1 to {MOST}"])
    return raws


def _fitted(raw: object) -> Push:
    if len(to_json(raw)) > LARGEST:
        raise InvalidDocument([f"body: a push is above {LARGEST} bytes; send its counts in several"])
    push = fitted(raw, Push)
    if push.received_at is not None:
        raise InvalidDocument(["received_at: leave it out; it is the time at which the push comes in"])
    return push


def _refused(raw: object, why: str) -> dict[str, object]:
    """Say why a push was not taken, with its key where it has one, so that its sender can find it."""
    key = raw.get("key") if isinstance(raw, dict) else None
    return {"key": key[:200] if isinstance(key, str) else "", "accepted": False, "why": why}
