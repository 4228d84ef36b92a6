"""A small real service on loopback: two releases, replicas, a balancer with sticky sessions, and a cache."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from itertools import count
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from activities.serving import ServingActivities
from adapters.memory import MemoryClock, MemoryTarget
from adapters.probes.http import HttpProbe
from backout import probes
from backout.ports import Probe
from backout.release_sets import Conversations
from backout.serving import AskServed, OpenSessions, Session
from backout.serving_verdicts import Finding
from tests.unit.attempts import done

CANDIDATE, BASELINE, KEY = "r2", "r1", "incident/chat/r2@run-1"


class Replica:
    """One process of the service, which answers with the release that it has loaded."""

    def __init__(self) -> None:
        self.release = CANDIDATE
        self.stuck = False
        """It does not load what is rolled out."""
        self.down = False
        self.seen: list[web.Request] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer as a chat service does."""
        self.seen.append(request)
        if self.down:
            return web.Response(status=503, text="overloaded")
        headers = {"X-Release": self.release}
        return web.json_response({"served": {"by": self.release}}, headers=headers)


class World:
    """The replicas, what stands in front of them, and the probes that ask there."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack
        self.clock = MemoryClock()
        self.target = MemoryTarget(self.clock, {("chat", CANDIDATE): 100})
        self.replicas = [Replica(), Replica()]
        self.sticky = False
        """The balancer keeps who has its cookie at one replica, whatever that has loaded."""
        self.over = False
        """The service ends the conversations that are under way."""
        self.pinned: dict[str, str] = {}
        """The release of each conversation that was left where it began."""
        self.cached = False
        """The cache keeps what it has, whatever the service says."""
        self.probes: dict[str, Probe] = {}
        self.addresses: dict[str, str] = {}
        self._turn = count()
        self._kept: bytes | None = None

    def revert(self) -> None:
        """Load the baseline everywhere, but where a fault keeps the candidate."""
        for replica in self.replicas:
            replica.release = replica.release if replica.stuck else BASELINE

    async def balance(self, request: web.Request) -> web.StreamResponse:
        """Send each request to a replica in turn, and who is pinned to where they were."""
        pin = request.cookies.get("SRV", "")
        if self.over and pin:
            raise web.HTTPGone(text="this conversation has ended")
        release = self.pinned.get(pin) if self.sticky else None
        number = next(self._turn)
        answer: dict[str, Any] = {"served": {"by": release}}
        if release is None:
            replica = self.replicas[number % len(self.replicas)]
            answer["served"]["by"] = release = replica.release
        response = web.json_response(answer, headers={"X-Release": release})
        if not pin:
            name = f"s{number}"
            self.pinned[name] = release
            response.set_cookie("SRV", name, path="/", httponly=True)
            response.set_cookie("login", "s3cret")
        return response

    async def cache(self, _request: web.Request) -> web.StreamResponse:
        """Answer from what is kept, where something is; else ask the first replica."""
        kept = self._kept if self.cached else None
        if kept is not None:
            headers = {"Age": "37", "X-Cache": "HIT", "Via": "1.1 edge"}
            return web.Response(body=kept, content_type="application/json", headers=headers)
        async with aiohttp.ClientSession() as session, session.get(self.addresses["replica-1"]) as answer:
            self._kept = await answer.read()
        return web.Response(body=self._kept, content_type="application/json", headers={"Via": "1.1 edge"})

    async def serve(self, name: str, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> None:
        """Serve one part at an address of its own."""
        app = web.Application()
        app.router.add_get("/", handler)
        server = TestServer(app, host="127.0.0.1")
        await server.start_server()
        self._stack.push_async_callback(server.close)
        self.addresses[name] = str(server.make_url("/"))

    def probe(self, name: str, at: str, **config: Any) -> HttpProbe:  # noqa: ANN401  # any field of a probe
        """Open a probe that asks one part."""
        said: dict[str, Any] = {
            "kind": "http",
            "url": self.addresses[at],
            "release_field": "served.by",
            "timeout": "5s",
        }
        said |= {"release_field": None} if "release_header" in config else {}
        probe = HttpProbe(name, probes.HttpProbe.model_validate({**said, **config}))
        self._stack.push_async_callback(probe.aclose)
        self.probes[name] = probe
        return probe

    @property
    def activities(self) -> ServingActivities:
        """The activities over the probes that are open, on a clock that jumps."""
        return ServingActivities(probes=self.probes, targets={"router": self.target}, clock=self.clock)

    async def begun(self) -> tuple[Session, ...]:
        """Begin the sessions of every probe."""
        request = OpenSessions(probes=tuple(self.probes), service="chat", key=KEY)
        return (await done(self.activities.open_sessions, request)).sessions

    def request(self, *sessions: Session, **changes: object) -> AskServed:
        """Return the request to ask every probe."""
        request = AskServed(
            probes=tuple(self.probes),
            service="chat",
            candidate=CANDIDATE,
            baseline=BASELINE,
            lag_s=60,
            pause_s=timedelta(seconds=5).total_seconds(),
            sessions=sessions,
            key=KEY,
        )
        return request.model_copy(update=changes)

    async def found(
        self, *sessions: Session, conversations: Conversations | None = None, **changes: object
    ) -> dict[str, Finding]:
        """Ask every probe, and return what each shows."""
        request = self.request(*sessions, conversations=conversations, **changes)
        served = await done(self.activities.ask_served, request)
        return {finding.probe: finding for finding in served.findings}


@asynccontextmanager
async def served_world() -> AsyncIterator[World]:
    """Run the service; everybody is on the candidate."""
    async with AsyncExitStack() as stack:
        world = World(stack)
        for number, replica in enumerate(world.replicas, 1):
            await world.serve(f"replica-{number}", replica.answer)
        await world.serve("balancer", world.balance)
        await world.serve("cache", world.cache)
        yield world
