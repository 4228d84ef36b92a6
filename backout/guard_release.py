"""Guard a release: what its watch is started with and told, and what it asks and tells others."""

from __future__ import annotations

from datetime import datetime

from backout.alerts import LONGEST_NAME, LONGEST_SUMMARY, Alert, cut
from backout.case import OpenIncident
from backout.causes import Cause
from backout.guard import Guard, Place
from backout.guarding import Guarded
from backout.model import Frozen
from backout.playbook import Playbook
from backout.releases import Artifact, RampStage, ReleaseRecord, WatchView, watch_id
from backout.requests import Observation, Observe
from backout.steps import RevertStep
from backout.streams import streams
from backout.view import incident_id
from backout.watch import Watch

ALERTED_BY = "backout-watch"
"""The source of the alerts by which a watch tells an incident that is open already."""


class Retire(Frozen):
    """Request: guard the release no longer."""

    why: str


class Follow(Frozen):
    """Request: guard the release by another snapshot of a playbook."""

    playbook: Playbook
    digest: str
    before: str = ""
    """The digest of the snapshot that was followed when `left` was seen."""
    left: Watch | None = None
    """What the running observation has left in its last heartbeat: that counts where no worker has it."""


class ListedWatch(Frozen):
    """One line of the engine's own list of running watches, which needs no worker to answer."""

    watch: str
    place: Place
    playbook: str
    state: str
    """As in the view."""
    started_at: datetime
    """When its history began, which is not the first where it was carried over."""


class GuardRelease(Frozen):
    """Request: the input of a release's watch. The playbook is a snapshot: edits do not reach it."""

    place: Place
    playbook: Playbook
    digest: str
    """The playbook's digest."""
    owner: str
    """Who ships the release."""
    registered_at: datetime
    artifacts: tuple[Artifact, ...] = ()
    ramp: tuple[RampStage, ...] = ()
    carried: Guarded | None = None
    """What an earlier history of the watch remembers."""

    @property
    def watch(self) -> str:
        """The watch's id."""
        return watch_id(self.place.service, self.place.release)

    @property
    def incident(self) -> str:
        """The id of the incident that it opens."""
        return incident_id(self.place.service, self.place.release)

    @property
    def target(self) -> str | None:
        """The target that holds the release's exposure; None where no step reverts."""
        steps = self.playbook.steps
        return next((step.parts[0].target for step in steps if isinstance(step, RevertStep)), None)

    def view(self, guarded: Guarded) -> WatchView:
        """Return what the watch shows."""
        return WatchView(
            place=self.place,
            playbook=self.playbook.playbook,
            since=guarded.since,
            state=guarded.state(self.playbook.rearm),
            ticks=guarded.watch.ticks if guarded.watch else 0,
            transitions=guarded.transitions,
            incident=guarded.incident,
            trouble=guarded.troubled,
            retired=guarded.retired,
        )

    def observe(self, guarded: Guarded) -> Observe:
        """Return the request of the next observation."""
        playbook = self.playbook
        return Observe(
            service=self.place.service,
            release=self.place.release,
            baseline=self.place.baseline,
            sense="watch",
            **{name: getattr(playbook, name) for name in Guard.model_fields},
            resume=guarded.watch,
            window=playbook.tick,
            lasting=guarded.lasting(playbook),
        )

    def opening(self, seen: Observation) -> OpenIncident:
        """Return the incident that begins with what was observed; the evidence's state stays here."""
        return OpenIncident(
            incident=self.incident,
            service=self.place.service,
            release=self.place.release,
            playbook=self.playbook,
            digest=self.digest,
            baseline=self.place.baseline,
            artifacts=self.artifacts,
            shipped_by=self.owner,
            found=seen.model_copy(update={"watch": None}),
        )

    def alert(self, cause: Cause) -> Alert:
        """Return the alert that tells an open incident of a cause; the same cause is one episode."""
        return Alert(
            source=ALERTED_BY,
            fingerprint=f"{self.watch}/{cause.what}",
            starts_at=cause.since,
            status="firing",
            name=cut(cause.what, LONGEST_NAME),
            summary=cut(cause.why, LONGEST_SUMMARY),
        )

    def following(self, change: Follow, guarded: Guarded) -> tuple[GuardRelease, Guarded]:
        """Go on by another playbook, with the evidence of what both say alike."""
        after = self.model_copy(update={"playbook": change.playbook, "digest": change.digest})
        if change.before == self.digest:
            guarded = guarded.resuming(change.left)
        if guarded.watch is None:
            return after, guarded
        kept = _kept(guarded.watch, self.playbook, change.playbook, self.place)
        return after, guarded.model_copy(update={"watch": kept})


def guard_release(record: ReleaseRecord, playbook: Playbook, digest: str) -> GuardRelease:
    """Return the request to guard a registered release by a playbook."""
    told = record.registration
    return GuardRelease(
        place=record.place,
        playbook=playbook,
        digest=digest,
        owner=told.owner,
        registered_at=record.registered_at,
        artifacts=told.artifacts,
        ramp=told.ramp,
    )


def _kept(watch: Watch, before: Playbook, after: Playbook, place: Place) -> Watch:
    """Return the part of a watch's state that means the same in both playbooks."""
    asked = {stream.key: stream for stream in streams(before.guard, place)}
    same = {stream.key for stream in streams(after.guard, place) if asked.get(stream.key) == stream}
    alike = _alike(before, after)
    rules = {rule.id for rule in after.rules if rule in before.rules}
    vetoes = {veto.id for veto in after.vetoes if veto in before.vetoes}
    return watch.model_copy(
        update={
            "tracks": {key: track for key, track in watch.tracks.items() if _whole(key) in same},
            "evidence": {key: some for key, some in watch.evidence.items() if _whole(key) in alike},
            "weighed": {key: some for key, some in watch.weighed.items() if _whole(key) in alike},
            "began": {key: one for key, one in watch.began.items() if _whole(key) in alike},
            "suspect_at": {key: at for key, at in watch.suspect_at.items() if _whole(key) in alike},
            "breached_at": {key: at for key, at in watch.breached_at.items() if _whole(key) in alike},
            "fired_at": {rule: at for rule, at in watch.fired_at.items() if rule in rules},
            "true_at": {rule: at for rule, at in watch.true_at.items() if rule in rules},
            "vetoed_at": {veto: at for veto, at in watch.vetoed_at.items() if veto in vetoes},
        }
    )


def _alike(before: Playbook, after: Playbook) -> set[str]:
    """Return the criteria whose evidence means the same: its scale is the tick too."""
    if before.tick != after.tick:
        return set()
    known = {criterion.id: criterion for criterion in before.criteria}
    return {
        criterion.id
        for criterion in after.criteria
        if known.get(criterion.id) == criterion
        and (criterion.signal is None or before.signals[criterion.signal] == after.signals[criterion.signal])
    }


def _whole(key: str) -> str:
    """Return the stream or criterion that a key is of, without its cohort."""
    return key.partition("[")[0]
