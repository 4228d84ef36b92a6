"""Where the targets of a set stand is told in one order, whichever of them answers first."""

from __future__ import annotations

from itertools import permutations

import pytest

from backout.exposure import Exposure, StagedPlan
from backout.release_sets import SetTarget
from workflows.standing import Standing

PERCENTS = {"flag": 50, "index": 100, "alias": 0}
PLAN = StagedPlan.model_validate(
    {
        "incident": "incident/chat/r2",
        "target": "flag",
        "service": "chat",
        "release": "r2",
        "stages": (50, 0),
        "soak": "1m",
        "because": "critical",
        "targets": tuple(SetTarget(target=target) for target in PERCENTS),
    }
)


@pytest.mark.parametrize("answers", list(permutations(PERCENTS)), ids=", ".join)
def test_targets_are_told_in_the_order_of_the_plan(answers: tuple[str, ...]) -> None:
    standing = Standing(PLAN, {})
    for target in answers:
        standing.found(target, Exposure(percent=PERCENTS[target], generation="1"))
    assert list(standing.exposures.items()) == list(PERCENTS.items())


def test_a_target_that_nobody_has_seen_yet_is_left_out() -> None:
    standing = Standing(PLAN, {"alias": Exposure(percent=0, generation="1")})
    assert standing.exposures == {"alias": 0}
