"""What sentences call a case: an incident, or a rollout as people write it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from backout.freezing import of_quarantine
from backout.releases import Quarantine
from backout.timeline_fencing import TargetsTakenOver

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
NAMES = pytest.mark.parametrize(
    ("case", "named"),
    [("incident/chat/r2", "incident chat/r2"), ("rollout/chat/r2", "rollout/chat/r2")],
    ids=["an incident", "a rollout"],
)


@NAMES
def test_a_quarantine_names_what_it_comes_from(case: str, named: str) -> None:
    bad = Quarantine(service="chat", release="r2", artifacts=(), incident=case, why="it erred", at=NOON)
    said = of_quarantine(bad, ()).says
    assert said.startswith(f"chat/r2 is quarantined since 2026-01-05 12:00:00 UTC by {named} (it erred): ")


@NAMES
def test_targets_that_are_taken_over_name_whom_they_are_taken_from(case: str, named: str) -> None:
    over = TargetsTakenOver(at=NOON, targets=("router",), holder=case, why="that one is over")
    assert over.line == f"router taken over from {named}: that one is over"
