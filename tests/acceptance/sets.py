"""Many incidents at once, each with a set of three targets, each standing still at a moment of its own."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from temporalio.client import Client

from adapters.targets.flagd_flag import METADATA_KEY
from adapters.targets.ledger import Ledger
from backout.timeline_exposure import ExposureSet
from backout.view import IncidentView, incident_id
from backout.yaml_text import load_playbook
from cli.processes import Child
from gateway.incidents import Incidents
from tests.acceptance.exposing import ExposureServer, Moment, Pause, exposure_server
from tests.acceptance.killing import (
    FLAGS,
    PATIENCE_S,
    PLAYBOOK,
    SITE,
    engine,
    metrics_page,
    open_incident,
)
from tests.acceptance.pausing_worker import PAUSED, PAUSES
from tests.acceptance.running import ROOT, environment

RELEASE = "r2"
TARGETS = ("traffic", "config", "prompt")
CHANGES = (
    ("traffic", 50),
    ("config", 50),
    ("traffic", 10),
    ("config", 10),
    ("prompt", 0),
    ("traffic", 0),
    ("config", 0),
)
"""What a revert of the set changes, in its order: the prompt is a pointer that flips at 10 %."""
STAGES = {50: 2, 10: 5, 0: 7}
"""How many changes are made when a stage is reached."""
MIXED_FOR = timedelta(minutes=2)
_STEP = """targets:
      - target: TRAFFIC
      - target: config
      - {target: prompt, flips_at: 10}
    mixed_for: 2m
    on_target_failure: push_on
    """


class Still(NamedTuple):
    """Where an incident stands still: at a change, or in a stage's soak once all its changes are answered."""

    target: str
    percent: int
    moment: Moment | None = None

    @property
    def service(self) -> str:
        """Return the service that has this incident."""
        when = "soak" if self.moment is None else self.moment.rsplit(" ", 1)[-1]
        return f"{self.target}-{self.percent}-{when}"

    @property
    def effects(self) -> dict[str, tuple[int, ...]]:
        """Return the effective changes of each target that are made when it stands there."""
        made = STAGES[self.percent] if self.moment is None else CHANGES.index((self.target, self.percent))
        counted = CHANGES[: made + (self.moment == "before the answer")]
        return {name: tuple(percent for target, percent in counted if target == name) for name in TARGETS}


STILLS = (
    *(Still(target, percent, "before the effect") for target, percent in CHANGES),
    *(Still(target, percent, "before the answer") for target, percent in CHANGES),
    *(Still("all", stage) for stage in STAGES),
)
UNDISTURBED = "undisturbed"
SERVICES = (*(still.service for still in STILLS), UNDISTURBED)


class Outcome(NamedTuple):
    """What an incident has made of its set."""

    ended: str
    effects: Mapping[str, tuple[int, ...]]
    """The effective changes of each target."""
    told: Mapping[str, tuple[tuple[int, int, int], ...]]
    """The changes of each target that the timeline tells of: stage, before and after. On a busy machine one
    whose call died with the worker may have its turn again after the others."""


