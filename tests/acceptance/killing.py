"""A real engine, a world of files, and workers as processes of their own that can be killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from temporalio.client import Client, WorkflowHandle

import wiring
from adapters.targets.flagd_file import FlagdFile
from adapters.targets.flagd_flag import METADATA_KEY
from adapters.targets.ledger import Ledger
from backout.alerts import Alert
from backout.case import OpenIncident
from backout.lint import checked_playbook
from backout.model import digest_of
from backout.people import Act, Action, Actor
from backout.playbook import Playbook
from backout.timeline_exposure import ExposureSet
from backout.view import IncidentSummary, IncidentView, incident_id
from cli.engine import is_ready, prepare_namespace, server_command
from cli.places import choose_places
from cli.processes import Child
from deployment import load_templates
from gateway.incidents import Incidents
from telemetry import Address, Settings
from tests.acceptance.running import ROOT, environment
from workflows.incident import Incident

PATIENCE_S = 120
STALLING = str(Path(__file__).with_name("stalling_worker.py"))
SITE = """
site: kill-tests
people:
  alice: {name: Alice, roles: [on_call]}
  bob: {name: Bob, roles: [commander]}
sources:
  metrics: {kind: exposition, url: "URL", timeout: 2s}
targets:
  exposure: {kind: flagd-file, path: flags.json, flag: chat-release, baseline: r1}
channels:
  room: {kind: terminal}
store: {kind: sqlite, path: backout.db, documents: postmortems}
gateway: {port: 0, outbox: outbox.db}
"""
PLAYBOOK = """
playbook: chat
version: 1
scenario: A chat release answers badly.
at_risk: {users: wrong advice, safety: unmoderated content, business: refunds}
severity: critical
release: {service: chat, artifacts: [model]}
channel: room
tick: 100ms
signals:
  errors: {kind: ratio, family: operational, source: metrics, bad: bad_total, of: requests_total}
criteria:
  - {id: provider, test: {compare: alert, named: ProviderDown}}
  - {id: errors, signal: errors, min_sample: 5, evidence: {sustain: 1s}, test: {compare: limit, max: 10%}}
rules:
  - {id: provider-down, when: {any_of: [provider, errors]}, authority: AUTHORITY, quorum: 1}
roles:
  on_call: {may: [acknowledge, hold, resume, retry, skip, abort, note, close]}
  commander: {may: [approve, reject]}
escalation: {}
remind: 30m
steps:
  - {step: detect, owner: on_call, within: 1m, on_timeout: hold}
  - step: revert
    owner: commander
    target: exposure
    stages: [50, 10, 0]
    soak: 800ms
    within: 10m
    on_timeout: hold
    on_recovery: proceed
  - {step: verify, owner: on_call, window: 300ms, within: 1m, on_timeout: hold}
  - {step: postmortem, owner: on_call, template: standard, due: 5d, within: 5m, on_timeout: hold}
