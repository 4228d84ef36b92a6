"""The fake world's stores, in dictionaries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

from adapters.faults import Faulty
from backout.alerts import Alert
from backout.counting import MarkedEvent
from backout.errors import PushRefused, ReleaseUnknown
from backout.messages import DocumentRef
from backout.outbox import OutboxEntry
from backout.pushes import Push
from backout.releases import BaselineRecord, ReleaseRecord, must_agree
from backout.timeline import Event
from backout.view import IncidentSummary


class MemoryStore(Faulty):
    """Keeps incidents, timelines and documents in dictionaries."""

    def __init__(self) -> None:
        super().__init__("store memory")
        self.summaries: dict[tuple[str, str], IncidentSummary] = {}
        """The state of each (incident, run)."""
        self.documents: dict[tuple[str, str], str] = {}
        """The text of each (incident, name)."""
        self._events: dict[tuple[str, str], dict[int, Event]] = {}

    async def save(self, *, summary: IncidentSummary, events: Sequence[Event]) -> None:
        """Keep the state and the new events; a late repeat of an older save leaves the state alone."""
        await self.enter()
        place = (summary.incident, summary.run)
        kept = self._events.setdefault(place, {})
        newest = max(kept, default=0)
        if not events or events[-1].seq >= newest:
            self.summaries[place] = summary
        for event in events:
            kept.setdefault(event.seq, event)

    async def timeline(self, *, incident: str) -> tuple[Event, ...]:
        """Return the newest run's events by number."""
        await self.enter()
        runs = [summary for summary in self.summaries.values() if summary.incident == incident]
        if not runs:
            return ()
        newest = max(runs, key=lambda summary: summary.opened_at)
        return tuple(event for _, event in sorted(self._events[incident, newest.run].items()))

    async def incidents(self, *, limit: int, incident: str | None = None) -> tuple[IncidentSummary, ...]:
        """Return the newest incidents first, those of one id or all."""
        await self.enter()
        found = [one for one in self.summaries.values() if incident in (None, one.incident)]
        return tuple(sorted(found, key=lambda summary: summary.opened_at, reverse=True)[:limit])

    async def put_document(self, *, incident: str, name: str, text: str) -> DocumentRef:
        """Keep a document."""
        await self.enter()
        self.documents[incident, name] = text
        digest = "sha256:" + sha256(text.encode()).hexdigest()
        return DocumentRef(name=name, location=f"memory:{incident}/{name}", digest=digest)


class MemoryOutbox(Faulty):
    """Keeps alerts in the order in which they came."""

    def __init__(self) -> None:
        super().__init__("outbox memory")
        self.entries: dict[str, OutboxEntry] = {}

    async def put(self, *, entry: OutboxEntry) -> bool:
        """Keep an entry; False where its key is kept already, other than as a dead letter."""
        await self.enter()
        kept = self.entries.get(entry.key)
        if kept and not (kept.state == "dead" and entry.state == "pending"):
            return False
        self.entries[entry.key] = entry
        return True

    async def pending(self, *, limit: int) -> tuple[OutboxEntry, ...]:
        """Return what is to be delivered, oldest first."""
        await self.enter()
        return self._in_state("pending")[:limit]

    async def delivered(self, *, key: str) -> None:
        """Mark a pending entry as delivered."""
        await self.enter()
        self._update(key, state="delivered")

    async def failed(self, *, key: str, why: str) -> None:
        """Count a delivery that did not work."""
        await self.enter()
        if key in self.entries:
            self._update(key, why=why, attempts=self.entries[key].attempts + 1)

    async def refused(self, *, key: str, why: str) -> None:
        """Make an entry a dead letter."""
        await self.enter()
        self._update(key, state="dead", why=why)

    async def dead(self, *, limit: int) -> tuple[OutboxEntry, ...]:
        """Return the dead letters, newest first."""
        await self.enter()
        return self._in_state("dead")[::-1][:limit]

    async def depth(self) -> int:
        """Return how many entries are pending."""
        await self.enter()
        return len(self._in_state("pending"))

    async def alerts(self, *, source: str, fingerprint: str, limit: int) -> tuple[Alert, ...]:
        """Return the alerts of a source and fingerprint that were routed once, newest first."""
        await self.enter()
        routed = [entry.alert for entry in self.entries.values() if entry.alert and entry.playbook]
        of_it = [alert for alert in routed if (alert.source, alert.fingerprint) == (source, fingerprint)]
        return tuple(of_it[::-1][:limit])

    def _update(self, key: str, **changes: object) -> None:
        if key in self.entries:
            self.entries[key] = self.entries[key].model_copy(update=changes)

    def _in_state(self, state: str) -> tuple[OutboxEntry, ...]:
        return tuple(entry for entry in self.entries.values() if entry.state == state)