@dataclass
class SetWorld:
    """One site in a folder, its incidents, and the workers that were started for them."""

    folder: Path
    client: Client
    server: ExposureServer
    workers: list[Child] = field(default_factory=list)

    async def start_worker(self, *, pausing: bool) -> Child:
        """Start the worker process; one that pauses keeps each incident at its moment."""
        script = [str(Path(__file__).with_name("pausing_worker.py"))]
        command = script if pausing else [str(ROOT / "worker.py"), "--site"]
        env = environment(TEMPORAL_ADDRESS=self.client.service_client.config.target_host)
        log = self.folder / f"worker-{len(self.workers) + 1}.log"
        site = str(self.folder / "site.yaml")
        child = Child("worker", [sys.executable, *command, site], env=env, log=log)
        await child.start()
        self.workers.append(child)
        return child

    async def open(self, service: str) -> None:
        """Open the incident of a service, as the gateway does."""
        # Not through the deployment: what an alert fires alone has no backtest, and would ask for approval.
        # And past lint: the bound is that of soaks of minutes, which are shortened here.
        playbook = load_playbook(_playbook(service), file="chat.yaml")
        await open_incident(self.client, playbook, service=service, release=RELEASE)

    def stands_still(self, still: Still) -> bool:
        """Say whether that incident has come to its moment."""
        return (self.folder / PAUSED / still.service).exists() or any(
            path in self.server.paused for path in _paths(still.service).values()
        )

    async def view(self, service: str) -> IncidentView:
        """Return everything about an incident."""
        incident = incident_id(service, RELEASE)
        return await Incidents(client=self.client).view(incident=incident, within_s=PATIENCE_S)

    async def mixed_for(self, service: str, *, since: datetime) -> timedelta:
        """Return how long the targets were at different stages at most, from a moment on."""
        at: dict[int, list[datetime]] = {}
        for event in (await self.view(service)).timeline:
            if isinstance(event, ExposureSet):
                at.setdefault(event.stage, []).append(max(event.at, since))
        return max(times[-1] - times[0] for times in at.values())

    def effects(self, service: str) -> dict[str, tuple[int, ...]]:
        """Return the effective changes of each target, in their order."""
        flag = json.loads((self.folder / "flags.json").read_text())["flags"][service]
        ledger = Ledger.model_validate_json(flag.get("metadata", {}).get(METADATA_KEY, "{}"))
        assert ledger.generation == len(ledger.done)
        changes = {target: self.server.changes.get(path, []) for target, path in _paths(service).items()}
        told = {target: tuple(change.percent for change in made) for target, made in changes.items()}
        return {"traffic": tuple(ledger.done.values()), **told}

    async def outcome(self, service: str) -> Outcome:
        """Return what an incident has made of its set."""
        view = await self.view(service)
        told: dict[str, tuple[tuple[int, int, int], ...]] = {}
        for event in view.timeline:
            if isinstance(event, ExposureSet):
                target = event.target.split("-", 1)[0]
                told[target] = (*told.get(target, ()), (event.stage, event.before, event.after))
        return Outcome(ended=view.summary.outcome.value, effects=self.effects(service), told=told)


@asynccontextmanager
async def set_world(folder: Path) -> AsyncIterator[SetWorld]:
    """Set up a site with three targets for each service; its workers are stopped at the end."""
    (flag,) = FLAGS["flags"].values()
    (folder / "flags.json").write_text(json.dumps({"flags": dict.fromkeys(SERVICES, flag)}))
    (folder / "playbooks").mkdir()
    (folder / "playbooks" / "chat.yaml").write_text(_playbook(UNDISTURBED).replace("2m", "500ms"))
    (folder / PAUSED).mkdir()
    (folder / PAUSES).write_text(json.dumps(_worker_pauses()))
    async with engine(folder) as client, metrics_page() as url, exposure_server() as (held_at, server):
        server.pauses.update(_server_pauses())
        (folder / "site.yaml").write_text(_site(url, held_at))
        here = SetWorld(folder, client, server)
        try:
            yield here
        finally:
            server.go_on()
            for worker in here.workers:
                await worker.stop(grace_s=10)


def _playbook(service: str) -> str:
    text = PLAYBOOK.replace("target: exposure\n    ", _STEP.replace("TRAFFIC", _traffic(service)))
    return text.replace("service: chat", f"service: {service}").replace("AUTHORITY", "auto")


def _site(metrics: str, held_at: str) -> str:
    targets = [
        f"  {_traffic(service)}: {{kind: flagd-file, path: flags.json, flag: {service}, baseline: r1}}"
        for service in SERVICES
    ]
    for name, more in (("config", ""), ("prompt", "capability: pointer, ")):
        url = f"{held_at}/{name}/$service/$release"
        targets.append(f'  {name}: {{kind: http, {more}url: "{url}", timeout: 4s}}')
    text = SITE.replace("URL", metrics)
    kept = [line for line in text.splitlines() if "flagd-file" not in line]
    place = kept.index("targets:") + 1
    return "\n".join([*kept[:place], *targets, *kept[place:]]) + "\n"


def _traffic(service: str) -> str:
    """Return the name of the target that splits the traffic of a service: each has a flag of its own."""
    return f"traffic-{service}"


def _paths(service: str) -> dict[str, str]:
    return {target: f"/{target}/{service}/{RELEASE}" for target in TARGETS[1:]}


def _server_pauses() -> dict[str, Pause]:
    return {
        _paths(still.service)[still.target]: Pause(still.percent, still.moment)
        for still in STILLS
        if still.moment and still.target in TARGETS[1:]
    }


def _worker_pauses() -> dict[str, str]:
    """Return where the worker itself stands still: a file has no server that could."""
    when = {"before the effect": "before", "before the answer": "after"}
    files = {
        still.service: f"{when[still.moment]} {_traffic(still.service)} {still.percent}"
        for still in STILLS
        if still.moment and still.target == "traffic"
    }
    return files | {still.service: f"before soak-{still.percent}" for still in STILLS if not still.moment}
