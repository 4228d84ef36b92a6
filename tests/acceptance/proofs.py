"""Incidents that prove what a revert has done, before a service that may stand still while it is asked."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.targets.flagd_file import FlagdFile
from adapters.targets.flagd_flag import METADATA_KEY
from adapters.targets.ledger import Ledger
from backout.timeline import StepFinished
from backout.timeline_exposure import CheckRun
from backout.timeline_served import ServedChecked, SessionsBegun
from backout.view import IncidentView, incident_id
from backout.yaml_text import load_playbook
from gateway.incidents import Incidents
from tests.acceptance.killing import (
    FLAGS,
    PATIENCE_S,
    PLAYBOOK,
    SITE,
    World,
    engine,
    metrics_page,
    open_incident,
    stages,
)

RELEASE, BASELINE = "r2", "r1"
SERVED, CHECKED, UNDISTURBED = "killed-in-served", "killed-in-check", "undisturbed"
SERVICES = (SERVED, CHECKED, UNDISTURBED)
ROUNDS = 2
"""So many questions of a user are answered before the service stands still: one before the revert."""
_PROOFS = """  - {step: check, owner: commander, checks: [forgotten], within: 1m, on_timeout: hold}
  - step: served
    owner: commander
    probes: [users]
    lag: 3s
    within: 1m
    on_timeout: hold
"""
_SITE = """probes:
  users:
    kind: http
    path: session
    url: "ASKED/ask/$service"
    headers: {X-User: $session}
    sessions: 2
    release_header: X-Release
    timeout: 5s
checks:
  forgotten:
    kind: purged
    url: "ASKED/cached/$service"
    purge: {url: "ASKED/purge/$service"}
    not_headers: {X-Release: $release}
    timeout: 40s
"""


@dataclass
class Service:
    """What users and a cache before them are answered; the exposure of each service is in a flag's file."""

    flags: Path
    purges: dict[str, list[str]] = field(default_factory=dict)
    """The keys of the purges that had an effect."""
    users: dict[str, Counter[str]] = field(default_factory=dict)
    """How often each user of a service has asked."""
    began: dict[str, set[str]] = field(default_factory=dict)
    """The users whom the candidate has answered."""
    still: set[str] = field(default_factory=set)
    """The services that stand still in what they are to be killed in."""
    _going_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def ask(self, request: web.Request) -> web.Response:
        """Answer a user with a release; one of them is left without an answer in the midst of the rounds."""
        service, user = request.match_info["service"], request.headers["X-User"]
        asked = self.users.setdefault(service, Counter())
        if service == SERVED and asked[user] == ROUNDS:
            await self._stand_still(service)
        asked[user] += 1
        exposure = await flag(self.flags, service).read(service=service, release=RELEASE)
        if exposure.percent:
            self.began.setdefault(service, set()).add(user)
        return web.Response(headers={"X-Release": RELEASE if exposure.percent else BASELINE})

    async def purge(self, request: web.Request) -> web.Response:
        """Purge the cache once for each key; the answer to one purge is left out."""
        service, key = request.match_info["service"], request.headers["Idempotency-Key"]
        made = self.purges.setdefault(service, [])
        if key not in made:
            made.append(key)
        if service == CHECKED:
            await self._stand_still(service)
        return web.Response(status=204)

    async def cached(self, request: web.Request) -> web.Response:
        """Answer from the cache, which the candidate has filled."""
        purged = self.purges.get(request.match_info["service"])
        return web.Response(headers={"X-Release": BASELINE if purged else RELEASE})

    def go_on(self) -> None:
        """Answer everything from now on."""
        self._going_on.set()

    async def _stand_still(self, service: str) -> None:
        if not self._going_on.is_set():
            self.still.add(service)
        await self._going_on.wait()


class Outcome(NamedTuple):
    """What an incident has come to, and what it has done on the way."""

    ended: str
    told: tuple[object, ...]
    """Its finished steps, the changes of exposure, and what was proven: each once."""
    exposures: tuple[int, ...]
    """The effective changes."""
    purges: int
    """The effective ones."""
    sessions: tuple[bool, ...]
    """Of each that began at the candidate, whether it was gone on with."""


