"""Rollouts, begun by people and by pipelines: what may go up is decided here, and people approve it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from backout import authority
from backout.authority import Refused, approvers, human_rule
from backout.case import OpenIncident
from backout.errors import PlaybookGone, ReasonTooLong, ReleaseUnknown, RolloutRefused
from backout.freezing import FreezeQuestion
from backout.model import Frozen, digest_of
from backout.people import LONGEST_REASON, Actor, ReleaseRight
from backout.playbook import Playbook
from backout.ports import Registry
from backout.releases import ReleaseRecord
from backout.steps import RolloutStep
from backout.view import rollout_id
from gateway.engine import WITHIN_S
from gateway.freezing import Freeze
from gateway.incidents import Incidents


class RollOut(Frozen):
    """Request: begin the rollout, or the re-release, of a release."""

    service: str
    release: str
    actor: Actor | None
    """Who wants it; None for a pipeline, which needs no right: people approve it all the same."""
    why: str = ""

    @property
    def because(self) -> str:
        """Who wants it and why, for the timeline and for who approves."""
        by = f"{self.actor.name} ({self.actor.via})" if self.actor else "a pipeline"
        return f"{by}: {self.why}" if self.why.strip() else by


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
        freeze: Freeze,
        playbooks: Mapping[str, Playbook],
    ) -> None:
        """Begin them in the engine of these incidents, by these playbooks, unless the freeze says no."""
        self._incidents = incidents
        self._registry = registry
        self._freeze = freeze
        self._playbooks = playbooks

    async def begin(self, asked: RollOut, *, within_s: float = WITHIN_S) -> Begun:
        """Begin a rollout; of a release that is on its way up already, say so.

        Raises:
            ReleaseUnknown: the release is not registered.
            PlaybookGone: nothing says how it goes up.
            RolloutRefused: it may not go up now; the reason says what to do.
            ReasonTooLong: the reason does not fit into the record.
            FreezeUnknown: nobody says whether it is frozen; nothing was done.
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
        if asked.actor is not None:
            may = authority.may(asked.actor, ReleaseRight.ROLLOUT, playbook.roles)
            if isinstance(may, Refused):
                return may.reason
        if not playbook.rollout:
            return f"playbook {playbook.playbook} has no way up; write its steps under 'rollout'"
        if record.retired_at is not None:
            return f"it was retired ({record.retired_why}), so nothing guards it; register it by a new name"
        question = FreezeQuestion(service=asked.service, release=asked.release)
        answer = await self._freeze.ask(question, within_s=within_s)
        return "; ".join(one.says for one in answer.because)


def _opening(asked: RollOut, record: ReleaseRecord, playbook: Playbook) -> OpenIncident:
    told = record.registration
    return OpenIncident(
        incident=rollout_id(asked.service, asked.release),
        service=asked.service,
        release=asked.release,
        playbook=playbook.rolling_out(),
        digest=digest_of(playbook),
        baseline=told.baseline or "",
        artifacts=told.artifacts,
        shipped_by=told.owner,
        because=asked.because,
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
