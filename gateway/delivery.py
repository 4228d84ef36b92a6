"""Delivery: alerts leave the outbox for their incidents, at least once and in order for each incident."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from enum import Enum, auto

from opentelemetry import propagate, trace

from backout.alerts import Alert
from backout.case import OpenIncident
from backout.errors import (
    BackoutError,
    EngineDown,
    InvalidDocument,
    RejectedBySystem,
    Unanswered,
    UnknownName,
)
from backout.model import Frozen, digest_of
from backout.outbox import OutboxEntry
from backout.playbook import Playbook
from backout.ports import Outbox, Registry
from backout.registering import newest_but
from backout.releases import Artifact
from backout.view import incident_id
from gateway.incidents import Incidents
from gateway.metrics import Metrics

BATCH = 500
"""Entries that one round takes at most."""
AT_ONCE = 10
"""Incidents that are delivered to at the same time."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 5.0
"""The pause after a failed round doubles from the one to the other."""
IDLE_S = 5.0
"""Seconds after which the outbox is looked at unasked: a person may have sent a dead letter again."""
OPEN_S = 5.0
"""Seconds that one delivery may take."""
LOOK_UP_S = 1.0
"""Seconds that the registry has to tell of a release."""

_NEVER = (UnknownName, InvalidDocument, RejectedBySystem)
"""What says that an entry can never be delivered as it is."""

_log = logging.getLogger(__name__)
_tracer = trace.get_tracer("backout.gateway")


class Round(Enum):
    """How a round over the pending entries ended."""

    DONE = auto()
    LEFT = auto()
    """Some entries could not be delivered and stay; the engine is well."""
    DOWN = auto()
    """The engine, or the outbox itself, does not answer."""


class _Known(Frozen):
    """What the registry knows of a release; nothing where it does not answer."""

    baseline: str = ""
    artifacts: tuple[Artifact, ...] = ()
    shipped_by: str = ""


