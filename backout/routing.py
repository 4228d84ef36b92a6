"""Routing: the labels of an alert name the playbook and the release."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from pydantic import TypeAdapter, ValidationError

from backout.alerts import Alert
from backout.errors import NoRoute, ReleaseUnreadable, ServiceUnreadable, UnknownName
from backout.model import Frozen, Name
from backout.playbook import Playbook
from backout.site import Route

_SERVICE = TypeAdapter(Name)
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
        ServiceUnreadable: the label that names the service is absent, or no service can be called so.
        UnknownName: the route names a playbook that is not loaded.
    """
    taken = next((one for one in routes if one.match.items() <= alert.labels.items()), None)
    if taken is None:
        raise NoRoute(alert=alert.name, routes="; ".join(map(describe, routes)) or "none")
    release = alert.labels.get(taken.release_label)
    if release is None or not _RELEASE.fullmatch(release):
        raise ReleaseUnreadable(alert=alert.name, label=taken.release_label, found=_shown(release))
    if taken.playbook not in playbooks:
        raise UnknownName(kind="playbook", name=taken.playbook, known=playbooks)
    service = _service(taken, alert) or playbooks[taken.playbook].release.service
    return Routed(playbook=taken.playbook, service=service, release=release)


def _service(taken: Route, alert: Alert) -> str | None:
    """Return the service that a route names, or that the alert's label does; None where neither is to."""
    if taken.service_label is None:
        return taken.service
    found = alert.labels.get(taken.service_label)
    try:
        return _SERVICE.validate_python(found)
    except ValidationError:
        label = taken.service_label
        raise ServiceUnreadable(alert=alert.name, label=label, found=_shown(found)) from None


class Tried(Frozen):
    """A route that was held against an alert."""

    route: str
    misses: tuple[str, ...] = ()
    """What keeps it from taking the alert, label by label; empty where it takes it."""


def tried(alert: Alert, routes: Sequence[Route]) -> tuple[Tried, ...]:
    """Return the routes in their order, to the first that takes the alert: no later one is looked at."""
    seen: list[Tried] = []
    for one in routes:
        misses = tuple(
            f"label {name} is {_shown(alert.labels.get(name))}, not {value!r}"
            for name, value in one.match.items()
            if alert.labels.get(name) != value
        )
        seen.append(Tried(route=describe(one), misses=misses))
        if not misses:
            break
    return tuple(seen)


def labels_of(routes: Sequence[Route]) -> frozenset[str]:
    """Return the labels that routes look at."""
    named = (label for one in routes for label in (*one.match, one.release_label, one.service_label))
    return frozenset(label for label in named if label is not None)


def _shown(value: str | None) -> str:
    return "absent" if value is None else repr(value[:160])


def describe(one: Route) -> str:
    """Return a route in words: `service=chat -> conversational-agent by label release`."""
    labels = ", ".join(f"{name}={value}" for name, value in one.match.items())
    named = f"{labels} -> {one.playbook} by label {one.release_label}"
    if one.service_label:
        return f"{named}, service by label {one.service_label}"
    return f"{named}, service {one.service}" if one.service else named
