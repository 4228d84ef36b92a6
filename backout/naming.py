"""Naming: what a case is called in a sentence."""

from __future__ import annotations

INCIDENT = "incident/"
"""With this begins the id of an incident."""
ROLLOUT = "rollout/"
"""With this begins the id of a rollout, which is a case like an incident."""


def called(case: str) -> str:
    """Return an id as a sentence names it: `incident service/release`, a rollout as people write it."""
    return case if case.startswith(ROLLOUT) else f"incident {case.removeprefix(INCIDENT)}"
