"""Addressing: how people name an incident, and which one they mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from backout.errors import IncidentAmbiguous, IncidentUnknown, NoOpenIncident
from backout.model import Frozen
from backout.naming import INCIDENT, ROLLOUT


class ListedIncident(Frozen):
    """One line of the engine's own list of incidents, which needs no worker to answer."""

    incident: str
    run: str
    """The id of the newest run."""
    playbook: str
    """Empty, as the next three, where the engine does not know it."""
    severity: str
    phase: str
    outcome: str
    status: str
    """What the engine says of the run: `running`, `completed`, `terminated` ..."""
    opened_at: datetime
    closed_at: datetime | None = None

    @property
    def short(self) -> str:
        """How people write it: `service/release`."""
        return short_of(self.incident)

    @property
    def names(self) -> tuple[str, str, str]:
        """What it is found by: the service, the release, and both."""
        service, _, release = self.short.removeprefix(ROLLOUT).partition("/")
        return service, release, self.short


def short_of(incident: str) -> str:
    """Return an id as people write it: `service/release` for an incident, `rollout/...` for a rollout."""
    return incident.removeprefix(INCIDENT)


def full_id(text: str) -> str | None:
    """Return the id where the text is one; None where it is not.

    An incident's is written `service/release` or in full, a rollout's in full: `rollout/service/release`.
    """
    if "/" not in text:
        return None
    is_full = text.startswith((INCIDENT, ROLLOUT)) and text.count("/") > 1
    return text if is_full else f"{INCIDENT}{text}"


def find(text: str, listed: Iterable[ListedIncident]) -> str:
    """Return the incident that a service, a release or the beginning of either means.

    The open ones come first, and a whole name before a beginning. No text means the only open one.

    Raises:
        IncidentUnknown: it means none.
        IncidentAmbiguous: it means more than one.
        NoOpenIncident: there is no text, and nothing is open.
    """
    everything = tuple(listed)
    if not text:
        return only_open(everything)
    is_open = tuple(one for one in everything if one.closed_at is None)
    tests: tuple[Callable[[str], bool], ...] = (text.__eq__, lambda name: name.startswith(text))
    for pool in (is_open, everything):
        for test in tests:
            meant = {one.incident: one.short for one in pool if any(map(test, one.names))}
            if len(meant) > 1:
                raise IncidentAmbiguous(text=text, candidates=", ".join(sorted(meant.values())))
            if meant:
                return next(iter(meant))
    raise IncidentUnknown(incident=text)


def only_open(listed: Iterable[ListedIncident]) -> str:
    """Return the incident that is meant when none is named: the only one that is open.

    Raises:
        NoOpenIncident: none is open.
        IncidentAmbiguous: more than one is open.
    """
    is_open = sorted({one.incident: one.short for one in listed if one.closed_at is None}.items())
    if not is_open:
        raise NoOpenIncident
    if len(is_open) > 1:
        raise IncidentAmbiguous(text="the open incident", candidates=", ".join(short for _, short in is_open))
    return is_open[0][0]
