"""Freeze: what may not be released now, and why. An incident freezes its service, a quarantine a release."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal

from pydantic import field_validator

from backout.addressing import ListedIncident
from backout.errors import UnknownName
from backout.model import Frozen, Name
from backout.naming import called
from backout.playbook import Playbook
from backout.quarantining import lifting, standing
from backout.releases import Digest, Quarantine, ReleaseName, described
from backout.site import Route

MOST_DIGESTS = 100
"""Digests that one question names."""


class FreezeQuestion(Frozen):
    """Whether a service is frozen, and whether what a release is made of may be released."""

    service: Name
    release: ReleaseName | None = None
    digest: tuple[Digest, ...] = ()
    """Of its artifacts. Those that the registry knows of the release count too."""

    @field_validator("digest")
    @classmethod
    def _not_too_many(cls, digest: tuple[str, ...]) -> tuple[str, ...]:
        if len(digest) > MOST_DIGESTS:
            msg = (
                f"{len(digest)} digests, and one question takes {MOST_DIGESTS}; ask about the rest in another"
            )
            raise ValueError(msg)
        return digest


class Because(Frozen):
    """One reason why something may not be released."""

    kind: Literal["incident", "quarantine"]
    incident: str
    """The incident that runs, or the incident or rollout that quarantined."""
    since: datetime
    says: str
    """The whole reason as one sentence for people."""
    digests: tuple[Digest, ...] = ()
    """Those of the question that are quarantined."""


class FreezeAnswer(Frozen):
    """What may be released now."""

    frozen: bool
    service: Name
    because: tuple[Because, ...] = ()


def of_incident(one: ListedIncident) -> Because:
    """Return the reason that is an incident that runs."""
    since = f"{one.opened_at:%Y-%m-%d %H:%M:%S} UTC"
    says = f"{called(one.incident)} has been open since {since}: wait until it is over"
    return Because(kind="incident", incident=one.incident, since=one.opened_at, says=says)


def of_quarantine(one: Quarantine, asked: Collection[str]) -> Because:
    """Return the reason that is a quarantine; `asked` are the digests that are to be released."""
    place = f"{one.service}/{one.release}"
    bad = tuple(artifact for artifact in one.artifacts if artifact.digest in asked)
    parts = ", ".join(map(described, bad))
    what = f"{parts} of {place}" if bad else place
    says = f"{what} is quarantined {standing(one)}: lift it with {lifting(one)}"
    digests = tuple(dict.fromkeys(artifact.digest for artifact in bad))
    return Because(kind="quarantine", incident=one.incident, since=one.at, says=says, digests=digests)


def guards(service: str, playbooks: Mapping[str, Playbook], routes: Sequence[Route]) -> tuple[Playbook, ...]:
    """Return the playbooks that a service is guarded by; one whose alerts name the service guards any.

    Raises:
        UnknownName: none does.
    """
    found = {one.playbook: one for one in _guards(service, playbooks, routes)}
    if not found:
        raise UnknownName(kind="service", name=service, known=_services(playbooks, routes))
    return tuple(found.values())


def _guards(service: str, playbooks: Mapping[str, Playbook], routes: Sequence[Route]) -> Iterable[Playbook]:
    yield from (one for one in playbooks.values() if one.release.service == service)
    taken = (route for route in routes if route.service == service or route.service_label)
    yield from (playbooks[route.playbook] for route in taken if route.playbook in playbooks)


def _services(playbooks: Mapping[str, Playbook], routes: Sequence[Route]) -> Iterable[str]:
    """Return the services that are known by name: those of the playbooks, and those that routes name."""
    named = (route.service for route in routes if route.service)
    return {*(one.release.service for one in playbooks.values()), *named}
