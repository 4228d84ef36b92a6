"""Exposure: the percent of traffic on the candidate, how it is changed, and the plan to take it off."""

from __future__ import annotations

from enum import StrEnum

from backout.model import Duration, Frozen, Name, Percent


class Capability(StrEnum):
    """What kind of exposure a target holds."""

    PERCENTAGE = "percentage"
    """Any percent of the traffic: it follows the stages."""
    POINTER = "pointer"
    """An alias that is at the release (100) or is not (0): it flips at the stage that the playbook names."""


class Exposure(Frozen):
    """What a target says now."""

    percent: int
    generation: str
    """Changes with every write to the target; empty where the target knows none."""
    changed_by: str = ""
    """The key of the last change, where the target keeps it."""
    by: str = ""
    """Who changed it last, in the target's own words, where it knows that."""


class SetExposure(Frozen):
    """Request: bring a release's exposure down to a stage."""

    target: Name
    service: Name
    release: str
    percent: Percent
    key: str
    """`incident/step/stage` with the incident's first run: the same key twice is one effect."""
    expected: Exposure | None = None
    """What the stage before left. Where the generation is another one now, nothing is changed."""


class ReadExposure(Frozen):
    """Request: read a release's exposure."""

    target: Name
    service: Name
    release: str


class ExposureChange(Frozen):
    """What a set-exposure did, after it was read back."""

    before: int
    after: int
    generation: str
    changed: bool
    """False where the exposure was there already (or lower), or the same key had done it before."""


class RevertPlan(Frozen):
    """What a revert will do; approvals are bound to its digest."""

    incident: str
    target: Name
    service: Name
    release: str
    stages: tuple[Percent, ...]
    soak: Duration
    because: str
    """The rule that fired, or who decided without one."""