class MemoryPushes(Faulty):
    """Keeps pushes in the order in which they came."""

    def __init__(self) -> None:
        super().__init__("pushes memory")
        self.taken: dict[str, Push] = {}
        """By key."""

    async def take(self, *, push: Push) -> bool:
        """Keep a push; False where its key is kept already."""
        await self.enter()
        kept = self.taken.setdefault(push.key, push)
        if kept is not push and kept != push.model_copy(update={"received_at": kept.received_at}):
            why = f"key '{push.key}' was pushed before, with another content; a key is one push"
            raise PushRefused(why=why)
        return kept is push


class MemoryRegistry(Faulty):
    """Keeps releases and baselines in the order in which they came."""

    def __init__(self) -> None:
        super().__init__("registry memory")
        self._releases: dict[tuple[str, str], ReleaseRecord] = {}
        self._baselines: list[BaselineRecord] = []

    async def register(self, *, record: ReleaseRecord) -> bool:
        """Keep a release; False where the same registration is kept already."""
        await self.enter()
        kept = self._releases.setdefault((record.registration.service, record.registration.release), record)
        must_agree(kept.registration, record.registration)
        return kept is record

    async def release(self, *, service: str, release: str) -> ReleaseRecord | None:
        """Return a release, or None where it is not registered."""
        await self.enter()
        return self._releases.get((service, release))

    async def releases(self, *, service: str | None, limit: int) -> tuple[ReleaseRecord, ...]:
        """Return the newest releases first, of one service or of all."""
        await self.enter()
        found = [one for (name, _), one in self._releases.items() if service in (None, name)]
        return tuple(sorted(found, key=lambda one: one.registered_at)[::-1][:limit])

    async def retire(self, *, service: str, release: str, at: datetime, why: str) -> None:
        """Say that a release is no longer guarded; the first time counts."""
        await self.enter()
        kept = self._releases.get((service, release))
        if kept is None:
            raise ReleaseUnknown(service=service, release=release)
        if kept.retired_at is None:
            retired = kept.model_copy(update={"retired_at": at, "retired_why": why})
            self._releases[service, release] = retired

    async def name_baseline(self, *, baseline: BaselineRecord) -> None:
        """Record the last known good release of a service; the same record twice is one."""
        await self.enter()
        if baseline not in self._baselines:
            self._baselines.append(baseline)

    async def baselines(self, *, service: str) -> tuple[BaselineRecord, ...]:
        """Return what was named the baseline of a service, the newest first."""
        await self.enter()
        found = [one for one in self._baselines if one.service == service]
        return tuple(sorted(found, key=lambda one: one.at)[::-1])


class MemoryMarks(Faulty):
    """Keeps marked events by key."""

    def __init__(self) -> None:
        super().__init__("marks memory")
        self._events: dict[str, MarkedEvent] = {}

    async def mark(self, *, event: MarkedEvent) -> bool:
        """Keep an event; one of a known key is replaced. Say whether it is new."""
        await self.enter()
        is_new = event.key not in self._events
        self._events[event.key] = event
        return is_new

    async def during(self, *, service: str, start: datetime, end: datetime) -> tuple[MarkedEvent, ...]:
        """Return the events of a service, and those of all services, that touch this time, oldest first."""
        await self.enter()
        found = [
            event
            for event in self._events.values()
            if event.service in ("", service)
            and event.start <= end
            and (event.end is None or event.end > start)
        ]
        return tuple(sorted(found, key=lambda event: (event.start, event.key)))
