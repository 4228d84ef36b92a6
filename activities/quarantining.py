"""Quarantine what was reverted."""

from __future__ import annotations

from temporalio import activity

from activities.failures import told_to_temporal
from backout.ports import Quarantines, Registry
from backout.quarantining import Quarantined, QuarantineRelease, parted
from backout.registering import newest_but
from backout.releases import Quarantine


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
            return await quarantine(request, quarantines=self._quarantines, registry=self._registry)


async def quarantine(
    request: QuarantineRelease, *, quarantines: Quarantines, registry: Registry
) -> Quarantined:
    """Quarantine a release as an incident does, or as a person does by hand.

    Where the incident has quarantined it before, that stands as it is, and is what comes back.
    """
    found = await _parted(request, registry)
    told = Quarantine(
        service=request.service,
        release=request.release,
        artifacts=found.artifacts,
        incident=request.incident,
        why=request.why,
        at=request.at,
    )
    kept = await quarantines.quarantine(quarantine=told)
    # The same to the letter is this request, sent again: its first answer was lost.
    return found if kept == told else Quarantined(artifacts=kept.artifacts, before=kept)


async def _parted(request: QuarantineRelease, registry: Registry) -> Quarantined:
    service = request.service
    own = await registry.release(service=service, release=request.release)
    named = newest_but(request.release, await registry.baselines(service=service))
    good = tuple(dict.fromkeys(name for name in (request.baseline, named) if name))
    found = [await registry.release(service=service, release=name) for name in good]
    artifacts = request.artifacts or (own.registration.artifacts if own else ())
    return parted(artifacts, good=good, records=[record for record in found if record])
