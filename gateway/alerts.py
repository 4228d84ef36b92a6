"""The alert doors: authenticate, read, place, route, keep in the outbox, answer 202."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from hashlib import sha256
from math import ceil

from opentelemetry import propagate, trace
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from backout.alerts import Alert, cut
from backout.doors import DoorRate
from backout.episodes import REMEMBERED, placed
from backout.errors import BackoutError, InvalidDocument, RateLimited
from backout.model import digest_of
from backout.outbox import OutboxEntry, addressed
from backout.playbook import Playbook
from backout.ports import Outbox
from backout.routing import describe, labels_of, route
from backout.senders.message import Hear, Message, Starts, Told
from backout.site import Route
from backout.view import incident_id
from gateway.admission import WayIn
from gateway.bodies import JSON, KIB, MIB, read_body
from gateway.delivery import Delivery
from gateway.metrics import Metrics
from gateway.pace import Pace

LONGEST_HEADER = 1000
"""Characters of each header that a dead letter keeps."""

_tracer = trace.get_tracer("backout.gateway")


@dataclass(frozen=True)
class Desk:
    """What all alert doors share: where alerts go, and where they are kept until they are there."""

    outbox: Outbox
    delivery: Delivery
    routes: Sequence[Route]
    playbooks: Mapping[str, Playbook]
    metrics: Metrics


class AlertDoor:
    """The door of one sender.

    A message is answered 202 as soon as one of its alerts was kept, because senders repeat a refused message
    as a whole; each refused one is in the report and in the dead letters. 422 says that none was kept. A
    message of a kind that is no alert is acknowledged and ignored with the reason. What is too much is
    answered 503 and not 429, because most senders send only after that again.
    """

    def __init__(  # each sender differs in each of these
        self,
        *,
        sender: str,
        hear: Hear,
        way_in: WayIn,
        rate: DoorRate,
        desk: Desk,
        media_types: Sequence[str] = (JSON,),
    ) -> None:
        """Let in whom `way_in` does, as many as the `rate` allows, and `hear` what they say."""
        self._sender = sender
        self._hear = hear
        self._way_in = way_in
        self._desk = desk
        self._media_types = media_types
        self._routed_by = labels_of(desk.routes)
        self._pace = Pace(f"The door of {sender}", per_s=rate.per_s, burst=rate.burst)
        self._placing = asyncio.Lock()

    async def receive(self, request: Request) -> JSONResponse:
        """Answer one message."""
        span = _tracer.start_as_current_span("alert received", kind=trace.SpanKind.SERVER)
        with self._desk.metrics.alert_seconds.labels(door=self._sender).time(), span:
            body = await self._admitted(request)
            try:
                self._pace.take()
            except RateLimited as error:
                self._count("limited")
                raise HTTPException(
                    503, str(error), {"Retry-After": str(ceil(error.retry_after_s))}
                ) from None
            return await self._take(Message(body=body, headers=_headers(request)))

    async def _admitted(self, request: Request) -> bytes:
        try:
            return await self._way_in.body_of(request, self._read)
        except HTTPException as error:
            self._count("forged" if error.status_code == 401 else "refused")  # noqa: PLR2004  # its own name
            raise

    async def _read(self, request: Request) -> bytes:
        sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        expected = sent if sent in self._media_types else " or ".join(self._media_types)
        return await read_body(request, media_type=expected, limit=MIB)

    async def _take(self, message: Message) -> JSONResponse:
        arrival = _Arrival(at=datetime.now(UTC), traceparent=_trace_context())
        try:
            heard = self._hear(message, self._routed_by)
        except InvalidDocument as error:
            await self._bury_body(message, str(error), arrival)
            raise
        if heard.ignored:
            self._count("ignored")
            return JSONResponse({"accepted": [], "refused": [], "ignored": heard.ignored}, 202)
        accepted: list[dict[str, object]] = []
        refused: list[dict[str, object]] = []
        for told in heard.told:
            try:
                accepted.append(await self._take_one(told, arrival))
            except _Unroutable as error:
                refused.append({**_known_by(told.alert), "why": error.why})
        return self._report(accepted, refused)

    async def _take_one(self, told: Told, arrival: _Arrival) -> dict[str, object]:
        if told.starts == "said":
            return await self._route(told.alert, told.starts, arrival)
        async with self._placing:
            about = told.alert
            kept = await self._desk.outbox.alerts(
                source=about.source, fingerprint=about.fingerprint, limit=REMEMBERED
            )
            return await self._route(placed(told, kept), told.starts, arrival)

    async def _route(self, alert: Alert, starts: Starts, arrival: _Arrival) -> dict[str, object]:
        try:
            to = route(alert=alert, routes=self._desk.routes, playbooks=self._desk.playbooks)
        except BackoutError as error:
            await self._bury(alert, starts, str(error), arrival)
            raise _Unroutable(str(error)) from error
        entry = addressed(alert, to, received_at=arrival.at, traceparent=arrival.traceparent)
        repeated = not await self._keep(entry)
        incident = incident_id(entry.service, entry.release)
        return {**_known_by(alert), "incident": incident, "repeated": repeated}

    async def _keep(self, entry: OutboxEntry) -> bool:
        """Write an entry; what is durable is delivered, whatever becomes of this request."""
        is_new = await self._desk.outbox.put(entry=entry)
        self._count("accepted" if is_new else "repeated")
        self._desk.delivery.wake()
        return is_new

    async def _bury(self, alert: Alert, starts: Starts, why: str, arrival: _Arrival) -> None:
        """Keep a refused alert as a dead letter, once for each reason: a corrected route takes its repeat.

        Where each message has its own moment for a start, it is once a day.
        """
        self._count("refused")
        day = datetime.combine(alert.starts_at, time.min, UTC)
        known_by = alert if starts == "said" else alert.model_copy(update={"starts_at": day})
        key = f"refused/{digest_of(known_by)}/{sha256(why.encode()).hexdigest()[:16]}"
        entry = OutboxEntry(
            key=key,
            received_at=arrival.at,
            source=self._sender,
            state="dead",
            alert=alert,
            starts=starts,
            why=why,
        )
        await self._desk.outbox.put(entry=entry)

    async def _bury_body(self, message: Message, why: str, arrival: _Arrival) -> None:
        self._count("refused")
        entry = OutboxEntry(
            key=f"refused/sha256:{sha256(message.body).hexdigest()}",
            received_at=arrival.at,
            source=self._sender,
            state="dead",
            body=message.body[: 64 * KIB].decode(errors="replace"),
            headers={name: cut(value, LONGEST_HEADER) for name, value in message.headers.items()},
            why=why,
        )
        await self._desk.outbox.put(entry=entry)

    def _count(self, result: str) -> None:
        self._desk.metrics.alerts.labels(door=self._sender, result=result).inc()

    def _report(self, accepted: list[dict[str, object]], refused: list[dict[str, object]]) -> JSONResponse:
        report: dict[str, object] = {"accepted": accepted, "refused": refused}
        if accepted:
            return JSONResponse(report, 202)
        known = [describe(one) for one in self._desk.routes]
        error = "None of the alerts was accepted; 'refused' says why for each."
        return JSONResponse({"error": error, **report, "routes": known}, 422)


@dataclass(frozen=True)
class _Arrival:
    """When a message came in, and in which trace."""

    at: datetime
    traceparent: str


class _Unroutable(Exception):
    """No route takes an alert; it is a dead letter already."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def _headers(request: Request) -> dict[str, str]:
    """Return the headers that say something of the body; those that open the door stay outside."""
    return {
        name: value
        for name, value in request.headers.items()
        if name == "content-type" or name.startswith("ce-")
    }


def _known_by(alert: Alert) -> dict[str, object]:
    return {"alert": alert.name, "fingerprint": alert.fingerprint, "status": alert.status}


def _trace_context() -> str:
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier.get("traceparent", "")
