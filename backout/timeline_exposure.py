"""Events about what is taken back, and what that left behind."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import SerializerFunctionWrapHandler, model_serializer

from backout.event import BaseEvent
from backout.messages import Evidence


class ExposureSet(BaseEvent):
    """A stage of the revert was set and read back."""

    event: Literal["ExposureSet"] = "ExposureSet"
    target: str
    stage: int
    before: int
    after: int
    key: str
    changed: bool = True

    @property
    def line(self) -> str:
        """The event as one sentence for people."""
        if not self.changed:
            return f"Exposure on {self.target} was at {self.after} % already (stage {self.stage} %)"
        return f"Exposure on {self.target} set from {self.before} % to {self.after} % and read back"


class StagePutBack(BaseEvent):
    """A target of a set was put back, because not every target could be brought to the stage."""

    event: Literal["StagePutBack"] = "StagePutBack"
    target: str
    stage: int
    before: int
    after: int
    key: str
    changed: bool = True
    why: str
    """What kept the set from the stage."""

    @property
    def line(self) -> str:
        """The event as one sentence for people."""
        if not self.changed:
            return f"Exposure on {self.target} was back at {self.after} % already: {self.why}"
        return f"Exposure on {self.target} put back from {self.before} % to {self.after} %: {self.why}"


class CapacitySet(BaseEvent):
    """The baseline was given what it needs before traffic comes back to it."""

    event: Literal["CapacitySet"] = "CapacitySet"
    target: str
    release: str
    """The baseline."""
    before: int
    after: int
    key: str
    changed: bool = True

    @property
    def line(self) -> str:
        """The event as one sentence for people."""
        if not self.changed:
            return f"Capacity of {self.release} on {self.target} was at {self.after} % already"
        return (
            f"Capacity of {self.release} on {self.target} set from {self.before} % to {self.after} % "
            "and read back"
        )


class RevertStopped(BaseEvent):
    """A walk over stages stopped before its last stage."""

    event: Literal["RevertStopped"] = "RevertStopped"
    exposure: int | None
    """The most of any target, in percent; None where none could be read."""
    why: str
    direction: Literal["down", "up"] = "down"
    """Which way it went: up in a rollout, and where exposure comes back in an incident."""
    exposures: dict[str, int] = {}
    """Where each target of a set was left, as far as it was read; empty where the walk has one target."""

    @model_serializer(mode="wrap")
    def _of_one_target(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what only a set has: the event of one target stays as it always was."""
        return {name: value for name, value in write(self).items() if name != "exposures" or value}

    @property
    def line(self) -> str:
        """The event as one sentence for people."""
        left = "unknown" if self.exposure is None else f"{self.exposure} %"
        if self.exposures:
            left = ", ".join(f"{target} {percent} %" for target, percent in self.exposures.items())
        what = "Revert" if self.direction == "down" else "Way up"
        return f"{what} stopped, exposure {left}: {self.why}"


class CheckRun(BaseEvent):
    """An integrity check looked at the world."""

    event: Literal["CheckRun"] = "CheckRun"
    check: str
    passed: bool
    found: str
    again: bool = False
    """It has not passed yet, and is looked at again."""
    evidence: Evidence | None = None
    """The outputs that it found, where it lists any."""

    @property
    def line(self) -> str:
        """The event as one sentence for people."""
        missed = "has not passed yet" if self.again else "FAILED"
        line = f"Integrity check {self.check} {'passed' if self.passed else missed}: {self.found}"
        if kept := self.evidence:
            line += f"; evidence: {kept.count} ids, {kept.digest}"
        return line


class RequestsCounted(BaseEvent):
    """The requests that the candidate has served were read."""

    event: Literal["RequestsCounted"] = "RequestsCounted"
    served: float | None
    why: str = ""
    """Why there is no number, where there is none."""

    @property
    def line(self) -> str:
        """The event as one sentence for people."""
        if self.served is None:
            return f"Requests served by the candidate: no data{f' ({self.why})' if self.why else ''}"
        return f"Requests served by the candidate so far: {self.served:.0f}"
