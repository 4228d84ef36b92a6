"""External events: marked, and found again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from backout.counting import MarkedEvent
from backout.marking import FARTHEST, Marking, marked
from backout.playbook import Playbook
from backout.ports import Marks


class ExternalEvents:
    """Marks external events of the services that the playbooks guard."""

    def __init__(
        self,
        *,
        marks: Marks,
        playbooks: Mapping[str, Playbook],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Keep events in `marks`; services are those of `playbooks`."""
        self._marks = marks
        self._services = frozenset(playbook.release.service for playbook in playbooks.values())
        self._now = now

    async def mark(self, told: Marking, *, by: str) -> tuple[MarkedEvent, bool]:
        """Keep an event; return it, and whether its key is new. `EventRefused`: it makes no sense."""
        now = self._now()
        kept = await self._of(told.service, now - 2 * FARTHEST, now + FARTHEST)
        known = next((event for event in kept if event.key == told.key), None)
        event = marked(told, services=self._services, known=known, now=now, by=by)
        return event, await self._marks.mark(event=event)

    async def lately(self, *, service: str | None, back: timedelta) -> tuple[MarkedEvent, ...]:
        """Return what went on for so long back and is to come, of one service or of all, oldest first."""
        now = self._now()
        found: dict[str, MarkedEvent] = {}
        for name in sorted(self._services) if service is None else (service,):
            found |= {event.key: event for event in await self._of(name, now - back, now + FARTHEST)}
        return tuple(sorted(found.values(), key=lambda event: event.start))

    async def _of(self, service: str, start: datetime, end: datetime) -> tuple[MarkedEvent, ...]:
        return await self._marks.during(service=service, start=start, end=end)
