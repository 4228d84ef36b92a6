"""Exposure: the percent of traffic on the candidate, how it is changed, and the plan to take it off."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import SerializerFunctionWrapHandler, model_serializer

from backout.errors import PointerOnly, StageOutOfRange
from backout.model import Duration, Frozen, Name, Percent, format_duration
from backout.release_sets import Capacity, Conversations, OnTargetFailure, SetTarget, moved

Direction = Literal["down", "up"]
"""down: a revert, which never raises exposure. up: the way back, which never lowers it."""


class Capability(StrEnum):
    """What kind of exposure a target holds."""

    PERCENTAGE = "percentage"
    """Any percent of the traffic: it follows the stages."""
    POINTER = "pointer"
    """An alias that is at the release (100) or is not (0): it flips at the stage that the playbook names."""


def must_be_possible(percent: int, *, of: str, capability: Capability) -> None:
    """See that a target of this kind can be at this percent; `of` names it.

    Raises:
        StageOutOfRange: no such percent.
        PointerOnly: a percent between, and it is a pointer.
    """
    if percent not in range(101):
        raise StageOutOfRange(percent=percent)
    if capability is Capability.POINTER and percent not in (0, 100):
        raise PointerOnly(what=of, percent=percent)


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
    """Request: bring a release's exposure to a stage."""

    target: Name
    service: Name
    release: str
    percent: Percent
    key: str
    """`incident/step/stage` with the incident's first run: the same key twice is one effect."""
    expected: Exposure | None = None
    """What the stage before left. Where the generation is another one now, nothing is changed."""
    direction: Direction = "down"
    """down: a lower exposure is left as it is. up: a higher one is."""
    conversations: Conversations | None = None
    """What becomes of those that are under way, for targets that can see to it."""
    flips: bool | None = None
    """Whether the playbook says at which stage it flips, as for a pointer; None where nobody asks."""


class ReadExposure(Frozen):
    """Request: read a release's exposure."""

    target: Name
    service: Name
    release: str
    flips: bool | None = None
    """As in SetExposure."""


class ExposureChange(Frozen):
    """What a set-exposure did, after it was read back."""

    before: int
    after: int
    generation: str
    changed: bool
    """False where the exposure was there already, or beyond it, or the same key had done it before."""


class Unfinished(Frozen):
    """A stage of a set that was stopped in its middle, and what it takes to put it back."""

    stage: int
    since: datetime
    """When its first target was to be changed: the set is mixed since then."""
    before: dict[str, Exposure]
    """Where each target stood when the stage began."""
    left: dict[str, Exposure | None]
    """What was left on each target that was tried, in that order; None where no answer came."""


class StagedPlan(Frozen):
    """What a walk over stages will do; approvals are bound to its digest."""

    incident: str
    target: Name
    """The first target of the set."""
    service: Name
    release: str
    stages: tuple[Percent, ...]
    soak: Duration
    because: str
    """The rule that fired, or who decided without one."""
    targets: tuple[SetTarget, ...] = ()
    """The whole set in its order; empty where it is `target` alone, which follows the stages."""
    mixed_for: Duration | None = None
    """No longer than this are the targets of the set at different stages."""
    on_target_failure: OnTargetFailure = "push_on"
    capacity: Capacity | None = None
    conversations: Conversations | None = None
    alternative: str = ""
    """The name of what is done in the revert's place; empty for the revert."""
    direction: Direction = "down"
    step: str = ""
    """The step of the playbook: two steps that plan the same are approved each by itself."""
    takes: str = ""
    """Whose authority it takes: another mandate is another plan."""

    @property
    def parts(self) -> tuple[SetTarget, ...]:
        """Return the targets of the set in their order."""
        return self.targets or (SetTarget(target=self.target),)

    @property
    def course(self) -> str:
        """Return where it goes, over which stages and how fast, in words."""
        where = " and ".join(part.target for part in self.parts)
        stages = " -> ".join(f"{stage} %" for stage in self.stages)
        return f"on {where}: {stages}, soak {format_duration(self.soak)}"

    @property
    def terms(self) -> str:
        """What is agreed to beside the stages, to be read after them; empty where there is nothing."""
        terms = [
            f"{part.target} flips at {part.flips_at} %" for part in self.parts if part.flips_at is not None
        ]
        if self.capacity:
            terms.append(f"{self.capacity.target} at {self.capacity.percent} % for the baseline first")
        if self.mixed_for and len(self.parts) > 1:
            back = "exposure goes back to the stage before"
            policy = "at once" if self.on_target_failure == "put_back" else "unless it can be pushed on"
            terms.append(f"where a target fails {back} {policy}, within {format_duration(self.mixed_for)}")
        return "".join(f"; {term}" for term in terms)

    def moved(self, stage: int, *, after: int | None) -> tuple[SetTarget, ...]:
        """Return the targets that a stage changes; `after` is the stage before in the same walk."""
        return moved(self.parts, stage, after=after, goal=0 if self.direction == "down" else 100)

    @model_serializer(mode="wrap")
    def _unsaid(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what is not said: the digest of a plan of one target stays as it always was."""
        fields = type(self).model_fields
        unsaid = {name for name in fields if getattr(self, name) == fields[name].default}
        return {name: value for name, value in write(self).items() if name not in unsaid}
