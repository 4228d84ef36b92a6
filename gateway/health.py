"""How the gateway is: for load balancers and for Prometheus. No secrets, and no waiting for a dead engine."""

from __future__ import annotations

import asyncio

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from backout.ports import Outbox
from gateway.incidents import Incidents
from gateway.metrics import Metrics
from gateway.slack_socket import SlackSocket


class Health:
    """Answers GET /healthz and GET /metrics."""

    def __init__(
        self, *, incidents: Incidents, outbox: Outbox, socket: SlackSocket | None, metrics: Metrics
    ) -> None:
        """Look at the engine, at the outbox and at Slack's socket where there is one; show the metrics."""
        self._incidents = incidents
        self._outbox = outbox
        self._socket = socket
        self._metrics = metrics

    async def healthz(self, request: Request) -> JSONResponse:  # noqa: ARG002  # the shape of an endpoint
        """Answer 200 when the engine answers, 503 when it does not; alerts are accepted either way.

        Slack's socket is told of, but a gateway without it still hears alerts: it is well enough to stay.
        """
        is_up, depth = await asyncio.gather(self._incidents.healthy(), self._outbox.depth())
        report: dict[str, object] = {"engine": "up" if is_up else "down", "outbox": {"pending": depth}}
        if self._socket is not None:
            report["slack"] = "connected" if self._socket.is_connected else "disconnected"
        return JSONResponse(report, 200 if is_up else 503)

    async def metrics(self, request: Request) -> Response:  # noqa: ARG002  # the shape of an endpoint
        """Answer with every series of the registry; the outbox is looked at now."""
        self._metrics.outbox_depth.set(await self._outbox.depth())
        return Response(generate_latest(self._metrics.registry), media_type=CONTENT_TYPE_LATEST)
