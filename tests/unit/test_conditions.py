"""Conditions, by hand and against a naive reading of the same words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import combinations, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from backout.conditions import Facts, truth
from backout.errors import UnknownName
from backout.evaluation import Verdict
from backout.rules import Condition
from tests.invariants.properties import quickly
from tests.unit.guards import criterion, limit, reported
from tests.unit.views import OPENED

CONDITION: TypeAdapter[Condition] = TypeAdapter(Condition)
NOW = OPENED + timedelta(hours=3)
CRITERIA = {
    one.id: one
    for one in (
        limit("a", signal="errors"),
        limit("a2", signal="errors"),
        limit("b", signal="slow"),
        limit("c", signal="unsafe", mode="observe"),
        criterion("e", "severe", {"compare": "event"}),
        reported("r", "Reported"),
        reported("r2", "Reported"),
        reported("s", "Slow"),
    )
}
SAID = ("outage", "view.concerned", "view.fine")


def facts(
    verdicts: Mapping[str, Verdict] | None = None,
    *,
    said: tuple[str, ...] = (),
    suspect_at: Mapping[str, float] | None = None,
    breached_at: Mapping[str, float] | None = None,
    with_observed: bool = False,
) -> Facts:
    """Return facts: all is healthy but for these verdicts; times are minutes ago."""
    return Facts(
        at=NOW,
        criteria=CRITERIA,
        verdicts={**dict.fromkeys(CRITERIA, Verdict.HEALTHY), **(verdicts or {})},
        said={name: name in said for name in SAID},
        suspect_at=ago(suspect_at),
        breached_at=ago(breached_at),
        with_observed=with_observed,
    )


def ago(minutes: Mapping[str, float] | None) -> dict[str, datetime]:
    return {name: NOW - timedelta(minutes=since) for name, since in (minutes or {}).items()}


def holds(written: Mapping[str, Any], of: Facts, *, again: bool = False) -> bool:
    return truth(CONDITION.validate_python(written), of, again=again).holds


BREACHED, SUSPECT, BLIND = Verdict.BREACHED, Verdict.SUSPECT, Verdict.BLIND


def test_a_or_b_with_c_nested_reads_as_it_is_written() -> None:
    written = {"all_of": ["a", {"any_of": ["b", "s"]}]}
    assert not holds(written, facts({"a": BREACHED}))
    assert not holds(written, facts({"b": BREACHED, "s": BREACHED}))
    found = truth(CONDITION.validate_python(written), facts({"a": BREACHED, "s": BREACHED}))
    assert found.holds
    assert found.by == ("a", "s")


def test_at_least_counts_signals_and_not_criteria() -> None:
    written = {"at_least": 2, "of": ["a", "a2", "b"]}
    assert not holds(written, facts({"a": BREACHED, "a2": BREACHED}))
    assert holds(written, facts({"a2": BREACHED, "b": BREACHED}))


def test_at_least_counts_alerts_by_their_name() -> None:
    written = {"at_least": 2, "of": ["r", "r2", "s"]}
    assert not holds(written, facts({"r": BREACHED, "r2": BREACHED}))
    assert holds(written, facts({"r": BREACHED, "s": BREACHED}))


def test_at_least_counts_each_nested_condition_once_and_equal_ones_together() -> None:
    inner = {"any_of": ["a", "b"]}
    assert not holds({"at_least": 2, "of": [inner, inner]}, facts({"a": BREACHED, "b": BREACHED}))
    assert holds({"at_least": 2, "of": [inner, {"any_of": ["a2"]}]}, facts({"a2": BREACHED, "b": BREACHED}))


def test_at_least_counts_a_signal_once_also_inside_nested_conditions() -> None:
    nested = {"at_least": 2, "of": ["a", {"any_of": ["a2", "b"]}]}
    assert not holds(nested, facts({"a": BREACHED, "a2": BREACHED}))
    assert holds(nested, facts({"a": BREACHED, "a2": BREACHED, "b": BREACHED}))
    three = {"at_least": 3, "of": ["a", "a2", {"all_of": ["b", "s"]}]}
    assert not holds(three, facts({"a": BREACHED, "a2": BREACHED, "b": BREACHED, "s": BREACHED}))


def test_suspicion_is_enough_at_the_level_hold_only_and_inner_conditions_take_the_level_over() -> None:
    suspected = facts({"a": SUSPECT, "b": SUSPECT})
    assert not holds({"all_of": ["a", {"any_of": ["b"]}]}, suspected)
    assert holds({"all_of": ["a", {"any_of": ["b"]}], "level": "hold"}, suspected)
    assert not holds({"all_of": ["a", {"any_of": ["b"], "level": "revert"}], "level": "hold"}, suspected)
    assert holds({"all_of": [{"any_of": ["b"], "level": "hold"}]}, suspected)


def test_what_was_sure_within_the_time_still_counts_and_inner_conditions_take_the_time_over() -> None:
    past = facts({"a": BLIND}, breached_at={"a": 10}, suspect_at={"a": 5})
    assert not holds({"any_of": ["a"]}, past)
    assert not holds({"any_of": ["a"], "within": "9m"}, past)
    assert holds({"any_of": ["a"], "within": "10m"}, past)
    assert holds({"any_of": [{"all_of": ["a"]}], "within": "10m"}, past)
    assert not holds({"any_of": [{"all_of": ["a"], "within": "1m"}], "within": "10m"}, past)
    assert holds({"any_of": ["a"], "within": "5m", "level": "hold"}, past)


@pytest.mark.parametrize("verdict", [Verdict.HEALTHY, Verdict.BLIND])
@pytest.mark.parametrize("level", ["hold", "revert"])
def test_neither_health_nor_blindness_is_a_factor(verdict: Verdict, level: str) -> None:
    assert not holds({"any_of": list(CRITERIA), "level": level}, facts(dict.fromkeys(CRITERIA, verdict)))


def test_what_only_observes_counts_only_where_one_asks_what_would_be() -> None:
    assert not holds({"any_of": ["c"], "within": "1h"}, facts({"c": BREACHED}, breached_at={"c": 1}))
    assert holds({"any_of": ["c"]}, facts({"c": BREACHED}, with_observed=True))


def test_marked_events_and_answers_are_parts_like_others() -> None:
    written = {"all_of": ["a", "outage", "view.concerned"]}
    assert holds(written, facts({"a": BREACHED}, said=("outage", "view.concerned")))
    assert not holds(written, facts({"a": BREACHED}, said=("outage", "view.fine")))


def test_an_event_keeps_a_rule_true_until_it_fired_and_then_only_in_its_own_look() -> None:
    passed, comes = (facts({"e": BREACHED}, breached_at={"e": since}) for since in (10, 0))
    assert holds({"any_of": ["e"]}, passed)
    assert not holds({"any_of": ["e"]}, passed, again=True)
    assert holds({"any_of": ["e"]}, comes, again=True)
    assert holds({"any_of": ["e"], "within": "10m"}, passed, again=True)
    assert holds({"any_of": ["a"]}, facts({"a": BREACHED}), again=True)


def test_an_unknown_part_is_an_error_with_the_known_ones() -> None:
    with pytest.raises(
        UnknownName, match=r"'nobody'. Known: a, a2, b, c, e, outage, r, r2, s, view.concerned"
    ):
        holds({"any_of": ["a", "nobody"]}, facts())


NAMES = (*CRITERIA, *SAID)
TIMES = st.dictionaries(st.sampled_from(list(CRITERIA)), st.integers(0, 30))
ABOUT = st.fixed_dictionaries(
    {}, optional={"level": st.sampled_from(["hold", "revert"]), "within": st.sampled_from(["1m", "15m"])}
)


def _group(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    some = st.lists(parts, min_size=1, max_size=5)
    kinds = (
        some.map(lambda chosen: {"any_of": chosen}),
        some.map(lambda chosen: {"all_of": chosen}),
        st.tuples(st.integers(1, 4), some).map(lambda pair: {"at_least": pair[0], "of": pair[1]}),
    )
    return st.tuples(st.one_of(*kinds), ABOUT).map(lambda pair: {**pair[0], **pair[1]})


CONDITIONS = _group(st.recursive(st.sampled_from(NAMES), _group, max_leaves=8))
ALL_FACTS = st.builds(
    facts,
    st.fixed_dictionaries({name: st.sampled_from(Verdict) for name in CRITERIA}),
    said=st.sets(st.sampled_from(SAID)).map(tuple),
    suspect_at=TIMES,
    breached_at=TIMES,
    with_observed=st.booleans(),
)
MINUTES = {"1m": 1, "15m": 15, None: None}


def naive(part: Any, of: Facts, level: str = "revert", within: str | None = None) -> bool:  # noqa: ANN401
    """Read a condition as its author would, from the text and not from our models."""
    if isinstance(part, str):
        return naive_leaf(part, of, level, MINUTES[within])
    level, within = part.get("level", level), part.get("within", within)
    if "any_of" in part:
        return any(naive(one, of, level, within) for one in part["any_of"])
    if "all_of" in part:
        return all(naive(one, of, level, within) for one in part["all_of"])
    true = {read(one): about(one, of, level, within) for one in part["of"] if naive(one, of, level, within)}
    # Some choice of so many true parts, each with a thing of its own that it speaks of.
    return any(
        len(set(things)) == part["at_least"]
        for chosen in combinations(true.values(), part["at_least"])
        for things in product(*chosen)
    )


def read(part: Any) -> object:  # noqa: ANN401
    return part if isinstance(part, str) else CONDITION.validate_python(part)


def about(part: Any, of: Facts, level: str, within: str | None) -> set[str]:  # noqa: ANN401
    """Return what makes a part true."""
    if isinstance(part, str):
        return {{"a": "errors", "a2": "errors", "r": "Reported", "r2": "Reported"}.get(part, part)}
    level, within = part.get("level", level), part.get("within", within)
    (parts,) = (part[kind] for kind in ("any_of", "all_of", "of") if kind in part)
    found = [about(one, of, level, within) for one in parts if naive(one, of, level, within)]
    return set().union(*found)


def naive_leaf(name: str, of: Facts, level: str, minutes: int | None) -> bool:
    if name in SAID:
        return of.said[name]
    if name == "c" and not of.with_observed:
        return False
    is_sure_now = of.verdicts[name] in ({BREACHED, SUSPECT} if level == "hold" else {BREACHED})
    when = (of.suspect_at if level == "hold" else of.breached_at).get(name)
    was_sure = minutes is not None and when is not None and NOW - when <= timedelta(minutes=minutes)
    return is_sure_now or was_sure


@given(CONDITIONS, ALL_FACTS)
@quickly
def test_conditions_are_true_when_a_naive_reading_is(written: dict[str, Any], of: Facts) -> None:
    found = truth(CONDITION.validate_python(written), of)
    assert found.holds == naive(written, of)
    assert not found.holds or found.by


@given(CONDITIONS, ALL_FACTS)
@quickly
def test_what_makes_a_condition_true_makes_it_true_alone(written: dict[str, Any], of: Facts) -> None:
    found = truth(CONDITION.validate_python(written), of)
    if not found.holds:
        return
    alone = facts(
        {name: of.verdicts[name] for name in CRITERIA if name in found.by},
        said=tuple(name for name in SAID if name in found.by),
        with_observed=of.with_observed,
    )
    past = {
        field: {name: at for name, at in getattr(of, field).items() if name in found.by}
        for field in ("suspect_at", "breached_at")
    }
    assert truth(CONDITION.validate_python(written), Facts(**{**vars(alone), **past})).holds


@given(CONDITIONS, ALL_FACTS, st.sampled_from(list(CRITERIA)))
@quickly
def test_a_criterion_that_becomes_blind_makes_no_condition_true(
    written: dict[str, Any], of: Facts, name: str
) -> None:
    blind = Facts(**{**vars(of), "verdicts": {**of.verdicts, name: BLIND}})
    if holds(written, blind):
        assert holds(written, of)
