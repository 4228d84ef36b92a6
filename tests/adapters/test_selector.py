from __future__ import annotations

import pytest

from adapters.sources.selector import QueryBroken, parse_selector

SERIES = {"service": "chat", "release": "r2", "code": "500"}


@pytest.mark.parametrize(
    ("query", "accepted"),
    [
        ("hits_total", True),
        ("hits", False),
        ("hits_total{}", True),
        ('hits_total{release="r2"}', True),
        ('hits_total{release="r1"}', False),
        ('hits_total{release="r2", code="500",}', True),
        ('hits_total{release="r2",code="200"}', False),
        (' hits_total { release = "r2" } ', True),
        ('hits_total{release!="r1"}', True),
        ('hits_total{release!="r2"}', False),
        ('hits_total{code=~"5.."}', True),
        ('hits_total{code=~"5."}', False),
        ('hits_total{code!~"4..|5.."}', False),
        ('hits_total{code!~"5"}', True),
        ('hits_total{region=""}', True),
        ('hits_total{region!=""}', False),
        ('hits_total{region="eu"}', False),
        ('hits_total{release="r."}', False),
    ],
)
def test_a_query_accepts_what_promql_would(query: str, accepted: bool) -> None:  # noqa: FBT001  # a case
    assert parse_selector(query).accepts("hits_total", SERIES) is accepted


def test_a_value_may_have_quotes_and_backslashes() -> None:
    selector = parse_selector(r'hits_total{path="a\"b\\c\nd"}')
    assert selector.accepts("hits_total", {"path": 'a"b\\c\nd'})


@pytest.mark.parametrize("name", ["grounding.judged", "toxic-speech.v2.bad", "_x"])
def test_names_that_are_not_prometheus_may_have_dots_and_dashes(name: str) -> None:
    selector = parse_selector(f'{name}{{team.cost-centre="7"}}', dotted=True)
    assert selector.accepts(name, {"team.cost-centre": "7"})
    assert not selector.accepts(name, {"team.cost-centre": "8"})


@pytest.mark.parametrize(
    ("query", "expected"), [("5.x", "a counter's name"), (".x", "a counter's name"), ("a:b", "the end")]
)
def test_other_names_are_refused_there_too(query: str, expected: str) -> None:
    with pytest.raises(QueryBroken, match=f"expected {expected}"):
        parse_selector(query, dotted=True)


@pytest.mark.parametrize(
    ("query", "position", "expected"),
    [
        ("", 1, "a metric name"),
        ("a.b", 2, "the end"),
        ("5xx", 1, "a metric name"),
        ("a{", 3, "a label name"),
        ("a{b", 4, "one of = != =~ !~"),
        ("a{b==", 5, "a value in double quotes"),
        ("a{b=c}", 5, "a value in double quotes"),
        ('a{b="c"', 8, "',' or '}'"),
        ('a{b="c" d="e"}', 9, "',' or '}'"),
        ("a{,}", 3, "a label name"),
        ('a{b="c"}[5m]', 9, "the end"),
        ("rate(a)", 5, "the end"),
        ('a{b=~"("}', 6, "a regular expression"),
    ],
)
def test_a_query_that_cannot_be_read_is_refused_with_the_position(
    query: str, position: int, expected: str
) -> None:
    with pytest.raises(QueryBroken) as broken:
        parse_selector(query)
    assert str(broken.value).startswith(f"'{query}' at character {position}: expected {expected}")
