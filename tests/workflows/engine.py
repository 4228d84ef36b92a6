"""A real dev server, a worker over the fake world, and the hands to act in an incident."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TypeVar

from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Worker

import wiring
from activities.baselines import BaselineActivities
from activities.checks import CheckActivities
from activities.exposure import ExposureActivities
from activities.leasing import LeaseActivities
from activities.people import PeopleActivities
from activities.quarantining import QuarantineActivities
from activities.records import RecordActivities
from activities.serving import ServingActivities
from activities.signals import SignalActivities
from activities.witnesses import Witnesses
from adapters.memory import MemoryWorld
from backout.alerts import Alert
from backout.case import Case, OpenIncident
from backout.event import BaseEvent
from backout.model import digest_of
from backout.people import NEEDS_SUBJECT, Act, Action, Actor, Person, Receipt
from backout.playbook import Playbook
from backout.ports import Check, OnCall, Probe, Target
from backout.rotas import Calendar
from backout.view import IncidentSummary, IncidentView
from worker import sandbox
from workflows.incident import Incident
from workflows.revert import StagedRevert
from workflows.watch import ReleaseWatch

PEOPLE = {
    "alice": Person(name="Alice", roles=("on_call",), slack="U01ALICE"),
    "bob": Person(name="Bob", roles=("commander",), slack="U02BOB"),
    "carol": Person(name="Carol", roles=("product",), slack="U03CAROL"),
    "dave": Person(name="Dave", roles=("platform",), slack="U04DAVE"),
}
TEMPLATES = {
    str(path.relative_to(Path("templates"))): path.read_text() for path in Path("templates").rglob("*.j2")
} | {"notices/resolved.md.j2": "# {{ incident.service }} is well again\nWe took {{ incident.release }} back."}
PATIENCE_S = 120
"""Seconds; a busy machine is not a broken one, and pytest ends a test after 180."""
NOT_NOW = {RPCStatusCode.FAILED_PRECONDITION, RPCStatusCode.NOT_FOUND}
"""The engine's answers in the moment in which a history passes into a fresh one, or an incident begins."""
_numbers = count(1)
E = TypeVar("E", bound=BaseEvent)


def actor(person: str) -> Actor:
    """Return a person of the directory at the command line."""
    found = PEOPLE[person]
    return Actor(person=person, name=found.name, roles=found.roles, via="cli")


def alert(
    name: str = "ErrorsHigh",
    *,
    status: str = "firing",
    fingerprint: str = "f1",
    summary: str = "errors are up",
) -> Alert:
    """Return an alert that began at nine."""
    return Alert.model_validate(
        {
            "source": "alertmanager",
            "fingerprint": fingerprint,
            "starts_at": datetime(2026, 1, 5, 9, tzinfo=UTC),
            "status": status,
            "name": name,
            "summary": summary,
        }
    )


def unfair(world: MemoryWorld) -> MemoryWorld:
    """Let one language of ten fare badly in this world, which the overall rate hides."""
    for counter in ("requests", "bad"):
        world.source.change(counter, baseline=0, candidate=0)
    for language, share, bad in (("en", 0.9, 0.004), ("sw", 0.1, 0.04)):
        world.source.change("requests", baseline=share, candidate=share, cohort=language)
        world.source.change("bad", baseline=share * bad, candidate=share * bad, cohort=language)
    return world


