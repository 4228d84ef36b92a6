"""Which release answers? The service itself is asked, on every path to it."""

from __future__ import annotations

from backout.steps import ServedStep
from workflows.achieved import Achieved
from workflows.desk import Desk


async def served(desk: Desk, step: ServedStep) -> Achieved:
    """See that only the baseline answers, on every probe, once clients have caught up."""
    raise NotImplementedError
