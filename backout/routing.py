"""Routing: the labels of an alert name the playbook and the release."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from backout.alerts import Alert
from backout.errors import NoRoute, ReleaseUnreadable, UnknownName
from backout.model import Frozen, Name
from backout.playbook import Playbook
from backout.site import Route

_RELEASE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@+-]{0,127}")


class Routed(Frozen):
    """Where an alert goes."""

    playbook: Name
    service: Name
    release: str


def route(*, alert: Alert, routes: Sequence[Route], playbooks: Mapping[str, Playbook]) -> Routed:
    """Return where the first route that matches sends the alert.

    Raises:
        NoRoute: no route's labels all match.
        ReleaseUnreadable: the label that names the release is absent, or no release can be called so.
        UnknownName: the route names a playbook that is not loaded.
    """
    taken = next((one for one in routes if one.match.items() <= alert.labels.items()), None)
    if taken is None:
        raise NoRoute(alert=alert.name, routes="; ".join(map(describe, routes)) or "none")
    release = alert.labels.get(taken.release_label)
    if release is None or not _RELEASE.fullmatch(release):
        found = "absent" if release is None else repr(release[:160])
        raise ReleaseUnreadable(alert=alert.name, label=taken.release_label, found=found)
    if taken.playbook not in playbooks:
        raise UnknownName(kind="playbook", name=taken.playbook, known=playbooks)
    service = playbooks[taken.playbook].release.service
    return Routed(playbook=taken.playbook, service=service, release=release)


def labels_of(routes: Sequence[Route]) -> frozenset[str]:
    """Return the labels that routes look at."""
    return frozenset(label for one in routes for label in (*one.match, one.release_label))


def describe(one: Route) -> str:
    """Return a route in words: `service=chat -> conversational-agent by label release`."""
    labels = ", ".join(f"{name}={value}" for name, value in one.match.items())
    return f"{labels} -> {one.playbook} by label {one.release_label}"
