"""What was reverted may not be released again until a person lifts it."""

from __future__ import annotations

from backout.exposure import StagedPlan
from workflows.desk import Desk


async def quarantine(desk: Desk, plan: StagedPlan) -> None:
    """Quarantine the artifacts of a release that was reverted completely."""
