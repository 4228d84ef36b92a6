"""PagerDuty, through its Events API v2: each incident of ours is one alert there.

Whom PagerDuty calls, and how, is the matter of its own escalation policies. It never calls for an alert that
is acknowledged there; so a page for an incident that somebody owns, or owned, resolves it and opens it anew.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256
from http import HTTPStatus

from pydantic import JsonValue

from adapters.channels.answers import answers_to
from adapters.channels.plain import one_line, plain, shortened
from adapters.channels.taking import ANSWER_LIMIT, must_be_taken
from adapters.fetch import Fetcher, Page
from backout.addressing import short_of
from backout.messages import Message, Posted
from backout.people import Person
from backout.severity import Severity

SUMMARY_LIMIT = 1024
"""Characters of a summary."""
KEY_LIMIT = 255
"""Characters of a deduplication key."""
TEXT_LIMIT = 20_000
"""Characters of our text: an event may have 512 KB in all."""
PAUSE_S = 30.0
"""After a 429, where PagerDuty does not say how long; it asks for a pause of some length."""
_CALLED_LIMIT = 1000
_SEVERITIES = {
    Severity.CRITICAL: "critical",
    Severity.MAJOR: "error",
    Severity.MINOR: "warning",
    None: "info",
}
_NOBODYS_KEY = "backout/doctor"


class PagerDutyEvents:
    """Sends events to one service of PagerDuty. A reference is the key of the alert there."""

    def __init__(self, routing_key: str, timeout: timedelta, url: str) -> None:
        self._routing_key = routing_key
        self._url = url
        self._what = f"PagerDuty at {url}"
        self._fetcher = Fetcher(self._what, timeout=timeout, limit=ANSWER_LIMIT)

    async def post(self, *, message: Message, people: Sequence[Person]) -> Posted:
        """Open an alert, or add to the one that is open for the incident.

        News that call nobody are not sent: PagerDuty would call people for them.

        Raises:
            RateLimited: PagerDuty wants a pause.
            RejectedBySystem: PagerDuty will never take it; the message says why.
            Unreachable: PagerDuty did not answer, or has a failure of its own.
        """
        key = _key_of(message)
        if message.thread and not people:
            return Posted(ref=key)
        if people and message.state in {"acknowledged", "lapsed"}:
            await self._send(key, "resolve")
        called = one_line(", ".join(person.name for person in people), _CALLED_LIMIT)
        await self._send(key, "trigger", **_alert(message, called))
        return Posted(ref=key)

    async def update(self, *, ref: str, message: Message) -> None:
        """Acknowledge or resolve the alert as the incident is; it raises what `post` raises.

        For an open incident nothing is sent: where somebody resolved the alert there, it would call again.
        """
        action = {"acknowledged": "acknowledge", "closed": "resolve"}.get(message.state)
        if action:
            await self._send(ref, action)

    async def check(self) -> str:
        """Resolve an alert that never was, which calls nobody; it raises what `post` raises."""
        await self._send(_NOBODYS_KEY, "resolve")
        return "PagerDuty takes our events; whether the key is a service's is seen by its first page"

    async def aclose(self) -> None:
        """Close the kept-alive connections."""
        await self._fetcher.aclose()

    async def _send(self, key: str, action: str, **more: JsonValue) -> None:
        event = {"routing_key": self._routing_key, "event_action": action, "dedup_key": key, **more}
        headers = {"Content-Type": "application/json"}
        page = await self._fetcher.post(self._url, body=json.dumps(event).encode(), headers=headers)
        must_be_taken(page, what=self._what, pause=PAUSE_S, why=self._reasons(page))

    def _reasons(self, page: Page) -> str:
        """Return what a refused event says of itself: `{"message": ..., "errors": [...]}`."""
        advice = "; see that the routing key is the integration key of an Events API v2 integration"
        if page.status != HTTPStatus.BAD_REQUEST:
            return advice if page.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN) else ""
        try:
            said = json.loads(page.body)
        except ValueError:
            return ""
        errors = said.get("errors") if isinstance(said, dict) else None
        told = "; ".join(str(error) for error in errors) if isinstance(errors, list) else ""
        told = one_line(told.replace(self._routing_key, "(the routing key)"), 500)
        return f": {told}{advice if 'routing_key' in told else ''}" if told else ""


def _alert(message: Message, called: str) -> dict[str, JsonValue]:
    short = short_of(message.incident)
    text = shortened(plain(message.text), TEXT_LIMIT, message.link)
    details: dict[str, JsonValue] = {"text": text, "called": called}
    if answers := answers_to(message):
        details["answer with"] = [f"/backout {answer}" for answer in answers]
    first = message.title or message.text.strip().partition("\n")[0]
    alert: dict[str, JsonValue] = {
        "payload": {
            "summary": one_line(first, SUMMARY_LIMIT) or "(no text)",
            "source": short or "backout",
            "severity": _SEVERITIES[message.severity],
            "custom_details": details,
        },
        "client": "Backout",
    }
    if message.link:
        alert |= {"client_url": message.link, "links": [{"href": message.link, "text": "The incident"}]}
    return alert


def _key_of(message: Message) -> str:
    """Return the key of the alert: the incident, or else the very message."""
    if message.incident and len(message.incident) <= KEY_LIMIT:
        return message.incident
    words = message.incident or json.dumps([message.key, message.title, message.text])
    return f"backout/{sha256(words.encode(errors='replace')).hexdigest()}"
