"""Explaining: the tree of a rule says what the rule itself made of the same evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from backout.alerts import Alert
from backout.evaluation import Outcome
from backout.explaining import rule_tree
from tests.unit.guards import Eye, guard_of, limit, reported, rule
from tests.unit.views import OPENED

BAD, GOOD = (30, 100), (0, 100)


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        pytest.param(
            {"at_least": 2, "of": [{"any_of": ["a"]}, {"any_of": ["b"]}]}, True, id="conditions with one text"
        ),
        pytest.param({"at_least": 2, "of": ["a", "again"]}, False, id="criteria on one signal"),
        pytest.param({"at_least": 2, "of": ["told", "heard"]}, False, id="criteria on one alert"),
        pytest.param({"at_least": 2, "of": ["a", {"any_of": ["again"]}]}, False, id="one signal, nested"),
        pytest.param(
            {"at_least": 2, "of": ["a", {"any_of": ["again", "b"]}]}, True, id="another one, nested"
        ),
        pytest.param({"at_least": 2, "of": ["a", "told"]}, True, id="a signal and an alert"),
        pytest.param({"all_of": ["a", {"any_of": ["c", "told"]}]}, True, id="nested"),
        pytest.param({"all_of": ["a", "c"]}, False, id="one is healthy"),
    ],
)
def test_the_tree_holds_where_its_rule_fires(when: Mapping[str, Any], holds: bool) -> None:  # noqa: FBT001  # a case
    criteria = (limit("a", "x"), limit("again", "x"), limit("b", "y"), limit("c", "z"))
    alerts = reported("told", "Bad"), reported("heard", "Bad")
    guard = guard_of(*criteria, *alerts, rules=[rule("it", when=when)])
    firing = [Alert(source="cli", name="Bad", status="firing", labels={}, starts_at=OPENED, fingerprint="1")]
    eye = Eye(guard)
    eye.see({"x": BAD, "y": BAD, "z": GOOD}, times=60)
    said = eye.see({"x": BAD, "y": BAD, "z": GOOD}, firing=firing)
    assert rule_tree(guard.rules[0].when, said, guard).holds == holds
    fired = said.outcome is Outcome.FIRED or "it" in eye.watch.fired_at
    assert fired == holds
