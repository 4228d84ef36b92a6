"""The gateway's web application: which doors it has, and how it answers when something is wrong."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from uuid import uuid4

from prometheus_client import CollectorRegistry
from slack_sdk.signature import SignatureVerifier
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from backout.errors import (
    ActionRefused,
    BackoutError,
    EngineDown,
    IncidentAmbiguous,
    IncidentOver,
    IncidentUnknown,
    InvalidDocument,
    NoOpenIncident,
    SecretMissing,
    Unanswered,
)
from backout.playbook import Playbook
from backout.ports import Outbox
from backout.site import Site
from gateway.alerts import AlertmanagerDoor
from gateway.delivery import Delivery
from gateway.health import Health
from gateway.incidents import Incidents
from gateway.metrics import Metrics
from gateway.slack import SlackDoor

_STATUS: Mapping[type[BackoutError], int] = {
    InvalidDocument: 400,
    IncidentUnknown: 404,
    NoOpenIncident: 404,
    ActionRefused: 409,
    IncidentAmbiguous: 409,
    IncidentOver: 409,
    EngineDown: 503,
    Unanswered: 504,
}
"""The answer to each error that a request can bring about; any other is a fault on our side."""

_log = logging.getLogger(__name__)


def build_app(  # noqa: PLR0913  # the composition root hands over every part by its name
    *,
    incidents: Incidents,
    outbox: Outbox,
    playbooks: Mapping[str, Playbook],
    site: Site,
    alertmanager_token: str | None,
    slack_signing_secret: str | None,
    registry: CollectorRegistry,
) -> Starlette:
    """Build the gateway; its lifespan runs the delivery. A door whose secret is None is not there (404).

    Raises:
        SecretMissing: a secret is there but empty.
    """
    metrics = Metrics(registry)
    health = Health(incidents=incidents, outbox=outbox, metrics=metrics)
    delivery = Delivery(outbox=outbox, incidents=incidents, playbooks=playbooks, metrics=metrics)
    routes = [Route("/healthz", health.healthz), Route("/metrics", health.metrics)]
    if token := _secret(alertmanager_token, "/alerts/alertmanager"):
        alerts = AlertmanagerDoor(
            token=token,
            outbox=outbox,
            delivery=delivery,
            routes=site.routes,
            playbooks=playbooks,
            metrics=metrics,
        )
        routes.append(Route("/alerts/alertmanager", alerts.receive, methods=["POST"]))
    if signing_secret := _secret(slack_signing_secret, "/slack/commands"):
        verifier = SignatureVerifier(signing_secret)
        slack = SlackDoor(verifier=verifier, incidents=incidents, site=site, metrics=metrics)
        routes.append(Route("/slack/commands", slack.command, methods=["POST"]))
    handlers = {BackoutError: _problem, HTTPException: _refusal, Exception: _fault}
    return Starlette(routes=routes, lifespan=_running(delivery), exception_handlers=handlers)


def _secret(secret: str | None, door: str) -> str | None:
    """Return the secret of a door, and say so where the door stays closed."""
    if secret is None:
        _log.warning("The site file names no secret for %s: that door is closed", door)
        return None
    if not secret.strip():
        raise SecretMissing(place=f"of {door} (it is empty)")
    return secret


def _running(delivery: Delivery) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(delivery.run(), name="delivery")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    return lifespan


async def _problem(request: Request, error: Exception) -> JSONResponse:
    """Answer with what is wrong, in the error's own words."""
    for kind, status in _STATUS.items():
        if isinstance(error, kind):
            return JSONResponse({"error": str(error)}, status)
    return await _fault(request, error)


async def _refusal(_: Request, error: Exception) -> JSONResponse:
    """Answer what the web framework or a door refuses before it is read."""
    if not isinstance(error, HTTPException):
        raise error
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)


async def _fault(request: Request, error: Exception) -> JSONResponse:
    """Answer a fault of ours with an id that finds it in the log, and with nothing else."""
    fault = uuid4().hex
    _log.error("Fault %s at %s", fault, request.url.path, exc_info=error)
    return JSONResponse({"error": f"Internal error {fault}; the gateway's log has it under this id."}, 500)
