"""Pushed counts as a source."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.sources.push import PushedCounts
from adapters.stores.pushes import SqlitePushes
from backout.counting import Counted, Query
from backout.pushes import Push, accepted
from tests.adapters.asking import answer, count, counts, problem, values
from tests.adapters.pushing import MONTH, NOON, clocked, history, push


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "state" / "pushes.db")


@pytest.fixture
async def store(path: str) -> AsyncIterator[SqlitePushes]:
    store = SqlitePushes(path, MONTH)
    yield store
    await store.aclose()


@pytest.fixture
async def source(path: str) -> AsyncIterator[PushedCounts]:
    source = PushedCounts(path)
    yield source
    await source.aclose()


async def test_pushes_add_up_and_repeats_count_once(store: SqlitePushes, source: PushedCounts) -> None:
    for key in ("k", "l", "k"):
        await store.take(push=push(key))
    assert await counts(source, "a.judged", "a.bad") == [20, 2]


async def test_without_any_push_there_is_no_data(source: PushedCounts) -> None:
    assert await problem(source, "a.judged") == "no push had a counter 'a.judged'. Known: none"
    assert await history(source, "a.judged", 0, 1) == [{}, {}]


async def test_an_unknown_counter_is_no_data_and_names_the_known_ones(
    store: SqlitePushes, source: PushedCounts
) -> None:
    await store.take(push=push("k"))
    assert await problem(source, "a.judgd") == "no push had a counter 'a.judgd'. Known: a.bad, a.judged"


async def test_a_count_of_zero_is_data(store: SqlitePushes, source: PushedCounts) -> None:
    await store.take(push=push("k", a_bad=0))
    assert await count(source, "a.bad") == 0


async def test_a_query_selects_by_labels(store: SqlitePushes, source: PushedCounts) -> None:
    await store.take(push=push("k", labels="service=chat release=r2", a_bad=3))
    await store.take(push=push("l", labels="service=chat release=r1", a_bad=4))
    await store.take(push=push("m", labels="service=image release=r2", a_bad=5))
    assert await counts(
        source, "a.bad", 'a.bad{service="chat", release="r2"}', 'a.bad{release!="r2"}', 'a.bad{release=~"r."}'
    ) == [12, 3, 4, 12]
    assert await problem(source, 'a.bad{release="r9"}') == "no push of 'a.bad' has such labels"


async def test_names_of_counters_and_labels_may_have_dots_and_dashes(
    store: SqlitePushes, source: PushedCounts
) -> None:
    one = Push(source="s", key="k", labels={"team.cost-centre": "7"}, counts={"toxic-speech.bad": 2})
    await store.take(push=accepted(one, now=NOON))
    assert await count(source, 'toxic-speech.bad{team.cost-centre="7"}') == 2


async def test_cohorts_are_told_apart_by_a_label(store: SqlitePushes, source: PushedCounts) -> None:
    for key, labels, bad in (("k", "language=de", 1), ("l", "language=en", 2), ("m", "language=de", 3)):
        await store.take(push=push(key, labels=labels, a_bad=bad))
    await store.take(push=push("n", a_bad=9))
    assert (await answer(source, "a.bad", by="language")).counts == {"de": 4, "en": 2, "(none)": 9}
    assert await problem(source, "a.bad", by="country") == "'a.bad': no series has the label 'country'"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "'' at character 1: expected a counter's name, as in name{label=\"value\"}."),
        ("a.bad{release=r2}", "at character 15: expected a value in double quotes"),
        ("sum(a.bad)", "at character 4: expected the end"),
        ('a.bad{release=~"("}', "at character 16: expected a regular expression"),
    ],
)
async def test_a_query_that_makes_no_sense_has_a_problem_and_spoils_no_other(
    store: SqlitePushes, source: PushedCounts, text: str, says: str
) -> None:
    await store.take(push=push("k"))
    broken, sound = await source.look(queries=[Query(text=text), Query(text="a.bad")])
    assert (says in broken.problem, broken.counts, sound.total) == (True, {}, 1)
    (then,) = await source.history(queries=[Query(text=text)], start=NOON, end=NOON, tick=MONTH)
    assert says in then[0].problem


async def test_pushes_have_no_distributions(store: SqlitePushes, source: PushedCounts) -> None:
    await store.take(push=push("k"))
    assert "use a ratio" in (await values(source, "a.bad", up_to=0.5)).problem


async def test_stale_pushes_count_for_late_labels_only_and_are_told(
    store: SqlitePushes, source: PushedCounts
) -> None:
    await store.take(push=push("k", now=10, made=0, a_bad=1))
    unseen = await clocked(source, "a.bad", "arrival")
    assert unseen == Counted(
        problem="late by more than 5m and not counted: 1 pushes; `clock: labelled` counts what comes late"
    )
    await store.take(push=push("l", now=10, made=5, a_bad=2))
    await store.take(push=push("m", now=10, made=4, a_bad=4))
    seen = await clocked(source, "a.bad", "arrival")
    assert seen == Counted(counts={"": 2}, note="late by more than 5m and not counted: 2 pushes")
    assert await clocked(source, "a.bad", "labelled") == Counted(counts={"": 7})


async def test_the_clocks_place_a_push_when_its_outputs_were_made_or_when_it_came(
    store: SqlitePushes, source: PushedCounts
) -> None:
    await store.take(push=push("k", now=2, made=0, a_bad=1))
    await store.take(push=push("l", now=4, made=3, a_bad=2))
    await store.take(push=push("m", now=9, made=1, a_bad=4))
    assert await history(source, "a.bad", -1, 0, 1, 2, 3, 4) == [
        {},
        {"": 1},
        {"": 1},
        {"": 1},
        {"": 3},
        {"": 3},
    ]
    labelled = await history(source, "a.bad", 1, 2, 3, 4, clock="labelled")
    assert labelled == [{}, {"": 1}, {"": 1}, {"": 3}]
    assert await history(source, "a.bad", 9, clock="labelled") == [{"": 7}]


async def test_history_begins_with_what_was_counted_before(store: SqlitePushes, source: PushedCounts) -> None:
    for minute in range(5):
        await store.take(push=push(f"k{minute}", now=minute, labels=f"language={'de' if minute else 'en'}"))
    assert await history(source, "a.judged", 2, 3, 4, 5) == [{"": 30}, {"": 40}, {"": 50}, {"": 50}]
    assert await history(source, "a.judged", 0, 1, by="language") == [{"en": 10}, {"en": 10, "de": 10}]


async def test_history_ends_where_a_look_stands(store: SqlitePushes, source: PushedCounts) -> None:
    for minute in (3, 1, 2):
        await store.take(push=push(f"k{minute}", now=minute, a_bad=minute))
    assert await history(source, "a.bad", 9) == [{"": await count(source, "a.bad")}]
