"""Acts that come in one moment: what is said last is done, and nothing goes up by what was said before it."""

from __future__ import annotations

import pytest

from backout import case_acts
from backout.case import Case, Directive
from backout.people import Action
from tests.unit.views import BEN, act, at, case_of


def take(case: Case, action: Action) -> None:
    case_acts.take_act(case, act(action, BEN, reason="why"), right="commander", now=at(1), step="revert")


@pytest.mark.parametrize(
    ("then", "left"), [(Action.HOLD, None), (Action.EMERGENCY, Directive.EMERGENCY)], ids=str
)
def test_who_comes_back_is_overtaken_by_a_hold_and_by_an_emergency(
    then: Action, left: Directive | None
) -> None:
    case = case_of()
    take(case, Action.COME_BACK)
    assert case.coming_back
    take(case, then)
    assert (case.directive, case.coming_back) == (left, "")
