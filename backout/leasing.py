"""Leases: which incident may change a target of a service. One at a time."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from backout.model import Frozen, Name


class TakeLeases(Frozen):
    """Request: lease these targets to an incident, in this order, up to the first that another one has."""

    targets: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Everybody takes them in the order of their names, so that no two wait for each other."""
    service: Name
    incident: str
    at: datetime
    instead_of: str = ""
    """An incident or rollout whose leases are taken over: it is over, gives way, or this is an emergency."""


class Leased(Frozen):
    """What came of it."""

    target: str = ""
    """The first target that another incident has; empty where all are leased."""
    holder: str = ""
    """The incident that has it."""
    taken_over: tuple[str, ...] = ()
    """Targets that the other one had until now, those of an attempt whose answer was lost included."""


class LeaveLeases(Frozen):
    """Request: give back everything that an incident has leased."""

    incident: str