"""
FLAGS = {
    "flags": {
        "chat-release": {
            "state": "ENABLED",
            "variants": {"r1": "r1", "r2": "r2"},
            "defaultVariant": "r2",
        }
    }
}


@asynccontextmanager
async def engine(folder: Path) -> AsyncIterator[Client]:
    """Run the engine of `backout up`, with all its settings."""
    nowhere = Address(host="127.0.0.1", port=0)
    settings = Settings(worker_health=nowhere, metrics=nowhere)
    places = choose_places(port=0, ui_port=0, gateway=nowhere, settings=settings)
    command = server_command(port=places.temporal.port, ui_port=places.ui.port, database=folder / "engine.db")
    child = Child("engine", command, env=environment(), log=folder / "engine.log")
    client = await wiring.connect({"target_host": str(places.temporal)}, lazy=True)
    await child.start()
    try:
        await child.until(lambda: is_ready(client), hint=str(folder / "engine.log"))
        await prepare_namespace(client)
        yield client
    finally:
        await child.stop(grace_s=10)


@asynccontextmanager
async def metrics_page() -> AsyncIterator[str]:
    """Serve counters of a service that is well; each look finds more requests. Yield the address."""
    requests = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        await reader.readuntil(b"\r\n\r\n")
        requests += 1000
        text = f"requests_total {requests}\nbad_total 0\n"
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {len(text)}\r\n"
        writer.write(f"{head}Connection: close\r\n\r\n{text}".encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/metrics"


@dataclass
class World:
    """One site in a folder, its incident, and the workers that were started for it."""

    folder: Path
    client: Client
    workers: list[Child] = field(default_factory=list)

    @property
    def handle(self) -> WorkflowHandle[Incident, IncidentSummary]:
        """The incident."""
        return self.client.get_workflow_handle_for(Incident.run, incident_id("chat", "r2"))

    async def start_worker(self, *, stalls_after: int | None = None) -> Child:
        """Start the worker process; one that stalls writes that stage, and then answers no more."""
        site = str(self.folder / "site.yaml")
        script = (
            [str(ROOT / "worker.py"), "--site"] if stalls_after is None else [STALLING, str(stalls_after)]
        )
        env = environment(TEMPORAL_ADDRESS=self.client.service_client.config.target_host)
        log = self.folder / f"worker-{len(self.workers) + 1}.log"
        child = Child("worker", [sys.executable, *script, site], env=env, log=log)
        await child.start()
        self.workers.append(child)
        return child

    async def open(self) -> None:
        """Open the incident, as the gateway does."""
        file = self.folder / "playbooks" / "chat.yaml"
        # Not through the deployment: what an alert fires alone has no backtest, and would ask for approval.
        playbook = checked_playbook(file.read_text(), file=str(file), templates=load_templates(), site=None)
        await open_incident(self.client, playbook, service="chat", release="r2")

    async def approve(self) -> None:
        """Let Bob authorise the plan."""
        actor = Actor(person="bob", name="Bob", roles=("commander",), via="cli")
        view = await Incidents(client=self.client).view(incident=self.handle.id, within_s=PATIENCE_S)
        act = Act(id="bob-1", action=Action.APPROVE, actor=actor, subject=view.asks[0].subject)
        await Incidents(client=self.client).act(incident=self.handle.id, act=act, within_s=PATIENCE_S)

    async def is_asked(self) -> bool:
        """Say whether people are asked to approve, and nothing else is under way anywhere."""
        view = await Incidents(client=self.client).view(incident=self.handle.id, within_s=PATIENCE_S)
        now = (await self.handle.describe()).raw_description
        return bool(view.asks) and not now.pending_activities and not now.HasField("pending_workflow_task")

    async def is_exposed(self, percent: int) -> bool:
        """Say whether the file says so."""
        target = FlagdFile(str(self.folder / "flags.json"), "chat-release", "r1")
        return (await target.read(service="chat", release="r2")).percent == percent

    async def is_beating(self, activity: str) -> bool:
        """Say whether the engine has a heartbeat of an activity of the staged revert."""
        revert = self.client.get_workflow_handle(f"{self.handle.id}/revert/1")
        found = (await revert.describe()).raw_description.pending_activities
        beating: set[str] = {one.activity_id for one in found if one.HasField("heartbeat_details")}
        return activity in beating

    async def ended(self) -> IncidentView:
        """Wait for the incident's end, and return everything about it."""
        async with asyncio.timeout(PATIENCE_S):
            await self.handle.result()
        return await Incidents(client=self.client).view(incident=self.handle.id, within_s=PATIENCE_S)

    @property
    def was_changed(self) -> bool:
        """Whether anything was written to the flag's file."""
        return bool(json.loads((self.folder / "flags.json").read_text()) != FLAGS)

    def ledger(self) -> Ledger:
        """Return what the flag's file remembers: how often it was changed, and by which keys."""
        flags = json.loads((self.folder / "flags.json").read_text())["flags"]
        return Ledger.model_validate_json(flags["chat-release"]["metadata"][METADATA_KEY])


@asynccontextmanager
async def world(folder: Path, *, authority: str, soak: str = "800ms") -> AsyncIterator[World]:
    """Set up a site whose rule has this authority; its workers are stopped at the end."""
    (folder / "playbooks").mkdir()
    text = PLAYBOOK.replace("AUTHORITY", authority).replace("soak: 800ms", f"soak: {soak}")
    (folder / "playbooks" / "chat.yaml").write_text(text)
    (folder / "flags.json").write_text(json.dumps(FLAGS))
    async with engine(folder) as client, metrics_page() as url:
        (folder / "site.yaml").write_text(SITE.replace("URL", url))
        here = World(folder, client)
        try:
            yield here
        finally:
            for worker in here.workers:
                await worker.stop(grace_s=10)


async def until(look: Callable[[], Awaitable[bool]], what: str) -> None:
    """Look again and again until it is so."""
    ends = asyncio.get_running_loop().time() + PATIENCE_S
    while not await look():
        assert asyncio.get_running_loop().time() < ends, f"not within {PATIENCE_S} s: {what}"
        await asyncio.sleep(0.01)


async def killed(worker: Child) -> None:
    """Kill a worker as the kernel does when memory runs out: it can do nothing more."""
    os.kill(worker.pid, signal.SIGKILL)
    assert await worker.wait() == -signal.SIGKILL


def stages(view: IncidentView) -> list[tuple[int, int]]:
    """Return the changes of exposure that the timeline tells of."""
    return [(event.before, event.after) for event in view.timeline if isinstance(event, ExposureSet)]


async def open_incident(client: Client, playbook: Playbook, *, service: str, release: str) -> None:
    """Open the incident of a release, as the gateway does for an alert that fires."""
    opening = OpenIncident(
        incident=incident_id(service, release),
        service=service,
        release=release,
        playbook=playbook,
        digest=digest_of(playbook),
    )
    alert = Alert(
        source="cli", fingerprint="f1", starts_at=datetime.now(UTC), status="firing", name="ProviderDown"
    )
    await Incidents(client=client).open(opening=opening, alert=alert)
