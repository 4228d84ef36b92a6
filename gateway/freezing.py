"""The freeze: what runs and what is quarantined, asked of the engine and of the site's store."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from backout import freezing
from backout.addressing import short_of
from backout.errors import (
    BackoutError,
    FreezeUnknown,
    ReleaseInQuarantine,
    ServiceFrozen,
)
from backout.freezing import FreezeAnswer, FreezeQuestion
from backout.playbook import Playbook
from backout.ports import Quarantines, Registry
from backout.quarantining import against
from backout.releases import Quarantine, Registration, digests_of
from backout.site import Route
from backout.view import incident_id
from gateway.engine import WITHIN_S
from gateway.incidents import Incidents


class Freeze:
    """Says what may be released now. The truth is the engine's list of what runs, and the store."""

    def __init__(
        self,
        *,
        incidents: Incidents,
        quarantines: Quarantines,
        registry: Registry,
        playbooks: Mapping[str, Playbook],
        routes: Sequence[Route],
    ) -> None:
        """Ask these; services are those of the playbooks and of the routes."""
        self._incidents = incidents
        self._quarantines = quarantines
        self._registry = registry
        self._playbooks = playbooks
        self._routes = routes

    async def ask(self, asked: FreezeQuestion, *, within_s: float = WITHIN_S) -> FreezeAnswer:
        """Say whether the service is frozen, and whether what is asked for may be released.

        Raises:
            UnknownName: nothing guards such a service.
            FreezeUnknown: the engine or the store does not say, so it counts as frozen.
        """
        service = asked.service
        freezing.guards(service, self._playbooks, self._routes)
        try:
            digests = {*asked.digest, *await self._known(asked)}
            running, bad = await asyncio.gather(
                self._incidents.running(service=service, within_s=within_s),
                self._quarantined(service, asked.release, digests),
            )
        except BackoutError as error:
            raise FreezeUnknown(service=service, why=error) from error
        because = (
            *map(freezing.of_incident, running),
            *(freezing.of_quarantine(one, digests) for one in bad),
        )
        return FreezeAnswer(frozen=bool(because), service=service, because=because)

    async def refuse_quarantined(self, told: Registration) -> None:
        """Refuse a release that is quarantined by its name, or by a digest of any service.

        Raises:
            ReleaseInQuarantine: it is; every reason is in it.
            FreezeUnknown: the store does not say.
        """
        digests = {artifact.digest for artifact in told.artifacts}
        try:
            bad = await self._quarantined(told.service, told.release, digests)
        except BackoutError as error:
            raise FreezeUnknown(service=told.service, why=error) from error
        if bad:
            why = "; ".join(freezing.of_quarantine(one, digests).says for one in bad)
            raise ReleaseInQuarantine(service=told.service, release=told.release, why=why)

    async def refuse_frozen(self, told: Registration, *, within_s: float) -> None:
        """Refuse a new release of a service on which an incident runs, unless it is that incident's own.

        Raises:
            ServiceFrozen: an incident runs.
            EngineDown: the engine does not say.
        """
        running = await self._incidents.running_ids(service=told.service, within_s=within_s)
        if running and incident_id(told.service, told.release) not in running:
            incidents = ", ".join(map(short_of, running))
            raise ServiceFrozen(service=told.service, release=told.release, incidents=incidents)

    async def _quarantined(
        self, service: str, release: str | None, digests: set[str]
    ) -> tuple[Quarantine, ...]:
        """Return what keeps a release of a service, or one of these digests, from being released."""
        if release is None and not digests:
            return ()
        kept = await self._quarantines.quarantines(service=None)
        return against(kept, service=service, release=release, digests=digests)

    async def _known(self, asked: FreezeQuestion) -> set[str]:
        """Return the digests of the release as it was registered: it may be older than a quarantine."""
        if asked.release is None:
            return set()
        record = await self._registry.release(service=asked.service, release=asked.release)
        return digests_of(record)
