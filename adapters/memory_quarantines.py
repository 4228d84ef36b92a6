"""Quarantines in memory."""

from __future__ import annotations

from datetime import datetime

from adapters.faults import Faulty
from backout.releases import Quarantine


class MemoryQuarantines(Faulty):
    """What must not be released again, those that were lifted included."""

    def __init__(self) -> None:
        super().__init__("quarantines memory")
        self.kept: list[Quarantine] = []

    async def quarantine(self, *, quarantine: Quarantine) -> Quarantine:
        """Keep a quarantine; return what is in force: it, or the one of the same release and incident."""
        await self.enter()
        told = (quarantine.service, quarantine.release, quarantine.incident)
        for one in self._now():
            if (one.service, one.release, one.incident) == told:
                return one
        self.kept.append(quarantine)
        return quarantine

    async def quarantines(self, *, service: str | None) -> tuple[Quarantine, ...]:
        """Return what is quarantined now, the newest first: of a service, or all."""
        await self.enter()
        newest = sorted(self._now(), key=lambda one: one.at)[::-1]
        return tuple(one for one in newest if service in {None, one.service})

    async def lift(self, *, service: str, release: str, by: str, why: str, at: datetime) -> bool:
        """Lift the quarantines of a release; False where none is kept."""
        await self.enter()
        lifted = {"lifted_at": at, "lifted_by": by, "lifted_why": why}
        meant = [one for one in self._now() if (one.service, one.release) == (service, release)]
        self.kept = [one.model_copy(update=lifted) if one in meant else one for one in self.kept]
        return bool(meant)

    def _now(self) -> list[Quarantine]:
        return [one for one in self.kept if one.lifted_at is None]
