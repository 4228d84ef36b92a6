"""Registering: whether a release can be guarded as it is told, and against which baseline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from backout.errors import RegistrationRefused
from backout.playbook import Playbook
from backout.problems import unknown
from backout.releases import BaselineRecord, Registration, ReleaseRecord


def checked(told: Registration, *, playbooks: Mapping[str, Playbook]) -> Registration:
    """Return the registration, which its playbook can guard.

    Raises:
        RegistrationRefused: it cannot; every reason is in it, with the place.
    """
    if why := "; ".join(_misfits(told, playbooks)):
        raise RegistrationRefused(why=why)
    return told


def with_baseline(
    told: Registration, *, kept: ReleaseRecord | None, baselines: Sequence[BaselineRecord]
) -> Registration:
    """Return the registration with a baseline where one is known; one that is named stays.

    A release that is registered already keeps the baseline that it has: the service's may be another by now.
    """
    if told.baseline is not None:
        return told
    baseline = kept.registration.baseline if kept else newest_but(told.release, baselines)
    return told.model_copy(update={"baseline": baseline})


def newest_but(release: str, baselines: Sequence[BaselineRecord]) -> str | None:
    """Return the newest of a service's baselines that is not the release itself; they come newest first."""
    return next((one.release for one in baselines if one.release != release), None)


def _misfits(told: Registration, playbooks: Mapping[str, Playbook]) -> Iterator[str]:
    playbook = playbooks.get(told.playbook)
    if playbook is None:
        yield f"playbook: {unknown('playbook', told.playbook, sorted(playbooks))}"
    else:
        yield from _unlike(told, playbook)
    if not told.owner.strip():
        yield "owner: it is empty; name who ships the release"
    twice = [kind_name for kind_name, count in _counted(told).items() if count > 1]
    yield from (f"artifacts: the {kind} '{name}' is there twice" for kind, name in twice)
    if told.baseline == told.release:
        yield "baseline: it is the release itself; name the last known good one"
    if any(after.percent <= before.percent for before, after in pairwise(told.ramp)):
        yield "ramp: each stage must be above the one before"


def _unlike(told: Registration, playbook: Playbook) -> Iterator[str]:
    release = playbook.release
    if told.service != release.service:
        yield f"service: playbook '{told.playbook}' guards '{release.service}', not '{told.service}'"
    there = {artifact.kind for artifact in told.artifacts}
    if missing := [kind for kind in release.artifacts if kind not in there]:
        needs = ", ".join(release.artifacts)
        yield f"artifacts: {', '.join(missing)} missing; a release of '{release.service}' is made of {needs}"


def _counted(told: Registration) -> Counter[tuple[str, str]]:
    return Counter((artifact.kind, artifact.name) for artifact in told.artifacts)