@dataclass
class Proofs:
    """One site, its incidents, and the service that they ask."""

    world: World
    service: Service

    async def open(self, service: str) -> None:
        """Open the incident of a service, as the gateway does."""
        playbook = load_playbook(_playbook(service), file="chat.yaml")
        await open_incident(self.world.client, playbook, service=service, release=RELEASE)

    async def view(self, service: str) -> IncidentView:
        """Return everything about an incident."""
        incident = incident_id(service, RELEASE)
        return await Incidents(client=self.world.client).view(incident=incident, within_s=PATIENCE_S)

    async def under_way(self, service: str) -> set[str]:
        """Return the types of the activities of an incident that a worker has begun."""
        handle = self.world.client.get_workflow_handle(incident_id(service, RELEASE))
        pending = (await handle.describe()).raw_description.pending_activities
        return {one.activity_type.name for one in pending if one.HasField("last_started_time")}

    async def outcome(self, service: str) -> Outcome:
        """Return what an incident has come to."""
        view = await self.view(service)
        flags = json.loads((self.world.folder / "flags.json").read_text())["flags"]
        ledger = Ledger.model_validate_json(flags[service]["metadata"][METADATA_KEY])
        users, began = self.service.users[service], self.service.began[service]
        return Outcome(
            ended=view.summary.outcome.value,
            told=_told(view),
            exposures=tuple(ledger.done.values()),
            purges=len(self.service.purges[service]),
            sessions=tuple(users[user] > 1 for user in began),
        )


def flag(file: Path, service: str) -> FlagdFile:
    """Return the target of a service: each has a flag of its own."""
    return FlagdFile(str(file), service, BASELINE)


@asynccontextmanager
async def proofs(folder: Path) -> AsyncIterator[Proofs]:
    """Set up a site in which each service has a target; its workers are stopped at the end."""
    (held,) = FLAGS["flags"].values()
    file = folder / "flags.json"
    file.write_text(json.dumps({"flags": dict.fromkeys(SERVICES, held)}))
    (folder / "playbooks").mkdir()
    (folder / "playbooks" / "chat.yaml").write_text(_playbook(UNDISTURBED))
    service, app = Service(file), web.Application()
    app.router.add_get("/ask/{service}", service.ask)
    app.router.add_get("/cached/{service}", service.cached)
    app.router.add_post("/purge/{service}", service.purge)
    async with engine(folder) as client, metrics_page() as url, TestServer(app, host="127.0.0.1") as asked:
        address = str(asked.make_url("/")).rstrip("/")
        (folder / "site.yaml").write_text(_site(url) + _SITE.replace("ASKED", address))
        here = Proofs(World(folder, client), service)
        try:
            yield here
        finally:
            service.go_on()
            for worker in here.world.workers:
                await worker.stop(grace_s=10)


def _told(view: IncidentView) -> tuple[object, ...]:
    told: list[object] = [*stages(view)]
    for event in view.timeline:
        match event:
            case StepFinished():
                told.append(event.step)
            case SessionsBegun():
                told.append((event.releases, event.problems))
            case ServedChecked():
                told.append((event.probe, event.verdict, event.why))
            case CheckRun():
                told.append((event.check, event.passed))
            case _:
                pass
    return tuple(told)


def _playbook(service: str) -> str:
    text = PLAYBOOK.replace("target: exposure", f"target: traffic-{service}").replace("AUTHORITY", "auto")
    place = text.index("  - {step: verify")
    return f"{text[:place]}{_PROOFS}{text[place:]}".replace("service: chat", f"service: {service}")


def _site(metrics: str) -> str:
    lines = [
        f"  traffic-{service}: {{kind: flagd-file, path: flags.json, flag: {service}, baseline: r1}}"
        for service in SERVICES
    ]
    text = SITE.replace("URL", metrics)
    (held,) = [line for line in text.splitlines() if "flagd-file" in line]
    return text.replace(held, "\n".join(lines))
