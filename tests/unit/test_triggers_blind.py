"""Blindness by source, and criteria that only observe."""

from __future__ import annotations

import pytest

from backout.criteria import Criterion
from backout.evaluation import Blindness, Outcome, Verdict
from backout.guard import Guard
from backout.rules import Do
from backout.triggers import recovery
from tests.unit.guards import TICK, Eye, guard_of, limit, reported, rule
from tests.unit.views import alert

WELL, ILL = (1, 1000), (900, 1000)


def patient(name: str, signal: str, **missing: object) -> Criterion:
    return limit(name, signal=signal, missing=missing)


def on_two_sources(*criteria: Criterion) -> Guard:
    """Return a guard whose signal `labels` is of another source than all its others."""
    guard = guard_of(*criteria)
    labels = guard.signals["labels"].model_copy(update={"source": "labelling"})
    return guard.model_copy(update={"signals": {**guard.signals, "labels": labels}})


def test_blindness_is_grouped_by_source_with_the_strongest_of_what_is_wanted() -> None:
    guard = on_two_sources(
        patient("a", "errors", do="report"),
        patient("b", "errors", do="hold"),
        patient("c", "slow", do="page"),
        patient("d", "labels", do="page"),
        limit("e", signal="fine"),
    )
    eye = Eye(guard)
    everything = dict.fromkeys(("errors", "slow", "labels", "fine"), WELL)
    eye.see(everything, times=3)
    last_seen = eye.now - TICK
    problems = {"errors": "connection refused", "slow": "connection refused", "labels": "no rows"}
    said = eye.see({"fine": WELL}, times=4, problems=problems)
    assert said.blind == (
        Blindness(
            source="metrics", criteria=("a", "b", "c"), since=last_seen, why="connection refused", do="hold"
        ),
        Blindness(source="labelling", criteria=("d",), since=last_seen, why="no rows", do="page"),
    )
    assert (said.outcome, said.rule, said.do) == (Outcome.INCONCLUSIVE, None, Do.HOLD)
    assert said.reasons[:2] == (
        "no data of source metrics for 1m (connection refused), so blind: a, b, c",
        "no data of source labelling for 1m (no rows), so blind: d",
    )


def test_a_source_is_blind_since_some_of_it_gave_data_last() -> None:
    eye = Eye(guard_of(limit("a"), limit("b", signal="slow")))
    eye.see({"errors": WELL}, times=2)
    last_seen = eye.now - TICK
    (blind,) = eye.see({}, times=4).blind
    assert blind.since == last_seen
    assert blind.why == "nothing new was counted; it gave no data"


@pytest.mark.parametrize(("do", "asked"), [("report", None), ("page", Do.PAGE), ("hold", Do.HOLD)])
def test_blindness_asks_for_what_the_criterion_wants_and_never_fires(do: str, asked: Do | None) -> None:
    eye = Eye(guard_of(patient("a", "errors", do=do)))
    said = eye.see({}, times=9)
    assert (said.outcome, said.do) == (Outcome.INCONCLUSIVE, asked)
    assert said.blind[0].since is None
    assert said.blind[0].why == "it gave no data"
    assert said.reasons[0].startswith("no data of source metrics ever")


def test_blindness_takes_as_long_as_the_criterion_says_and_the_first_looks_are_none() -> None:
    eye = Eye(guard_of(patient("a", "errors", after="2m", do="page")))
    blind = [bool(eye.see({}).blind) for _ in range(9)]
    assert blind == [False] * 7 + [True] * 2
    eye.see({"errors": WELL}, times=2)
    verdicts = [eye.see({}).factors[0].verdict for _ in range(8)]
    assert verdicts == [Verdict.HEALTHY] * 7 + [Verdict.BLIND]


def test_a_rule_that_fires_says_what_to_do_although_something_is_blind() -> None:
    eye = Eye(guard_of(patient("a", "errors", do="hold"), reported()))
    eye.see({}, times=9)
    said = eye.see({}, firing=[alert("Reported")])
    assert (said.outcome, said.rule, said.do) == (Outcome.FIRED, "every", Do.REVERT)
    assert said.blind


def test_a_criterion_that_is_breached_and_silent_stays_breached_and_its_source_is_listed() -> None:
    eye = Eye(guard_of(limit()))
    eye.see({"errors": ILL}, times=20)
    said = eye.see({}, times=10)
    assert said.factors[0].verdict is Verdict.BREACHED
    assert said.blind[0].criteria == ("error-limit",)
    assert said.blind[0].why == "nothing new was counted"


def test_blindness_makes_no_condition_true() -> None:
    criteria = [limit(f"c{n}", signal=f"s{n}") for n in range(3)]
    combined = rule("combined", when={"at_least": 2, "of": ["c0", "c1", "c2"], "level": "hold"})
    eye = Eye(guard_of(*criteria, rules=[combined]))
    assert eye.see({"s0": ILL}, times=20).rule is None


OBSERVED = limit("watched", signal="slow", mode="observe", missing={"do": "hold"})


def test_what_only_observes_weighs_in_nothing_and_is_reported() -> None:
    rules = [
        rule("real", "error-limit"),
        rule("would", "watched"),
        rule("both", when={"all_of": ["watched"]}),
    ]
    eye = Eye(guard_of(limit(), OBSERVED, rules=rules))
    said = eye.see({"errors": WELL, "slow": ILL}, times=20)
    assert (said.outcome, said.rule) == (Outcome.CLEAR, None)
    assert said.observed == (
        "rule would would have fired",
        "rule both would have fired",
        "criterion watched is breached",
    )
    assert [(found.criterion, found.mode) for found in said.factors] == [
        ("error-limit", "act"),
        ("watched", "observe"),
    ]


def test_a_rule_that_fires_by_itself_is_not_reported_as_one_that_would_have() -> None:
    eye = Eye(guard_of(limit(), OBSERVED, rules=[rule("either", "error-limit", "watched")]))
    eye.see({"errors": ILL, "slow": ILL}, times=15)
    said = eye.see({"errors": ILL, "slow": ILL})
    assert eye.watch.fired_at.keys() == {"either"}
    assert said.observed == ("criterion watched is breached",)


def test_what_only_observes_asks_for_nobody_when_it_is_blind() -> None:
    eye = Eye(guard_of(limit(), OBSERVED, rules=[rule("real", "error-limit")]))
    said = eye.see({"errors": WELL}, times=9)
    assert said.blind[0].do == "report"
    assert (said.outcome, said.do) == (Outcome.CLEAR, None)


def test_what_only_observes_neither_proves_recovery_nor_denies_it() -> None:
    both = guard_of(limit(), OBSERVED)
    eye = Eye(both)
    eye.see({"errors": WELL, "slow": ILL}, times=10)
    assert recovery(eye.watch, guard=both).outcome is Outcome.CLEAR
    eye.see({"errors": ILL, "slow": WELL}, times=40)
    assert recovery(eye.watch, guard=both).outcome is Outcome.FIRED
    alone = guard_of(OBSERVED)
    eye = Eye(alone)
    assert eye.see({"slow": WELL}, times=10).outcome is Outcome.INCONCLUSIVE
    assert recovery(eye.watch, guard=alone).outcome is Outcome.INCONCLUSIVE
