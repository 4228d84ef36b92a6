"""The fake world's store and outbox, in dictionaries."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from adapters.faults import Faulty
from backout.messages import DocumentRef
from backout.outbox import OutboxEntry
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

    async def incidents(self, *, limit: int) -> tuple[IncidentSummary, ...]:
        """Return the newest incidents first."""
        await self.enter()
        newest = sorted(self.summaries.values(), key=lambda summary: summary.opened_at, reverse=True)
        return tuple(newest[:limit])

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

    def _update(self, key: str, **changes: object) -> None:
        if key in self.entries:
            self.entries[key] = self.entries[key].model_copy(update=changes)

    def _in_state(self, state: str) -> tuple[OutboxEntry, ...]:
        return tuple(entry for entry in self.entries.values() if entry.state == state)