class Delivery:
    """The background task between the outbox and the engine. An accepted alert is never given up.

    One that can never be delivered as it is becomes a dead letter with the reason: there it waits for a
    person, and keeps no other from its way.
    """

    def __init__(
        self,
        *,
        outbox: Outbox,
        incidents: Incidents,
        playbooks: Mapping[str, Playbook],
        registry: Registry,
        metrics: Metrics,
    ) -> None:
        """Deliver from `outbox` to `incidents`; `registry` knows what their releases are made of."""
        self._outbox = outbox
        self._incidents = incidents
        self._playbooks = playbooks
        self._registry = registry
        self._metrics = metrics
        self._woken = asyncio.Event()
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._known: dict[str, _Known] = {}
        """What the registry told in this round, by incident: one that hangs costs its time only once."""

    def wake(self) -> None:
        """Say that there is a new entry."""
        self._woken.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        pause = FIRST_PAUSE_S
        while True:
            self._woken.clear()
            match await self._round():
                case Round.DONE:
                    pause = FIRST_PAUSE_S
                    await self._woken_within(IDLE_S)
                    continue
                case Round.LEFT:
                    # New alerts of other incidents do not wait for those that stay.
                    await self._woken_within(pause)
                case Round.DOWN:
                    await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)

    async def _woken_within(self, seconds: float) -> None:
        try:
            # Not `wait_for`: in Python 3.11 it forgets a cancellation that comes with what it waits for.
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return  # Nothing new came: try again what is left.

    async def _round(self) -> Round:
        """Deliver everything that is pending."""
        self._known.clear()
        try:
            while entries := await self._outbox.pending(limit=BATCH):
                if (ended := await self._deliver_all(entries)) is not Round.DONE:
                    return ended
        except Exception:  # noqa: BLE001  # the edge of the task: it must outlive every error
            _log.exception("Delivery failed; the alerts stay in the outbox")
            return Round.DOWN
        return Round.DONE

    async def _deliver_all(self, entries: Sequence[OutboxEntry]) -> Round:
        by_incident: dict[str, list[OutboxEntry]] = {}
        for entry in entries:
            by_incident.setdefault(incident_id(entry.service, entry.release), []).append(entry)
        down = asyncio.Event()
        ends = await asyncio.gather(
            *(self._deliver_in_order(incident, queue, down) for incident, queue in by_incident.items()),
            return_exceptions=True,
        )
        for end in ends:
            if isinstance(end, BaseException):
                _log.error("An alert could not be delivered; it stays in the outbox", exc_info=end)
        if down.is_set():
            return Round.DOWN
        return Round.DONE if all(end is True for end in ends) else Round.LEFT

    async def _deliver_in_order(
        self, incident: str, entries: Sequence[OutboxEntry], down: asyncio.Event
    ) -> bool:
        """Deliver one incident's entries; the first that fails keeps the later ones waiting.

        Once the engine is `down` for one incident, the others need not find out by themselves.
        """
        async with self._at_once:
            for entry in entries:
                if down.is_set() or not await self._attempt(incident, entry, down):
                    return False
        return True

    async def _attempt(self, incident: str, entry: OutboxEntry, down: asyncio.Event) -> bool:
        try:
            result = await self._deliver(incident, entry)
        except _NEVER as error:
            self._metrics.deliveries.labels(result="refused").inc()
            _log.error("Alert %s is a dead letter now: %s", entry.key, error)
            await self._outbox.refused(key=entry.key, why=str(error))
            return True
        except BackoutError as error:
            if isinstance(error, EngineDown | Unanswered):
                down.set()
            self._metrics.deliveries.labels(result="failed").inc()
            _log.warning("Alert %s stays in the outbox: %s", entry.key, error)
            await self._outbox.failed(key=entry.key, why=str(error))
            return False
        await self._outbox.delivered(key=entry.key)
        self._metrics.deliveries.labels(result=result).inc()
        return True

    async def _deliver(self, incident: str, entry: OutboxEntry) -> str:
        arrived = propagate.extract({"traceparent": entry.traceparent})
        place = {"backout.incident": incident}
        with _tracer.start_as_current_span("alert delivered", context=arrived, attributes=place):
            alert = _alert_of(entry)
            if alert.status == "resolved":
                told = await self._incidents.tell(incident=incident, alert=alert, within_s=OPEN_S)
                return "delivered" if told else "ignored"
            opening = await self._opening(incident, entry)
            await self._incidents.open(opening=opening, alert=alert, within_s=OPEN_S)
            return "delivered"

    async def _opening(self, incident: str, entry: OutboxEntry) -> OpenIncident:
        if entry.playbook not in self._playbooks:
            raise UnknownName(kind="playbook", name=entry.playbook, known=self._playbooks)
        playbook = self._playbooks[entry.playbook]
        if incident not in self._known:  # an incident's entries come one after another
            self._known[incident] = await self._look_up(entry.service, entry.release)
        known = self._known[incident]
        return OpenIncident(
            incident=incident,
            service=entry.service,
            release=entry.release,
            playbook=playbook,
            digest=digest_of(playbook),
            baseline=known.baseline,
            artifacts=known.artifacts,
            shipped_by=known.shipped_by,
        )

    async def _look_up(self, service: str, release: str) -> _Known:
        """Return what the registry knows of a release: context that no incident waits for."""
        try:
            async with asyncio.timeout(LOOK_UP_S):
                record = await self._registry.release(service=service, release=release)
                baselines = await self._registry.baselines(service=service)
        except (BackoutError, TimeoutError) as error:
            why = str(error) or f"no answer within {LOOK_UP_S:g} s"
            _log.warning("The registry does not tell of %s/%s: %s", service, release, why)
            return _Known()
        newest = newest_but(release, baselines) or ""
        if record is None:
            return _Known(baseline=newest)
        told = record.registration
        return _Known(
            baseline=record.place.baseline or newest, artifacts=told.artifacts, shipped_by=told.owner
        )


def _alert_of(entry: OutboxEntry) -> Alert:
    if entry.alert is None:
        raise InvalidDocument([f"outbox entry {entry.key}: {entry.why or 'it has no alert'}"])
    return entry.alert
