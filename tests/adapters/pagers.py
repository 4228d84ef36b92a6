"""The systems behind the channels, small and on loopback: each with the same switches for faults."""

from __future__ import annotations

import asyncio
import io
import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.channels.pagerduty import PagerDutyEvents
from adapters.channels.slack import SlackWeb
from adapters.channels.slack_direct import SlackDirect
from adapters.channels.terminal import Terminal
from adapters.channels.webhook import Webhook
from backout.ports import Channel
from demo.slack import faults
from demo.slack.server import BOT_TOKEN, FakeSlack
from tests.adapters.verifying import is_from_backout

Fault: TypeAlias = Literal["", "limited", "broken", "refusing", "silent", "hangs up"]
ROUTING_KEY = "R0UT1NGK3Y" + "0" * 22
SECRET = "s3cret of the webhook"
WRONG = "wr0ng" + "x" * 27


@runtime_checkable
class Closes(Protocol):
    """A channel that keeps connections."""

    async def aclose(self) -> None:
        """Close them."""


class World(Protocol):
    """A system that people are told through."""

    fault: Fault

    async def start(self) -> None:
        """Listen."""

    async def stop(self) -> None:
        """Stop listening."""

    def open(self, *, wrong: bool = False, timeout_s: float = 30) -> Channel:
        """Return a channel to it; `wrong` is one that it does not let in."""

    def heard(self) -> list[str]:
        """Return all that it took, each message with everything that it says."""


class TerminalWorld:
    """A stream."""

    fault: Fault = ""

    def __init__(self) -> None:
        self._stream = io.StringIO()

    async def start(self) -> None: ...
    async def stop(self) -> None: ...

    def open(self, *, wrong: bool = False, timeout_s: float = 30) -> Terminal:  # noqa: ARG002  # a World's
        return Terminal(self._stream)

    def heard(self) -> list[str]:
        return [self._stream.getvalue()] if self._stream.getvalue() else []


class HttpWorld:
    """A server that answers every POST; what answers well is in `taken`."""

    def __init__(self) -> None:
        self.fault: Fault = ""
        self.taken: list[dict[str, Any]] = []
        app = web.Application(client_max_size=10**8)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._server = TestServer(app, host="127.0.0.1")
        self.url = ""

    async def start(self) -> None:
        await self._server.start_server()
        self.url = str(self._server.make_url("/v2/enqueue"))

    async def stop(self) -> None:
        await self._server.close()

    def heard(self) -> list[str]:
        return [json.dumps(body, ensure_ascii=False) for body in self.taken]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if self.fault == "hangs up":
            assert request.transport is not None
            request.transport.close()
        if self.fault in {"silent", "hangs up"}:
            await asyncio.Event().wait()
        status = {"limited": 429, "broken": 503, "refusing": 422}.get(self.fault)
        if status:
            return web.Response(status=status, headers={"Retry-After": "45"}, text="no")
        return self.take(await request.read(), request)

    def take(self, body: bytes, request: web.Request) -> web.Response:
        raise NotImplementedError


@dataclass
class Alert:
    """An alert in PagerDuty."""

    state: str
    events: list[str] = field(default_factory=list)
    calls: int = 0
    """So often its on-call was called for it."""


class PagerDutyWorld(HttpWorld):
    """PagerDuty's events, as documented: what an event must have, and when somebody is called for it."""

    def __init__(self) -> None:
        super().__init__()
        self.alerts: dict[str, Alert] = {}

    def open(self, *, wrong: bool = False, timeout_s: float = 30) -> PagerDutyEvents:
        return PagerDutyEvents(WRONG if wrong else ROUTING_KEY, timedelta(seconds=timeout_s), self.url)

    def take(self, body: bytes, request: web.Request) -> web.Response:  # noqa: ARG002  # an HttpWorld's
        event = json.loads(body)
        if errors := list(_errors(event, body)):
            said = {"status": "invalid event", "message": "Event object is invalid", "errors": errors}
            return web.json_response(said, status=400)
        self.apply(event["dedup_key"], event["event_action"])
        if event["dedup_key"] in self.alerts:
            self.taken.append(event)
        said = {"status": "success", "message": "Event processed", "dedup_key": event["dedup_key"]}
        return web.json_response(said, status=202)

    def apply(self, key: str, action: str) -> None:
        alert = self.alerts.get(key)
        if action == "trigger":
            if alert is None or alert.state == "resolved":
                alert = self.alerts[key] = Alert("triggered", alert.events if alert else [], calls=0)
                alert.calls += 1
        elif alert is None or alert.state == "resolved":
            return
        else:
            alert.state = {"acknowledge": "acknowledged", "resolve": "resolved"}[action]
        alert.events.append(action)


def _errors(event: dict[str, Any], body: bytes) -> list[str]:
    found = []
    if len(event["routing_key"]) != 32:
        found.append("Length of 'routing_key' is incorrect (should be 32 characters)")
    elif event["routing_key"] != ROUTING_KEY:
        found.append(f"'routing_key' {event['routing_key']} is of no integration")
    if len(event["dedup_key"]) > 255:
        found.append("'dedup_key' is too long")
    if event["event_action"] == "trigger":
        payload = event["payload"]
        if not 0 < len(payload["summary"]) <= 1024:
            found.append("'payload.summary' is missing or too long")
        if payload["severity"] not in {"critical", "error", "warning", "info"} or not payload["source"]:
            found.append("'payload.severity' or 'payload.source' is invalid")
    return [*found, *(["Event is too large"] if len(body) > 512 * 1024 else [])]


class WebhookWorld(HttpWorld):
    """A receiver that verifies what comes, by the words of the how-to."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[tuple[dict[str, str], bytes]] = []

    def open(self, *, wrong: bool = False, timeout_s: float = 30) -> Webhook:
        return Webhook(self.url, WRONG if wrong else SECRET, timedelta(seconds=timeout_s))

    def take(self, body: bytes, request: web.Request) -> web.Response:
        self.requests.append((dict(request.headers), body))
        if not is_from_backout(SECRET, dict(request.headers), body):
            return web.Response(status=401, text=SECRET)
        event = json.loads(body)
        if event["event"] != "check":
            self.taken.append(event)
        return web.Response(status=204)


class SlackWorld:
    """Slack, and a channel or the direct messages in it."""

    def __init__(self, *, direct: bool) -> None:
        self.slack = FakeSlack(members={"U01ANN": "ann", "U01BEN": "ben"})
        self._direct = direct
        self._api = ""

    @property
    def fault(self) -> Fault:
        return ""

    @fault.setter
    def fault(self, fault: Fault) -> None:
        faulty: dict[Fault, faults.Fault] = {
            "limited": faults.Fault("limited", retry_after="45"),
            "broken": faults.Fault("refuses", error="internal_error"),
            "refusing": faults.Fault("refuses", error="is_archived"),
            "silent": faults.Fault("silent"),
            "hangs up": faults.Fault("hangs up"),
        }
        self.slack.faults.on = [faulty[fault]] if fault else []

    async def start(self) -> None:
        self._api = await self.slack.start()

    async def stop(self) -> None:
        await self.slack.close()

    def open(self, *, wrong: bool = False, timeout_s: float = 30) -> SlackWeb | SlackDirect:
        token, timeout = (WRONG if wrong else BOT_TOKEN), timedelta(seconds=timeout_s)
        if self._direct:
            return SlackDirect(token, self._api, timeout)
        return SlackWeb(token, "C01INC", self._api, timeout)

    def heard(self) -> list[str]:
        return [json.dumps(body, ensure_ascii=False) for _, body in self.slack.calls]
