"""Starting and stopping what the gateway's tests run on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

import httpx
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from temporalio.client import Client, Interceptor
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from adapters.channels.slack_calls import SlackCallsWeb
from adapters.memory_quarantines import MemoryQuarantines
from adapters.stores.memory import MemoryMarks, MemoryOutbox, MemoryPushes, MemoryRegistry
from backout.playbook import Playbook
from backout.ports import Outbox, SlackCalls
from backout.site import Site
from cli.engine import find_binary
from demo.slack.server import BOT_TOKEN
from gateway.admission import way_in
from gateway.app import Secrets, Stores, build_app
from gateway.incidents import Incidents
from gateway.watches import Watches
from tests.gateway.started import Started
from tests.gateway.world import (
    PIPELINE_TOKEN,
    PLAYBOOKS,
    PUSH_TOKENS,
    SIGNING_SECRET,
    SITE,
    TOKEN,
    a_group,
    secret_of,
)
from workflows.search_attributes import ALL

PATIENCE_S = 60
STARTED = Started()
FLAGS = ("transferProcessorMaxPollRPS", "timerProcessorMaxPollRPS", "visibilityProcessorMaxPollRPS")

Seen = TypeVar("Seen")


async def start_engine(port: int | None = None) -> WorkflowEnvironment:
    """Start a dev server that does not throttle itself."""
    flags = [word for flag in FLAGS for word in ("--dynamic-config-value", f"history.{flag}=100000")]
    return await WorkflowEnvironment.start_local(
        port=port,
        dev_server_existing_path=str(find_binary()),
        dev_server_extra_args=flags,
        dev_server_log_level="error",
        data_converter=pydantic_data_converter,
        search_attributes=ALL,
    )


async def connect(address: str, *interceptors: Interceptor, lazy: bool = False) -> Client:
    """Return a client; a lazy one asks nothing of the engine yet."""
    return await Client.connect(
        address, data_converter=pydantic_data_converter, interceptors=(*interceptors, STARTED), lazy=lazy
    )


async def eventually(look: Callable[[], Awaitable[Seen]]) -> Seen:
    """Look again and again until there is something to see."""
    async with asyncio.timeout(PATIENCE_S):
        while not (seen := await look()):  # noqa: ASYNC110  # it happens in a server
            await asyncio.sleep(0.01)
    return seen


async def emptied(client: Client) -> None:
    """End whatever runs in the engine, and wait until its list says so.

    The list is late: what it does not show yet, it would show to the next test.
    """
    ended: set[str] = set()

    async def nothing_runs() -> bool:
        running = {run.id async for run in client.list_workflows("ExecutionStatus = 'Running'")}
        STARTED.ids |= running
        ended.update(await STARTED.end_all(client))
        return not running and await _are_listed_as_ended(client, ended)

    await eventually(nothing_runs)


async def _are_listed_as_ended(client: Client, runs: Collection[str]) -> bool:
    if not runs:
        return True
    names = ", ".join(f"'{run}'" for run in runs)
    query = f"ExecutionStatus != 'Running' AND RunId IN ({names})"
    return len([run async for run in client.list_workflows(query)]) == len(runs)


def as_bytes(headers: Mapping[str, str]) -> dict[bytes, bytes]:
    """Return headers as they go over the wire: forged ones need not be ASCII."""
    return {name.encode(): value.encode() for name, value in headers.items()}


SECRETS = Secrets(
    alerts={sender: way_in(sender, door, secret_of) for sender, door in SITE.gateway.alerts.open.items()},
    slack=SIGNING_SECRET,
    releases=PIPELINE_TOKEN,
    pushes=PUSH_TOKENS,
)


@dataclass(frozen=True)
class Gateway:
    """A gateway that runs, and what is around it."""

    app: Starlette
    http: httpx.AsyncClient
    incidents: Incidents
    outbox: Outbox
    registry: CollectorRegistry
    watches: Watches
    releases: MemoryRegistry
    quarantines: MemoryQuarantines
    marks: MemoryMarks
    pushes: Mapping[str, MemoryPushes]

    async def post_alerts(self, *members: dict[str, object]) -> httpx.Response:
        """Send a group of alerts as their sender does."""
        return await self.post_body(a_group(*members))

    async def post_body(self, body: bytes, **headers: str) -> httpx.Response:
        """Send a body with the right token, unless the headers say otherwise."""
        return await self.post("/alerts/alertmanager", body, TOKEN, **headers)

    async def post(self, door: str, body: bytes, token: str, **headers: str) -> httpx.Response:
        """Send a body to a door."""
        sent = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", **headers}
        return await self.http.post(door, content=body, headers=as_bytes(sent))

    async def delivered(self) -> None:
        """Wait until nothing is pending."""
        await eventually(self._nothing_pending)

    async def _nothing_pending(self) -> bool:
        return await self.outbox.depth() == 0

    def counted(self, series: str, **labels: str) -> float | None:
        """Return what a series says."""
        return self.registry.get_sample_value(series, labels)


@asynccontextmanager
async def gateway_over(  # noqa: PLR0913  # a test names what matters to it
    client: Client,
    outbox: Outbox | None = None,
    *,
    secrets: Secrets = SECRETS,
    site: Site = SITE,
    playbooks: Mapping[str, Playbook] = PLAYBOOKS,
    releases: MemoryRegistry | None = None,
    slack: SlackCalls | None = None,
) -> AsyncIterator[Gateway]:
    """Run a gateway over this client, with fakes for what is not given."""
    registry = CollectorRegistry()
    incidents, watches = Incidents(client=client), Watches(client=client)
    kept, releases, marks = outbox or MemoryOutbox(), releases or MemoryRegistry(), MemoryMarks()
    quarantines = MemoryQuarantines()
    pushes = {name: MemoryPushes() for name in PUSH_TOKENS}
    calls = SlackCallsWeb(BOT_TOKEN, site.gateway.slack.api if site.gateway.slack else "")
    app = build_app(
        incidents=incidents,
        watches=watches,
        stores=Stores(outbox=kept, registry=releases, quarantines=quarantines, marks=marks, pushes=pushes),
        slack=slack or calls,
        playbooks=playbooks,
        site=site,
        secrets=secrets,
        registry=registry,
    )
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        aclosing(calls),
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://gateway") as http,
    ):
        yield Gateway(
            app=app,
            http=http,
            incidents=incidents,
            outbox=kept,
            registry=registry,
            watches=watches,
            releases=releases,
            quarantines=quarantines,
            marks=marks,
            pushes=pushes,
        )
