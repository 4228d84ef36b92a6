"""The alert doors: authenticate, read, route, keep in the outbox, answer 202."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256

from opentelemetry import propagate, trace
from starlette.requests import Request
from starlette.responses import JSONResponse

from backout.alertmanager import SOURCE, parse_alertmanager
from backout.alerts import Alert
from backout.errors import BackoutError, InvalidDocument
from backout.model import digest_of
from backout.outbox import OutboxEntry, addressed
from backout.playbook import Playbook
from backout.ports import Outbox
from backout.routing import describe, labels_of, route
from backout.site import Route
from backout.view import incident_id
from gateway.bearer import admit
from gateway.bodies import JSON, KIB, MIB, read_body
from gateway.delivery import Delivery
from gateway.metrics import Metrics

_tracer = trace.get_tracer("backout.gateway")


class AlertmanagerDoor:
    """Prometheus Alertmanager's webhook.

    A group is answered 202 as soon as one of its alerts was kept, because the sender repeats a refused group
    as a whole; each refused one is in the report and in the dead letters. 422 says that none was kept.
    """

    def __init__(
        self,
        *,
        token: str,
        outbox: Outbox,
        delivery: Delivery,
        routes: Sequence[Route],
        playbooks: Mapping[str, Playbook],
        metrics: Metrics,
    ) -> None:
        """Let in who presents the token; route by `routes` to `playbooks`."""
        self._token = token
        self._outbox = outbox
        self._delivery = delivery
        self._routes = routes
        self._routed_by = labels_of(routes)
        self._playbooks = playbooks
        self._metrics = metrics

    async def receive(self, request: Request) -> JSONResponse:
        """Answer one webhook."""
        span = _tracer.start_as_current_span("alert received", kind=trace.SpanKind.SERVER)
        with self._metrics.alert_seconds.labels(door=SOURCE).time(), span:
            admit(request, self._token)
            body = await read_body(request, media_type=JSON, limit=MIB)
            return await self._take_group(body)

    async def _take_group(self, body: bytes) -> JSONResponse:
        now, trace_context = datetime.now(UTC), _trace_context()
        try:
            alerts = parse_alertmanager(body, routed_by=self._routed_by)
        except InvalidDocument as error:
            await self._bury_body(body, str(error), now)
            raise
        accepted: list[dict[str, object]] = []
        refused: list[dict[str, object]] = []
        for alert in alerts:
            try:
                entry = self._entry(alert, now, trace_context)
            except BackoutError as error:
                await self._bury(alert, str(error), now)
                refused.append({**_known_by(alert), "why": str(error)})
            else:
                repeated = not await self._keep(entry)
                incident = incident_id(entry.service, entry.release)
                accepted.append({**_known_by(alert), "incident": incident, "repeated": repeated})
        return self._report(accepted, refused)

    def _entry(self, alert: Alert, now: datetime, trace_context: str) -> OutboxEntry:
        to = route(alert=alert, routes=self._routes, playbooks=self._playbooks)
        return addressed(alert, to, received_at=now, traceparent=trace_context)

    async def _keep(self, entry: OutboxEntry) -> bool:
        """Write an entry; what is durable is delivered, whatever becomes of this request."""
        is_new = await self._outbox.put(entry=entry)
        self._count("accepted" if is_new else "repeated")
        self._delivery.wake()
        return is_new

    async def _bury(self, alert: Alert, why: str, now: datetime) -> None:
        """Keep a refused alert as a dead letter, once for each reason: a corrected route takes its repeat."""
        self._count("refused")
        key = f"refused/{digest_of(alert)}/{sha256(why.encode()).hexdigest()[:16]}"
        entry = OutboxEntry(key=key, received_at=now, source=SOURCE, state="dead", alert=alert, why=why)
        await self._outbox.put(entry=entry)

    async def _bury_body(self, body: bytes, why: str, now: datetime) -> None:
        self._count("refused")
        key = f"refused/sha256:{sha256(body).hexdigest()}"
        text = body[: 64 * KIB].decode(errors="replace")
        entry = OutboxEntry(key=key, received_at=now, source=SOURCE, state="dead", body=text, why=why)
        await self._outbox.put(entry=entry)

    def _count(self, result: str) -> None:
        self._metrics.alerts.labels(door=SOURCE, result=result).inc()

    def _report(self, accepted: list[dict[str, object]], refused: list[dict[str, object]]) -> JSONResponse:
        report: dict[str, object] = {"accepted": accepted, "refused": refused}
        if accepted:
            return JSONResponse(report, 202)
        known = [describe(one) for one in self._routes]
        error = "None of the alerts was accepted; 'refused' says why for each."
        return JSONResponse({"error": error, **report, "routes": known}, 422)


def _known_by(alert: Alert) -> dict[str, object]:
    return {"alert": alert.name, "fingerprint": alert.fingerprint, "status": alert.status}


def _trace_context() -> str:
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier.get("traceparent", "")
