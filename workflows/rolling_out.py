"""The rollout step: exposure goes up in stages, guarded at each, and turns back by itself."""

from __future__ import annotations

from datetime import datetime

from backout.steps import RolloutStep
from workflows.achieved import Achieved
from workflows.desk import Desk


async def roll_out(desk: Desk, step: RolloutStep, until: datetime) -> Achieved:
    """Have the rollout authorised, walk up its stages, and say where that ended."""
    raise NotImplementedError
