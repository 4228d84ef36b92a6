"""Quarantine: what of a reverted release must not be released again, and what of it may."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from backout.model import Frozen, Name
from backout.naming import called
from backout.releases import Artifact, Quarantine, ReleaseRecord


class QuarantineRelease(Frozen):
    """Request: quarantine a release that was reverted completely."""

    service: Name
    release: str
    artifacts: tuple[Artifact, ...] = ()
    """What it is made of, as its incident knows it; the registry is asked where that is nothing."""
    baseline: str = ""
    """The last known good release, as the incident knows it."""
    incident: str
    why: str
    at: datetime


class Quarantined(Frozen):
    """What was quarantined."""

    artifacts: tuple[Artifact, ...]
    """None where nobody registered the release: its name alone is quarantined then."""
    spared: tuple[Artifact, ...] = ()
    """Its parts that a last known good release has too, which may go on being released."""
    good: tuple[str, ...] = ()
    """The last known good releases."""
    unregistered: tuple[str, ...] = ()
    """Those of them that nobody registered, so that what they share is not known."""
    before: Quarantine | None = None
    """The one that was in force already, to which nothing was added; None where it is a new one."""


def parted(
    artifacts: Sequence[Artifact], *, good: Sequence[str], records: Sequence[ReleaseRecord]
) -> Quarantined:
    """Tell a bad release's own parts from those that the last known good ones have too."""
    known = {record.registration.release for record in records}
    shared = {artifact.digest for record in records for artifact in record.registration.artifacts}
    return Quarantined(
        artifacts=tuple(one for one in artifacts if one.digest not in shared),
        spared=tuple(one for one in artifacts if one.digest in shared),
        good=tuple(good),
        unregistered=tuple(name for name in good if name not in known),
    )


def against(
    kept: Iterable[Quarantine], *, service: str, release: str | None, digests: Collection[str]
) -> tuple[Quarantine, ...]:
    """Return what keeps a release from being released: what has its name first, then what has a digest.

    A digest is bad wherever it is released: those of every service count.
    """
    bad, named, alike = set(digests), [], []
    for one in kept:
        if (one.service, one.release) == (service, release):
            named.append(one)
        elif bad & {artifact.digest for artifact in one.artifacts}:
            alike.append(one)
    return (*named, *alike)


def standing(quarantine: Quarantine) -> str:
    """Return since when a quarantine is in force, by which incident or rollout, and why."""
    since = f"since {quarantine.at:%Y-%m-%d %H:%M:%S} UTC"
    return f"{since} by {called(quarantine.incident)} ({quarantine.why})"


def lifting(quarantine: Quarantine) -> str:
    """Return how a quarantine is lifted."""
    place = f"{quarantine.service}/{quarantine.release}"
    return f"'backout release lift {place} --why ...', by somebody with the right to lift"
