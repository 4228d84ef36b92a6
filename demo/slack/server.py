"""The fake Slack: a server on loopback that answers as Slack does, and people who act in it."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from demo.slack.faults import Fault, Faults
from demo.slack.methods import METHODS, READS
from demo.slack.reactions import Reaction
from demo.slack.rooms import Rooms, Shape, SlackSaysNo
from demo.slack.socket import SocketMode

BOT_TOKEN, APP_TOKEN, SIGNING_SECRET = "xoxb-fake", "xapp-fake", "fake-signing-secret"
_OF_THE_APP = "apps."
_MOST_RESPONSES = 5


@dataclass
class Trigger:
    """What a person's act entitles the app to: one form, for a moment."""

    reaction: Reaction
    at_s: float
    used: bool = False


class FakeSlack:
    """A Slack on loopback. `calls` has what it did, `faults` what goes wrong with it."""

    def __init__(
        self,
        *,
        members: Mapping[str, str] | None = None,
        channels: Mapping[str, str] | None = None,
        groups: Mapping[str, Sequence[str]] | None = None,
        bot_token: str = BOT_TOKEN,
        app_token: str = APP_TOKEN,
        team: str = "Testers",
    ) -> None:
        """Have these members and channels (names by ids), user groups, and tokens that open it."""
        self.members = dict(members or {"U01ALICE": "alice", "U02BOB": "bob", "U03CAROL": "carol"})
        self.groups = {name: tuple(ids) for name, ids in (groups or {}).items()}
        self.rooms = Rooms(dict(channels or {"C01INC": "incidents"}))
        self.team = team
        self.socket = SocketMode()
        self.faults = Faults()
        self.calls: list[tuple[str, Shape]] = []
        """The methods that were carried out, with their arguments."""
        self.refused: list[tuple[str, str, list[str]]] = []
        """What was not: the method, Slack's word for why, and the details."""
        self.requests = 0
        """All that came, those with faults too."""
        self.peers: set[object] = set()
        self.shown: list[tuple[str, str]] = []
        """What was shown to one member and nobody else, by whoever is not known to have asked for it."""
        self.triggers: dict[str, Trigger] = {}
        self.address = ""
        self._responses: dict[str, tuple[Reaction, int]] = {}
        self._tokens = {False: f"Bearer {bot_token}", True: f"Bearer {app_token}"}
        self._runner: web.AppRunner | None = None

    async def start(self, port: int = 0) -> str:
        """Listen on loopback, and return the address of the Web API."""
        app = web.Application(client_max_size=4 * 1024 * 1024)
        app.router.add_route("*", "/api/{method}", self._answer)
        app.router.add_post("/response/{id}", self._respond)
        app.router.add_get("/link", self.socket.connect)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.address = f"http://{host}:{port}"
        return f"{self.address}/api/"

    async def close(self) -> None:
        """Stop listening."""
        await self.socket.drop()
        if self._runner is not None:
            await self._runner.cleanup()

    def show(self, user: str, text: str) -> None:
        """Show a text to one member."""
        self.shown.append((user, text))

    def trigger(self, reaction: Reaction) -> str:
        """Return what a person's act entitles the app to, for one form."""
        trigger = f"{time.time_ns()}.{len(self.triggers) + 1}.{secrets.token_hex(8)}"
        self.triggers[trigger] = Trigger(reaction, time.monotonic())
        return trigger

    def response_url(self, reaction: Reaction) -> str:
        """Return the address at which the app can answer a person later, a few times."""
        name = secrets.token_urlsafe(12)
        self._responses[name] = (reaction, 0)
        return f"{self.address}/response/{name}"

    async def _respond(self, request: web.Request) -> web.Response:
        reaction, used = self._responses.get(request.match_info["id"], (None, 0))
        if reaction is None or used >= _MOST_RESPONSES:
            return web.json_response(
                {"ok": False, "error": "used_url" if reaction else "expired_url"}, status=404
            )
        self._responses[request.match_info["id"]] = (reaction, used + 1)
        said = await request.json()
        reaction.tell(str(said.get("text", "")))
        return web.json_response({"ok": True})

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.requests += 1
        assert request.transport is not None  # noqa: S101  # it is connected
        self.peers.add(request.transport.get_extra_info("peername"))
        method, fault = request.match_info["method"], self.faults.take(request.match_info["method"])
        if fault and (spoilt := await _spoilt(fault, request)) is not None:
            return spoilt
        given = await _arguments(request, reads=method in READS)
        answer = self._carried_out(method, request.headers.get("Authorization", ""), given)
        if fault and fault.kind == "loses its answer":
            request.transport.close()
        return web.json_response(answer)

    def _carried_out(self, method: str, authorization: str, given: Shape) -> Shape:
        try:
            self._let_in(method, authorization)
            answer = METHODS[method](self, given)
        except SlackSaysNo as no:
            self.refused.append((method, no.error, no.details))
            more: Shape = (
                {"errors": no.details, "response_metadata": {"messages": no.details}} if no.details else {}
            )
            return {"ok": False, "error": no.error, **more}
        if given:
            self.calls.append((method, given))
        return {"ok": True, **answer}

    def _let_in(self, method: str, authorization: str) -> None:
        if method not in METHODS:
            raise SlackSaysNo(error="unknown_method")
        if not authorization:
            raise SlackSaysNo(error="not_authed")
        if not secrets.compare_digest(authorization, self._tokens[method.startswith(_OF_THE_APP)]):
            raise SlackSaysNo(error="invalid_auth")


async def _spoilt(fault: Fault, request: web.Request) -> web.StreamResponse | None:
    """Return what comes instead of an answer; None where the answer itself comes, perhaps late or lost."""
    match fault.kind:
        case "limited":
            headers = {"Retry-After": fault.retry_after} if fault.retry_after is not None else {}
            return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers=headers)
        case "down":
            return web.Response(status=503, text="upstream connect error")
        case "refuses":
            return web.json_response({"ok": False, "error": fault.error})
        case "answers":
            return web.Response(status=fault.status, text=fault.text, content_type=fault.content_type)
        case "hangs up":
            assert request.transport is not None  # noqa: S101  # it is connected
            request.transport.close()
            return web.Response()
        case "silent":
            await asyncio.Event().wait()
        case "slow":
            await asyncio.sleep(fault.seconds)
    return None


async def _arguments(request: web.Request, *, reads: bool) -> Shape:
    """Return a call's arguments, from wherever Slack's clients put them. What only reads takes no JSON."""
    if request.content_type == "application/json":
        given: Any = {} if reads else json.loads(await request.text() or "{}")
        return {**request.query, **given}
    return {**request.query, **{name: str(value) for name, value in (await request.post()).items()}}
