"""Rollouts, begun by people: what may go up is decided here, and the engine takes it from there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from backout import authority
from backout.addressing import short_of
from backout.authority import Refused, approvers, human_rule
from backout.case import OpenIncident
from backout.errors import PlaybookGone, ReasonTooLong, ReleaseUnknown, RolloutRefused
from backout.model import Frozen, digest_of
from backout.people import LONGEST_REASON, Actor, ReleaseRight
from backout.playbook import Playbook
from backout.ports import Quarantines, Registry
from backout.quarantining import described, lifting
from backout.releases import Quarantine, ReleaseRecord
from backout.steps import RolloutStep
from backout.view import rollout_id
from gateway.engine import WITHIN_S
from gateway.incidents import Incidents


class RollOut(Frozen):
    """Request: begin the rollout, or the re-release, of a release."""

    service: str
    release: str
    actor: Actor
    why: str = ""


class Begun(Frozen):
    """A rollout that runs, and what it takes."""

    incident: str
    """Its id, by which people act in it."""
    repeated: bool
    """It ran already."""
    playbook: str
    version: int
    steps: tuple[str, ...]
    stages: tuple[int, ...]
    """Percent of traffic on the release."""
    quorum: int
    roles: tuple[str, ...]
    """Whose approvals count."""


class Rollouts:
    """Begins rollouts; nothing goes up before people have approved it."""

    def __init__(
        self,
        *,
        incidents: Incidents,
        registry: Registry,
        quarantines: Quarantines,
        playbooks: Mapping[str, Playbook],
    ) -> None:
        """Begin them in the engine of these incidents, by these playbooks."""
        self._incidents = incidents
        self._registry = registry
        self._quarantines = quarantines
        self._playbooks = playbooks

    async def begin(self, asked: RollOut, *, within_s: float = WITHIN_S) -> Begun:
        """Begin a rollout; of a release that is on its way up already, say so.

        Raises:
            ReleaseUnknown: the release is not registered.
            PlaybookGone: nothing says how it goes up.
            RolloutRefused: it may not go up now; the reason says what to do.
            ReasonTooLong: the reason does not fit into the record.
            EngineDown: the engine did not take it; nothing was done.
        """
        if len(asked.why) > LONGEST_REASON:
            raise ReasonTooLong(length=len(asked.why), longest=LONGEST_REASON)
        record = await self._record(asked)
        playbook = self._playbook(record)
        if why := await self._refusal(asked, record, playbook, within_s):
            raise RolloutRefused(service=asked.service, release=asked.release, why=why)
        opening = _opening(asked, record, playbook)
        is_new = await self._incidents.begin(opening=opening, within_s=within_s)
        return _begun(opening, repeated=not is_new)

    async def _record(self, asked: RollOut) -> ReleaseRecord:
        record = await self._registry.release(service=asked.service, release=asked.release)
        if record is None:
            raise ReleaseUnknown(service=asked.service, release=asked.release)
        return record

    def _playbook(self, record: ReleaseRecord) -> Playbook:
        name = record.registration.playbook
        if name not in self._playbooks:
            raise PlaybookGone(playbook=name)
        return self._playbooks[name]

    async def _refusal(
        self, asked: RollOut, record: ReleaseRecord, playbook: Playbook, within_s: float
    ) -> str:
        """Say why it may not go up now; empty where it may."""
        may = authority.may(asked.actor, ReleaseRight.ROLLOUT, playbook.roles)
        if isinstance(may, Refused):
            return may.reason
        if not playbook.rollout:
            return f"playbook {playbook.playbook} has no way up; write its steps under 'rollout'"
        if record.retired_at is not None:
            return f"it was retired ({record.retired_why}), so nothing guards it; register it by a new name"
        if why := "; ".join(map(_quarantined, await self._quarantined(record))):
            return why
        return await self._frozen(asked.service, within_s)

    async def _quarantined(self, record: ReleaseRecord) -> tuple[Quarantine, ...]:
        """Return what keeps the release back: its name, or any of its artifacts under whatever name."""
        told = record.registration
        digests = tuple(artifact.digest for artifact in told.artifacts)
        by_digest = await self._quarantines.quarantines(service=None, digests=digests)
        of_service = await self._quarantines.quarantines(service=told.service)
        by_name = (one for one in of_service if one.release == told.release)
        return tuple(dict.fromkeys((*by_name, *by_digest)))

    async def _frozen(self, service: str, within_s: float) -> str:
        """Say which incident keeps everything of the service where it is; empty where none is open."""
        is_open = await self._incidents.running(service=service, within_s=within_s)
        names = ", ".join(one.short for one in is_open)
        return f"incident {names} is open; roll out once it is over" if names else ""


def _quarantined(quarantine: Quarantine) -> str:
    what = ", ".join(map(described, quarantine.artifacts)) or quarantine.release
    since = f"since incident {short_of(quarantine.incident)} ({quarantine.why})"
    return f"{what} is quarantined {since}; lift it with {lifting(quarantine)}"


def _opening(asked: RollOut, record: ReleaseRecord, playbook: Playbook) -> OpenIncident:
    told, by = record.registration, f"{asked.actor.name} ({asked.actor.via})"
    return OpenIncident(
        incident=rollout_id(asked.service, asked.release),
        service=asked.service,
        release=asked.release,
        playbook=playbook.rolling_out(),
        digest=digest_of(playbook),
        baseline=told.baseline or "",
        artifacts=told.artifacts,
        shipped_by=told.owner,
        because=f"{by}: {asked.why}" if asked.why.strip() else by,
    )


def _begun(opening: OpenIncident, *, repeated: bool) -> Begun:
    playbook = opening.playbook
    rule = human_rule(playbook)
    up: Iterator[RolloutStep] = (step for step in playbook.steps if isinstance(step, RolloutStep))
    return Begun(
        incident=opening.incident,
        repeated=repeated,
        playbook=playbook.playbook,
        version=playbook.version,
        steps=tuple(step.name for step in playbook.steps),
        stages=next(up).stages,
        quorum=rule.quorum,
        roles=approvers(rule, playbook),
    )
