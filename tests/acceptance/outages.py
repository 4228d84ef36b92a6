"""An engine and a gateway as processes of their own, which can be stopped, killed and started again."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from temporalio.client import Client, WorkflowHistory
from temporalio.service import RPCError

import wiring
from adapters.stores.outbox import SqliteOutbox
from backout.alerts import Alert
from cli.engine import is_ready, prepare_namespace, server_command
from cli.places import Places, choose_places
from cli.processes import Child
from telemetry import Address, Settings
from tests.acceptance.running import command, environment, write_site

NOWHERE = Address(host="127.0.0.1", port=0)
AT_ONCE = 25
"""Alerts that one message holds."""


@dataclass
class Outage:
    """One site in a folder, its engine with a database file, and its gateway with an outbox."""

    folder: Path
    places: Places
    client: Client
    stack: AsyncExitStack
    http: httpx.AsyncClient
    outbox: SqliteOutbox
    engine: Child = field(init=False)
    gateway: Child = field(init=False)

    async def start_engine(self) -> None:
        """Start the engine on its database file, and wait until it answers."""
        ports = {"port": self.places.temporal.port, "ui_port": self.places.ui.port}
        words = server_command(**ports, database=self.folder / "engine.db")
        self.engine = await self._start("engine", words)
        await self.engine.until(lambda: is_ready(self.client), hint=str(self.folder / "engine.log"))

    async def start_gateway(self) -> None:
        """Start the gateway, and wait until it answers, whatever it says of the engine."""
        port, site = str(self.places.gateway.port), str(self.folder / "site.yaml")
        self.gateway = await self._start("gateway", command("gateway", "--port", port, "--site", site))
        await self.gateway.until(self._gateway_answers, hint=str(self.folder / "gateway.log"))

    async def _start(self, name: str, words: Sequence[str]) -> Child:
        env = environment(TEMPORAL_ADDRESS=str(self.places.temporal))
        child = Child(name, words, env=env, log=self.folder / f"{name}.log")
        await child.start()
        self.stack.push_async_callback(child.stop, grace_s=10)
        return child

    async def _gateway_answers(self) -> bool:
        try:
            await self.http.get("/healthz")
        except httpx.HTTPError:
            return False
        return True

    async def post(self, releases: Sequence[str], numbers: range) -> list[int]:
        """Send these alerts of each release, all releases at once, in messages; return the answers."""
        told = await asyncio.gather(*(self._post(release, numbers) for release in releases))
        return [status for one in told for status in one]

    async def _post(self, release: str, numbers: range) -> list[int]:
        answers = [
            await self.http.post(
                "/alerts/alertmanager",
                json={"alerts": [a_member(release, number) for number in numbers[start : start + AT_ONCE]]},
            )
            for start in range(0, len(numbers), AT_ONCE)
        ]
        return [answer.status_code for answer in answers]

    async def depth(self) -> int:
        """Return how many alerts wait in the outbox; another process may be delivering them."""
        return await self.outbox.depth()

    async def has_failed(self) -> bool:
        """Say whether the gateway has tried in vain to deliver something."""
        return any(entry.attempts for entry in await self.outbox.pending(limit=1000))

    async def is_delivered(self) -> bool:
        """Say whether nothing waits any more."""
        return await self.outbox.depth() == 0

    async def arrived(self, releases: Sequence[str]) -> Mapping[str, list[int]]:
        """Return the alerts that each incident's history holds, by their numbers, in their order."""
        found = defaultdict(list)
        for release in releases:
            history = await self._history(f"incident/chat/{release}")
            for alert in await self._alerts(history):
                found[release].append(int(alert.fingerprint.rpartition("-")[2]))
        return dict(found)

    async def _history(self, incident: str) -> WorkflowHistory | None:
        try:
            return await self.client.get_workflow_handle(incident).fetch_history()
        except RPCError:
            return None

    async def _alerts(self, history: WorkflowHistory | None) -> list[Alert]:
        signals = [
            event.workflow_execution_signaled_event_attributes
            for event in (history.events if history else ())
            if event.HasField("workflow_execution_signaled_event_attributes")
        ]
        decoded = [
            await self.client.data_converter.decode(one.input.payloads, [Alert])
            for one in signals
            if one.signal_name == "alert"
        ]
        return [alert for (alert,) in decoded]


def a_member(release: str, number: int) -> dict[str, object]:
    """Return one alert of a group, known by its number."""
    return {
        "status": "firing",
        "labels": {"alertname": "ErrorsHigh", "service": "chat", "release": release},
        "startsAt": "2026-01-05T09:00:00Z",
        "fingerprint": f"{release}-{number}",
    }


def kill(child: Child, how: signal.Signals = signal.SIGKILL) -> None:
    """Send a process a signal that it cannot do anything about."""
    os.kill(child.pid, how)


async def killed(child: Child) -> None:
    """Kill a process, and wait until it is gone."""
    kill(child)
    assert await child.wait() == -signal.SIGKILL


@asynccontextmanager
async def outage(folder: Path) -> AsyncIterator[Outage]:
    """Run an engine and a gateway in a folder."""
    write_site(folder)
    settings = Settings(worker_health=NOWHERE, metrics=NOWHERE)
    places = choose_places(port=0, ui_port=0, gateway=NOWHERE, settings=settings)
    client = await wiring.connect({"target_host": str(places.temporal)}, lazy=True)
    token = (folder / ".backout" / "alertmanager-token").read_text()
    headers = {"Authorization": f"Bearer {token}"}
    http = httpx.AsyncClient(
        base_url=f"http://{places.gateway}", headers=headers, trust_env=False, timeout=30
    )
    outbox = SqliteOutbox(str(folder / ".backout" / "outbox.db"))
    async with aclosing(outbox), http, AsyncExitStack() as stack:
        here = Outage(folder, places, client, stack, http, outbox)
        await here.start_engine()
        await prepare_namespace(client)
        await here.start_gateway()
        yield here
