"""Marking: an external event as people and pipelines tell it, made into one that is kept."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import AwareDatetime, Field

from backout.counting import MarkedEvent
from backout.errors import EventRefused
from backout.model import Frozen, Name, format_duration
from backout.problems import unknown

FARTHEST = timedelta(days=30)
"""How far from now an event may begin or end."""


class Marking(Frozen):
    """What is told of an external event."""

    key: Annotated[str, Field(min_length=1, max_length=200)]
    """Idempotency: the same key again replaces the event."""
    kind: Name
    """Such as `deploy`, `provider_outage` or `ab_test`."""
    service: str = ""
    """The service that it concerns; empty for all."""
    what: Annotated[str, Field(min_length=1, max_length=500)]
    """What happens, in a sentence."""
    start: AwareDatetime | None = None
    """When it began; where nothing is said, as it is known already, or now."""
    end: AwareDatetime | None = None
    """When it ends; it goes on where nothing is said."""


def marked(
    told: Marking, *, services: Iterable[str], known: MarkedEvent | None, now: datetime, by: str
) -> MarkedEvent:
    """Return the event to keep; `known` is what its key stands for, `services` are those that are guarded.

    Raises:
        EventRefused: it ends before it begins, is too far from now, or is of a service that nothing guards.
    """
    start = told.start or (known.start if known else now)
    if why := "; ".join(_misfits(told, start, tuple(services), now)):
        raise EventRefused(why=why)
    return MarkedEvent(
        key=told.key, kind=told.kind, service=told.service, what=told.what, start=start, end=told.end, by=by
    )


def _misfits(told: Marking, start: datetime, services: tuple[str, ...], now: datetime) -> Iterable[str]:
    if told.service and told.service not in services:
        yield f"service: {unknown('service', told.service, sorted(services))}. Leave it out to mean all"
    if told.end is not None and told.end <= start:
        yield f"end: {told.end.isoformat()} is not after its start, {start.isoformat()}"
    for field, at in (("start", start), ("end", told.end)):
        if at is not None and abs(at - now) > FARTHEST:
            yield f"{field}: {at.isoformat()} is more than {format_duration(FARTHEST)} from now"
