"""Quarantine what was reverted."""

from __future__ import annotations

from temporalio import activity

from activities.failures import told_to_temporal
from backout.ports import Quarantines, Registry
from backout.quarantining import Quarantined, QuarantineRelease, parted
from backout.registering import newest_but
from backout.releases import Quarantine, ReleaseRecord


class QuarantineActivities:
    """The quarantines of the site, and the registry that says what releases are made of."""

    def __init__(self, *, quarantines: Quarantines, registry: Registry) -> None:
        """Keep quarantines there; the registry is only read."""
        self._quarantines = quarantines
        self._registry = registry

    @activity.defn
    async def quarantine_release(self, request: QuarantineRelease) -> Quarantined:
        """Quarantine a release, but for what the last known good ones share. The same incident's is one."""
        with told_to_temporal():
            found = await self._parted(request)
            quarantine = Quarantine(
                service=request.service,
                release=request.release,
                artifacts=found.artifacts,
                incident=request.incident,
                why=request.why,
                at=request.at,
            )
            await self._quarantines.quarantine(quarantine=quarantine)
            return found

    async def _parted(self, request: QuarantineRelease) -> Quarantined:
        own, service = await self._record(request.service, request.release), request.service
        named = newest_but(request.release, await self._registry.baselines(service=service))
        good = tuple(dict.fromkeys(name for name in (request.baseline, named) if name))
        records = [record for name in good if (record := await self._record(service, name))]
        artifacts = request.artifacts or (own.registration.artifacts if own else ())
        return parted(artifacts, good=good, records=records)

    async def _record(self, service: str, release: str) -> ReleaseRecord | None:
        return await self._registry.release(service=service, release=release)
