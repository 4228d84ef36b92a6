"""Bad outputs that are seen before they are judged: counted as far as something is judged, and never lost."""

from __future__ import annotations

from itertools import accumulate
from math import sqrt
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backout import detector
from backout.counting import Reading, Totals
from backout.evaluation import Verdict
from backout.triggers import tick
from backout.watch import Watch
from tests.invariants.properties import quickly
from tests.unit.counters import ERRORS, Look, growing, said, watched
from tests.unit.guards import guard_of, look_of
from tests.unit.views import OPENED

GUARD = guard_of(ERRORS)
NEEDED = 12
"""Ticks of the shortest breach."""


def total(counts: list[int]) -> list[int]:
    return list(accumulate(counts, initial=0))


def ahead(bad: list[int], judged: list[int]) -> list[Look]:
    """Return looks in which what is bad is seen a tick before it is judged."""
    return [(float(b), float(n)) for b, n in zip(total(bad)[1:], total(judged), strict=False)]


def verdicts(looks: list[Look]) -> list[Verdict]:
    """Return what is said of the criterion at each look."""
    watch, found = Watch(started_at=OPENED), []
    for number, (bad, of) in enumerate(looks):
        watch, said = tick(watch, look_of(number, errors=Totals(bad=bad, of=of)), guard=GUARD, keep=1)
        found.append(said.factors[0].verdict)
    return found


def traffic(mean: float, ticks: int, seed: int) -> list[int]:
    draw = Random(seed)
    return [max(0, round(draw.gauss(mean, sqrt(mean)))) for _ in range(ticks)]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("mean", "within"), [(3, 60), (30, 15), (1000, 15)])
@pytest.mark.parametrize("rate", [1, 0.99])
def test_a_release_of_which_everything_is_bad_is_found(
    mean: int, within: int, rate: float, seed: int
) -> None:
    draw, judged = Random(seed), traffic(mean, 120, seed)
    bad = [sum(draw.random() < rate for _ in range(n)) for n in judged]
    found = verdicts(ahead(bad, judged))
    assert found[within:] == [Verdict.BREACHED] * (len(found) - within)
    assert found[1:].count(Verdict.BLIND) < 20


@pytest.mark.parametrize("times", [0.1, 2, 10])
def test_it_is_found_as_well_where_the_traffic_changes_as_it_turns_bad(times: float) -> None:
    before, after = traffic(200, 40, 1), traffic(200 * times, 60, 2)
    found = verdicts(ahead([0] * 40 + after, before + after))
    assert found[39] is Verdict.HEALTHY
    assert found[-20:] == [Verdict.BREACHED] * 20


def test_it_is_found_where_the_watch_had_no_data_for_long_before() -> None:
    judged = list(range(100, 140))
    found = verdicts([*[(None, None)] * 500, *ahead(judged, judged)])
    assert found[-20:] == [Verdict.BREACHED] * 20


GROWTH = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 12)) | st.tuples(st.integers(0, 5000), st.integers(0, 5000)),
    min_size=1,
    max_size=40,
)


@given(GROWTH)
@quickly
def test_no_bad_output_is_ever_lost_or_counted_twice(growth: list[tuple[int, int]]) -> None:
    bad, of = (total([one[arm] for one in growth]) for arm in (0, 1))
    looks: list[Look] = [(float(b), float(n)) for b, n in zip(bad, of, strict=True)]
    for shown in range(1, len(looks) + 1):
        track = watched(looks[:shown]).tracks["errors"]
        assert track.totals == Totals(bad=track.bad, of=track.judged)
        assert track.recent[-1].bad <= track.recent[-1].judged
        assert track.bad <= bad[shown - 1]
    caught_up = watched([*looks, (bad[-1], of[-1] + bad[-1])]).tracks["errors"]
    assert (caught_up.bad, caught_up.judged) == (bad[-1], of[-1] + bad[-1])


@given(GROWTH, st.integers(0, 5000), st.integers(1, 5000))
@quickly
def test_more_bad_than_judged_makes_no_verdict_healthier(
    growth: list[tuple[int, int]], more: int, judged: int
) -> None:
    bad, of = (total([one[arm] for one in growth]) for arm in (0, 1))
    looks: list[Look] = [(float(b), float(n)) for b, n in zip(bad, of, strict=True)]
    before = watched(looks)
    counted = before.tracks["errors"].totals
    since = of[-1] + judged - (counted.of or 0)
    after = watched([*looks, (max((counted.bad or 0) + since, bad[-1]) + more, of[-1] + judged)])
    assert evidence(after) >= evidence(before)


def evidence(watch: Watch) -> float:
    return detector.evidence(watch.evidence["error-limit"])


WRONG = (1.1, 1.25, 1.5, 2, 3, 10)
"""How many times as much as the judged a wrong query counts."""


@pytest.mark.parametrize("times", WRONG)
@pytest.mark.parametrize("mean", [10, 100, 1000])
def test_a_query_that_counts_something_larger_than_the_judged_ends_blind_and_breaches_nothing(
    mean: int, times: float
) -> None:
    judged = traffic(mean, 200, mean)
    looks: list[Look] = [(float(round(times * n)), float(n)) for n in total(judged)]
    found = verdicts(looks)
    assert Verdict.BREACHED not in found
    assert found[-150:] == [Verdict.BLIND] * 150
    (why,) = said(looks).not_counted
    assert why.startswith("errors:")
    assert why.endswith("is nonsense")
    counted = sum(one.judged > 0 for one in watched(looks, keep=200).tracks["errors"].recent)
    assert counted <= 1 / (times - 1) + 3 < NEEDED + 2


@pytest.mark.parametrize("times", WRONG)
@pytest.mark.parametrize("what", ["the source did not answer for an hour", "there is ten times the traffic"])
def test_it_stays_blind_where(what: str, times: float) -> None:
    silent: list[Look] = [(None, None)] * 240 if "answer" in what else []
    grown = 100 if "answer" in what else 1000
    looks: list[Look] = [(float(round(times * n)), float(n)) for n in range(0, 3000, 100)]
    bad, of = times * 2900, 2900
    late: list[Look] = [(float(round(bad + times * grown * n)), float(of + grown * n)) for n in range(24, 80)]
    found = verdicts([*looks, *silent, *late])
    assert Verdict.BREACHED not in found
    assert found[-50:] == [Verdict.BLIND] * 50


def test_twice_as_many_bad_as_judged_are_nonsense_at_once() -> None:
    assert watched([(0, 0), (19, 10)]).tracks["errors"].recent[-1] == Reading(bad=10, judged=10)
    assert watched([(0, 0), (20, 10)]).tracks["errors"].recent[-1] == Reading()


def test_what_waits_is_said_until_it_is_counted() -> None:
    looks: list[Look] = [*growing(5, 0, 100), (1130, 50_600)]
    assert said(looks).not_counted == ("errors: 30 bad wait for what is judged next",)
    assert said([*looks, (1130, 50_700)]).not_counted == ()
    track = watched([*looks, (1130, 50_700)]).tracks["errors"]
    assert track.recent[-2:] == (Reading(bad=100, judged=100), Reading(bad=30, judged=100))
