"""What a release set adds to a timeline."""

from __future__ import annotations

from datetime import datetime, timedelta

from backout.timeline_exposure import CapacitySet, ExposureSet, StagePutBack

_WALK = "incident/chat/r2@run-1/revert/2"


def capacity(at: datetime) -> CapacitySet:
    """Return the event of a baseline that is given its capacity."""
    key = f"{_WALK}/capacity"
    return CapacitySet(at=at, step="revert", target="replicas", release="r1", before=10, after=100, key=key)


def put_back(at: datetime, *, before: int = 10, after: int = 50) -> StagePutBack:
    """Return the event of a stage that the other target did not reach."""
    return StagePutBack(
        at=at,
        step="revert",
        target="chat-exposure",
        stage=before,
        before=before,
        after=after,
        key=f"{_WALK}/{before}/chat-exposure/back",
        why=f"index could not be brought to stage {before} %",
    )


def in_the_set(at: datetime, target: str, before: int, after: int) -> ExposureSet:
    """Return the event of one target's stage, half a second after the first's."""
    return ExposureSet(
        at=at + timedelta(seconds=0.5),
        step="revert",
        target=target,
        stage=after,
        before=before,
        after=after,
        key=f"{_WALK}/{after}/{target}",
    )