class Incidents:
    """One incident under test."""

    def __init__(self, handle: WorkflowHandle[Incident, IncidentSummary]) -> None:
        self.handle = handle

    async def view(self) -> IncidentView:
        """Return everything about it."""
        return await self.until(lambda _: True)

    async def events(self, kind: type[E]) -> list[E]:
        """Return the events of this kind."""
        return [event for event in (await self.view()).timeline if isinstance(event, kind)]

    async def until(self, seen: Callable[[IncidentView], object]) -> IncidentView:
        """Wait until the incident looks so."""
        async with asyncio.timeout(PATIENCE_S):
            while not ((view := await self._glance()) and seen(view)):  # noqa: ASYNC110  # it is in a server
                await asyncio.sleep(0.01)
        return view

    async def _glance(self) -> IncidentView | None:
        """Return the view; None in a moment in which nobody can look."""
        try:
            return await self.handle.query(Incident.view)
        except RPCError as error:
            if error.status not in NOT_NOW:
                raise
            return None

    async def recorded(self, seen: Callable[[HistoryEvent], bool]) -> None:
        """Wait until its history has such an event, also while no worker runs."""
        async with asyncio.timeout(PATIENCE_S):
            while not any(map(seen, (await self.handle.fetch_history()).events)):  # noqa: ASYNC110
                await asyncio.sleep(0.05)  # it is in a server

    async def asked(self, action: Action) -> IncidentView:
        """Wait until people are asked for this action."""
        return await self.until(lambda view: any(action in ask.actions for ask in view.asks))

    async def act(self, person: str, action: Action, **fields: object) -> Receipt:
        """Let a person act; a refusal is raised. A vote is on what waits now, unless it says on what."""
        if action in NEEDS_SUBJECT and "subject" not in fields:
            fields["subject"] = await self._waiting(action)
        act = Act.model_validate(
            {"id": f"act-{next(_numbers)}", "action": action, "actor": actor(person), **fields}
        )
        async with asyncio.timeout(PATIENCE_S):
            while (receipt := await self._taken(act)) is None:  # noqa: ASYNC110  # it is in a server
                await asyncio.sleep(0.01)
        return receipt

    async def _taken(self, act: Act) -> Receipt | None:
        """Return what came of an act; None in a moment in which nobody can act."""
        try:
            return await self.handle.execute_update(Incident.act, act, id=act.id)
        except RPCError as error:
            if error.status is not RPCStatusCode.FAILED_PRECONDITION:
                raise
            return None

    async def _waiting(self, action: Action) -> str | None:
        """Return the digest of what waits now; None where nothing does."""
        view = await self.until(lambda _: True)
        return next((ask.subject for ask in view.asks if action in ask.actions), None)

    async def end(self) -> None:
        """End it wherever it stands; it may have come to its own end."""
        try:
            await self.handle.terminate()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise

    async def result(self) -> IncidentSummary:
        """Wait for its end."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.handle.result()


class Engine:
    """A worker over one fake world."""

    def __init__(self, client: Client, world: MemoryWorld) -> None:
        self.client = client
        self.world = world
        self.queue = f"tests-{next(_numbers)}"
        self.probes: dict[str, Probe] = {}
        self.targets: dict[str, Target] = {"exposure": self.world.target}
        self.checks: dict[str, Check] = {"consistent": self.world.check}
        self.rotas: dict[str, OnCall] = {}
        self.calendars: dict[str, Calendar] = {}

    def worker(self, **changes: object) -> Worker:
        """Return a worker for everything that the workflows call."""
        world = self.world
        channels = {"room": world.channel, "pager": world.pager}
        activities = (
            SignalActivities(sources={"metrics": world.source}, clock=world.clock),
            BaselineActivities(
                witnesses=Witnesses(
                    registry=world.registry,
                    store=world.store,
                    quarantines=world.quarantines,
                    sources={"metrics": world.source},
                    clock=world.clock,
                )
            ),
            ExposureActivities(targets=self.targets),
            CheckActivities(checks=self.checks, store=world.store),
            ServingActivities(probes=self.probes, targets=self.targets, clock=world.clock),
            LeaseActivities(leases=world.leases),
            QuarantineActivities(quarantines=world.quarantines, registry=world.registry),
            PeopleActivities(
                channels=channels,
                directory=PEOPLE,
                templates=TEMPLATES,
                history="",
                rotas=self.rotas,
                calendars=self.calendars,
            ),
            RecordActivities(
                store=world.store, channels=channels, directory=PEOPLE, templates=TEMPLATES, history=""
            ),
        )
        parts: dict[str, object] = {
            "workflows": [Incident, StagedRevert, ReleaseWatch],
            "activities": wiring.activities_of(*activities),
            "workflow_runner": sandbox(strict=True),
        }
        return Worker(
            self.client,
            task_queue=self.queue,
            **(parts | changes),  # type: ignore[arg-type]  # tests name the worker's own options
        )

    async def open(
        self,
        playbook: Playbook,
        first: Alert | None = None,
        *,
        shipped_by: str = "",
        baseline: str = "",
        carried: Case | None = None,
    ) -> Incidents:
        """Start an incident as the gateway does: by its first alert."""
        world = self.world
        incident = f"incident/{world.service}/{world.release}-{next(_numbers)}"
        opening = OpenIncident(
            incident=incident,
            service=world.service,
            release=world.release,
            playbook=playbook,
            digest=digest_of(playbook),
            shipped_by=shipped_by,
            baseline=baseline,
            carried=carried,
        )
        handle = await self.client.start_workflow(
            Incident.run,
            opening,
            id=incident,
            task_queue=self.queue,
            start_signal="alert",
            start_signal_args=[first or alert()],
        )
        return Incidents(handle)


@asynccontextmanager
async def running(
    client: Client, world: MemoryWorld | None = None, **changes: object
) -> AsyncIterator[Engine]:
    """Run a worker over a fake world; with `changes`, its own options are others."""
    engine = Engine(client, world or MemoryWorld())
    async with engine.worker(**changes):
        yield engine
