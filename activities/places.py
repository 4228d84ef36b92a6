"""Where a message comes from."""

from __future__ import annotations

from temporalio import activity


def place() -> str:
    """Return the place of this activity in its workflow: the same for all of its attempts and no other."""
    info = activity.info()
    return f"{info.workflow_id}@{info.workflow_run_id}/{info.activity_id}"


def is_again() -> bool:
    """Say whether this is not the first attempt: what the one before did may be done already."""
    return activity.info().attempt > 1
