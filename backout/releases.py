"""Releases: what was released, from which artifacts, by whom, and what guards it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from backout.errors import ReleaseDiffers
from backout.evaluation import Evaluation
from backout.guard import Place
from backout.model import Duration, Frozen, Name, Percent

Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
ReleaseName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:@+-]{0,127}$")]
"""A release's name: a tag, a version, a digest."""


class Artifact(Frozen):
    """One part of a release."""

    kind: Literal["model", "prompt", "config", "index", "guardrail", "dataset"]
    name: str
    digest: Digest


class Provenance(Frozen):
    """Where something comes from: a training dataset, an evaluation report."""

    name: str
    digest: Digest | None = None
    uri: str = ""


class RampStage(Frozen):
    """A step of the planned ramp."""

    percent: Percent
    after: Duration
    """Since the stage before, or since the registration."""


class Registration(Frozen):
    """What a pipeline tells of a new release."""

    service: Name
    release: ReleaseName
    playbook: Name
    """The playbook whose rules guard it."""
    owner: str
    """Who ships it."""
    artifacts: Annotated[tuple[Artifact, ...], Field(min_length=1)]
    datasets: tuple[Provenance, ...] = ()
    evaluations: tuple[Provenance, ...] = ()
    ramp: tuple[RampStage, ...] = ()
    baseline: ReleaseName | None = None
    """The last known good release; the service's recorded one where nothing is said."""


class ReleaseRecord(Frozen):
    """A release as the registry keeps it."""

    registration: Registration
    registered_at: datetime
    by: str
    """Who registered it: a person, or a pipeline's name."""
    retired_at: datetime | None = None
    retired_why: str = ""

    @property
    def place(self) -> Place:
        """Which release is meant, with its baseline."""
        told = self.registration
        return Place(service=told.service, release=told.release, baseline=told.baseline or "")


class BaselineRecord(Frozen):
    """The release that a person named as the last known good one of a service."""

    service: Name
    release: ReleaseName
    by: str
    why: str
    at: datetime


class Quarantine(Frozen):
    """A reverted release whose artifacts must not be released again, under whatever name."""

    service: Name
    release: ReleaseName
    artifacts: tuple[Artifact, ...]
    """Its parts that the last known good release does not share; none where nobody registered it."""
    incident: str
    why: str
    at: datetime
    lifted_at: datetime | None = None
    lifted_by: str = ""
    lifted_why: str = ""


class Transition(Frozen):
    """The guard of a release changed its mind."""

    at: datetime
    evaluation: Evaluation


WatchState = Literal["waiting", "watching", "fired", "retired"]
"""waiting: nothing was counted yet. fired: people were called, and the rule is not armed again."""


class WatchView(Frozen):
    """What the watch of a release shows."""

    place: Place
    playbook: str
    since: datetime
    state: WatchState
    ticks: int = 0
    transitions: tuple[Transition, ...] = ()
    """The newest ones."""
    incident: str = ""
    """The incident that it opened or told last."""
    trouble: str = ""
    """What keeps it from guarding: nothing to observe by, nothing counted yet, or nobody reached."""
    retired: str = ""
    """Why it was retired; empty while it is guarded."""


def digests_of(record: ReleaseRecord | None) -> set[str]:
    """Return the digests of a release as it was registered; none where nobody did."""
    return {artifact.digest for artifact in record.registration.artifacts} if record else set()


def described(artifact: Artifact) -> str:
    """Return an artifact in words, with its digest."""
    return f"{artifact.kind} {artifact.name} {artifact.digest}"


def watch_id(service: str, release: str) -> str:
    """Return the id of the watch of a release, the workflow's id."""
    return f"watch/{service}/{release}"


def must_agree(kept: Registration, told: Registration) -> None:
    """Insist that two registrations of one release are the same.

    Raises:
        ReleaseDiffers: it names what is not.
    """
    differs = [name for name in Registration.model_fields if getattr(kept, name) != getattr(told, name)]
    if differs:
        raise ReleaseDiffers(service=kept.service, release=kept.release, differs=", ".join(differs))
