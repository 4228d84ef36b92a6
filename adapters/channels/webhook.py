"""A webhook of your own: each message is a signed POST of the JSON that docs/how-to/pagers.md describes."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from hashlib import sha256
from http import HTTPStatus

from pydantic import JsonValue

from adapters.channels.answers import answers_to
from adapters.channels.plain import one_line, plain, shortened
from adapters.channels.taking import ANSWER_LIMIT, must_be_taken
from adapters.clock import SystemClock
from adapters.fetch import Fetcher
from backout.messages import Message, Posted
from backout.people import Person
from backout.ports import Clock

TITLE_LIMIT = 500
TEXT_LIMIT = 20_000
"""Characters of the text."""
PAUSE_S = 10.0
"""After a 429 without a Retry-After."""
_SYSTEM_CLOCK = SystemClock()
_ADVICE: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: "; see that it knows the same secret",
    HTTPStatus.FORBIDDEN: "; see that it knows the same secret",
    HTTPStatus.NOT_FOUND: "; there is nothing at this address",
    HTTPStatus.GONE: "; there is nothing at this address any more",
}


class Webhook:
    """Posts signed JSON. A reference is the id of the message that was posted."""

    def __init__(self, url: str, secret: str, timeout: timedelta, clock: Clock = _SYSTEM_CLOCK) -> None:
        self._url = url
        self._secret = secret.encode()
        self._clock = clock
        self._what = f"webhook {url}"
        self._fetcher = Fetcher(self._what, timeout=timeout, limit=ANSWER_LIMIT)

    async def post(self, *, message: Message, people: Sequence[Person]) -> Posted:
        """Post a message.

        Raises:
            RateLimited: the receiver wants a pause.
            RejectedBySystem: the receiver will never take it; the message says with which status.
            Unreachable: the receiver did not answer, or has a failure of its own.
        """
        event = _event(message, people)
        return Posted(
            ref=await self._send({"event": "message", "thread": message.thread, **event}, message.key)
        )

    async def update(self, *, ref: str, message: Message) -> None:
        """Post what a message says now; it raises what `post` raises."""
        await self._send({"event": "update", "of": ref, **_event(message, ())}, message.key)

    async def check(self) -> str:
        """Post an event that says nothing; it raises what `post` raises."""
        await self._send({"event": "check"}, self._clock.now().isoformat())
        return "the receiver takes what we sign"

    async def aclose(self) -> None:
        """Close the kept-alive connections."""
        await self._fetcher.aclose()

    async def _send(self, event: dict[str, JsonValue], key: str) -> str:
        """Send an event and return its id: the same words from the same place are the same event."""
        place = json.dumps([key, event], sort_keys=True)
        event_id = sha256(place.encode()).hexdigest()[:32]
        body = json.dumps({"id": event_id, **event}).encode()
        page = await self._fetcher.post(self._url, body=body, headers=self._headers(event_id, body))
        must_be_taken(page, what=self._what, pause=PAUSE_S, advice=_ADVICE)
        return event_id

    def _headers(self, event_id: str, body: bytes) -> dict[str, str]:
        stamp = str(int(self._clock.now().timestamp()))
        signature = hmac.new(self._secret, stamp.encode() + b"." + body, sha256).hexdigest()
        return {
            "Content-Type": "application/json",
            "Idempotency-Key": event_id,
            "X-Backout-Timestamp": stamp,
            "X-Backout-Signature": f"v1={signature}",
        }


def _event(message: Message, people: Sequence[Person]) -> dict[str, JsonValue]:
    return {
        "incident": message.incident,
        "state": message.state,
        "severity": message.severity,
        "title": one_line(message.title, TITLE_LIMIT),
        "text": shortened(plain(message.text), TEXT_LIMIT, message.link),
        "people": [{"name": one.name, "email": one.email, "slack": one.slack} for one in people],
        "actions": [action.value for action in message.actions],
        "answers": list(answers_to(message)),
        "code": message.code,
        "link": message.link,
    }
