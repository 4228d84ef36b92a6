"""The gateway's web application: which doors it has, and what runs beside them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.routing import Route

from backout.doors import CloudEventsDoor
from backout.errors import SecretMissing
from backout.playbook import Playbook
from backout.ports import Marks, Outbox, PushStore, Quarantines, Registry, SlackCalls
from backout.senders import cloudevents
from backout.senders.known import SENDERS, heard_by
from backout.site import Site
from gateway.admission import WayIn
from gateway.alerts import AlertDoor, Desk
from gateway.answers import HANDLERS
from gateway.bodies import JSON
from gateway.delivery import Delivery
from gateway.events import EventsDoor
from gateway.freeze import FreezeDoor
from gateway.freezing import Freeze
from gateway.handshake import Handshake
from gateway.health import Health
from gateway.incidents import Incidents
from gateway.marking import ExternalEvents
from gateway.metrics import Metrics
from gateway.pace import Pace
from gateway.registering import Releases
from gateway.releases import ReleasesDoor
from gateway.rollouts import Rollouts
from gateway.rollouts_door import RolloutsDoor
from gateway.signals import SignalsDoor
from gateway.slack_opening import OpenSlack, open_slack
from gateway.watches import Watches

_EVENTS = (cloudevents.STRUCTURED, cloudevents.BATCH, JSON)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Secrets:
    """What opens the doors; a door whose secret is None is not there."""

    alerts: Mapping[str, WayIn] = field(default_factory=dict, repr=False)
    """By sender."""
    slack: str | None = field(default=None, repr=False)
    """What Slack signs its requests with; None with Socket Mode."""
    slack_app: str | None = field(default=None, repr=False)
    """The app-level token of Socket Mode."""
    releases: str | None = field(default=None, repr=False)
    pushes: Mapping[str, str] = field(default_factory=dict, repr=False)
    """By push source."""


@dataclass(frozen=True)
class Stores:
    """What the gateway keeps, and where."""

    outbox: Outbox
    registry: Registry
    quarantines: Quarantines
    marks: Marks
    pushes: Mapping[str, PushStore]
    """By push source."""


@dataclass(frozen=True)
class _Parts:
    """What the doors share."""

    incidents: Incidents
    stores: Stores
    playbooks: Mapping[str, Playbook]
    site: Site
    metrics: Metrics
    delivery: Delivery
    freeze: Freeze
    releases: Releases


def build_app(  # noqa: PLR0913  # the composition root hands over every part by its name
    *,
    incidents: Incidents,
    watches: Watches,
    stores: Stores,
    slack: SlackCalls,
    playbooks: Mapping[str, Playbook],
    site: Site,
    secrets: Secrets,
    registry: CollectorRegistry,
) -> Starlette:
    """Build the gateway; its lifespan runs the delivery. A door whose secret is None is not there (404).

    Raises:
        SecretMissing: a secret is there but empty.
    """
    metrics = Metrics(registry)
    delivery = Delivery(
        outbox=stores.outbox,
        incidents=incidents,
        playbooks=playbooks,
        registry=stores.registry,
        metrics=metrics,
    )
    freeze = Freeze(
        incidents=incidents,
        quarantines=stores.quarantines,
        registry=stores.registry,
        playbooks=playbooks,
        routes=site.routes,
    )
    releases = Releases(registry=stores.registry, watches=watches, freeze=freeze, playbooks=playbooks)
    parts = _Parts(incidents, stores, playbooks, site, metrics, delivery, freeze, releases)
    door = _slack(parts, slack, secrets)
    socket = door.socket if door else None
    health = Health(incidents=incidents, outbox=stores.outbox, socket=socket, metrics=metrics)
    routes = [
        Route("/healthz", health.healthz),
        Route("/metrics", health.metrics),
        *_alerts(parts, secrets.alerts),
        *(door.routes if door else ()),
        *_signals(parts, secrets.pushes),
        *_releases(parts, _secret(secrets.releases, "/releases, /rollouts, /events and /freeze")),
    ]
    return Starlette(
        routes=routes,
        lifespan=_running(
            delivery=delivery.run, releases=releases.run, **({"slack": door.run} if door else {})
        ),
        exception_handlers=HANDLERS,
    )


def _alerts(parts: _Parts, ways: Mapping[str, WayIn]) -> list[Route]:
    desk = Desk(
        outbox=parts.stores.outbox,
        delivery=parts.delivery,
        routes=parts.site.routes,
        playbooks=parts.playbooks,
        metrics=parts.metrics,
    )
    if closed := [f"/alerts/{sender}" for sender in SENDERS if sender not in ways]:
        _secret(None, ", ".join(closed))
    doors = parts.site.gateway.alerts
    hears, routes = heard_by(doors), []
    for sender, way_in in ways.items():
        for secret in way_in.secrets:
            _secret(secret, f"/alerts/{sender}")
        door = AlertDoor(
            sender=sender,
            hear=hears[sender],
            way_in=way_in,
            rate=doors.open[sender].rate,
            desk=desk,
            media_types=_EVENTS if sender == cloudevents.SOURCE else (JSON,),
        )
        routes.append(Route(f"/alerts/{sender}", door.receive, methods=["POST"]))
    return [*routes, *_handshake(doors.cloudevents)]


def _handshake(door: CloudEventsDoor | None) -> list[Route]:
    if door is None or not door.origins:
        return []
    handshake = Handshake(origins=door.origins, rate=door.rate)
    return [Route(f"/alerts/{cloudevents.SOURCE}", handshake.agree, methods=["OPTIONS"])]


def _slack(parts: _Parts, slack: SlackCalls, secrets: Secrets) -> OpenSlack | None:
    socket = _secret(secrets.slack_app, "Slack's socket") if secrets.slack_app is not None else None
    return open_slack(
        incidents=parts.incidents,
        site=parts.site,
        slack=slack,
        metrics=parts.metrics,
        signing=None if socket else _secret(secrets.slack, "/slack/commands"),
        app=socket,
    )


def _signals(parts: _Parts, secrets: Mapping[str, str]) -> list[Route]:
    opened = {name: _secret(secret, f"/signals ({name})") for name, secret in secrets.items()}
    tokens = {name: token for name, token in opened.items() if token is not None}
    if not tokens:
        _secret(None, "/signals")
        return []
    door = SignalsDoor(tokens=tokens, stores=parts.stores.pushes, metrics=parts.metrics)
    return [Route("/signals", door.receive, methods=["POST"])]


def _releases(parts: _Parts, token: str | None) -> list[Route]:
    if token is None:
        return []
    pace = Pace("The releases door", per_s=5, burst=100)
    releases = ReleasesDoor(token=token, pace=pace, releases=parts.releases)
    happenings = ExternalEvents(marks=parts.stores.marks, playbooks=parts.playbooks)
    events = EventsDoor(token=token, pace=pace, events=happenings)
    rollouts = Rollouts(
        incidents=parts.incidents,
        registry=parts.stores.registry,
        freeze=parts.freeze,
        playbooks=parts.playbooks,
    )
    one = "/releases/{service}/{release}"
    return [
        Route("/releases", releases.register, methods=["POST"]),
        Route("/releases", releases.listing, methods=["GET"]),
        Route(one, releases.show, methods=["GET"]),
        Route(f"{one}/retire", releases.retire, methods=["POST"]),
        Route("/rollouts", RolloutsDoor(token=token, pace=pace, rollouts=rollouts).begin, methods=["POST"]),
        Route("/events", events.mark, methods=["POST"]),
        Route("/freeze/{service}", FreezeDoor(token=token, freeze=parts.freeze).ask, methods=["GET"]),
    ]


def _secret(secret: str | None, door: str) -> str | None:
    """Return the secret of a door, and say so where the door stays closed."""
    if secret is None:
        _log.warning("The site file names no secret for %s: that door is closed", door)
        return None
    if not secret.strip():
        raise SecretMissing(place=f"of {door} (it is empty)")
    return secret


def _running(
    **tasks: Callable[[], Coroutine[Any, Any, None]],
) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        running = [asyncio.create_task(work(), name=name) for name, work in tasks.items()]
        try:
            yield
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    return lifespan
