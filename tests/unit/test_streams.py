from __future__ import annotations

import pytest

from backout.counting import Query
from backout.guard import Place
from backout.streams import asked

PLACE = Place(service="chat", release="r2", baseline="r1")


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ('a{x="$release"}', 'a{x="r2"}'),
        ("${service}/${release}/$baseline", "chat/r2/r1"),
        ("$other $$ :release", "$other $ :release"),
    ],
)
def test_dollar_names_are_filled_into_the_text_and_that_is_told(text: str, filled: str) -> None:
    query = asked(Query(text=text), PLACE)
    assert (query.text, query.pasted) == (filled, True)


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("x = :release", (("release", "r2"),)),
        ("x = :service AND y IN (:baseline, :release, :release)", ("baseline", "release", "service")),
        ("x < :at AND y = :unknown", ()),
        ("job:release:rate5m", ()),
        ("x::release", ()),
        (r"x = '\:release'", ()),
    ],
)
def test_colon_names_stay_in_the_text_and_have_their_values_beside_it(
    text: str, bound: tuple[str | tuple[str, str], ...]
) -> None:
    query = asked(Query(text=text), PLACE)
    assert (query.text, query.pasted) == (text, False)
    values = PLACE.model_dump()
    assert query.bound == tuple(one if isinstance(one, tuple) else (one, values[one]) for one in bound)


def test_a_query_that_names_no_release_is_the_same_for_all_of_them() -> None:
    other = Place(service="chat", release="r9")
    query = Query(text="sum(job:release:rate5m)", by="language")
    assert asked(query, PLACE) == asked(query, other) == query
    assert len({asked(query, PLACE), query}) == 1
