from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.sources.promql import promql, spelled
from adapters.sources.selector import QueryBroken
from backout.counting import Query
from tests.invariants.properties import widely


@pytest.mark.parametrize(
    ("bound", "ways"),
    [
        (1, ["1", "1.0", "1.00", "1e+00", "1e0"]),
        (2.5, ["2.5", "2.50", "2.5e+00", "2.5E0"]),
        (0, ["0", "0.0", "0e+00"]),
        (10, ["10", "10.0", "1e+01", "1.0E1"]),
        (1e6, ["1e+06", "1000000", "1000000.0", "1.0E6"]),
        (1e-5, ["1e-05", "0.00001", "1.0E-5"]),
        (-0.25, ["-0.25", "-0.250", "-2.5e-01"]),
        (float("inf"), ["+Inf", "Inf"]),
        (float("-inf"), ["-Inf"]),
    ],
)
def test_a_bound_is_found_however_an_exporter_writes_it(bound: float, ways: list[str]) -> None:
    assert [way for way in ways if not re.fullmatch(spelled(bound), way)] == []


NUMBERS = st.floats(allow_nan=False, allow_infinity=False).map(lambda number: number + 0.0)
"""Without a zero below zero."""


@widely
@given(NUMBERS, NUMBERS)
def test_a_bound_is_never_taken_for_another(bound: float, other: float) -> None:
    assert re.fullmatch(spelled(bound), repr(bound))
    assert bool(re.fullmatch(spelled(bound), repr(other))) == (other == bound)


@pytest.mark.parametrize(
    ("query", "expression"),
    [
        (Query(text="sum(a)"), "sum(a)"),
        (Query(text="a # all", by="lang"), "sum by (lang) (\na # all\n)"),
        (Query(text="a", part="values"), "sum (a_count{})"),
        (Query(text='a{b="c", }', part="values", by="lang"), 'sum by (lang) (a_count{b="c"})'),
    ],
)
def test_a_query_without_a_bound_adds_up(query: Query, expression: str) -> None:
    assert promql(query) == expression


@pytest.mark.parametrize("text", ["", "sum(a)", "a[5m]", 'a{b="c"', 'a{b="c"}[5m]', "a b"])
def test_a_distribution_must_be_a_name_with_matchers(text: str) -> None:
    with pytest.raises(QueryBroken):
        promql(Query(text=text, part="values"))
