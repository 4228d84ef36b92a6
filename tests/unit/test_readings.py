"""Looks become readings: what was counted between two of them, and what was not."""

from __future__ import annotations

import pytest

from backout.counters import difference
from backout.counting import Reading, Totals
from backout.evaluation import Outcome, Verdict
from tests.unit.counters import INF, NAN, NONE, Look, growing, recovered, said, watched

READINGS: dict[str, tuple[Look, Look, tuple[int, int]]] = {
    "what was counted since": ((10, 1000), (13, 1100), (3, 100)),
    "nothing happened": ((10, 1000), (10, 1000), (0, 0)),
    "a sum that fell: a service restarted, or a replica left": ((10, 1000), (2, 950), (0, 0)),
    "more bad than judged is nonsense": ((10, 1000), (30, 1010), (0, 0)),
    "the first look has nothing to compare with": ((NONE, NONE), (10, 1000), (0, 0)),
    "no bad counter": ((10, 1000), (NONE, 1100), (0, 0)),
    "no judged counter": ((10, 1000), (13, NONE), (0, 0)),
    "not a number, as Prometheus answers 0/0": ((10, 1000), (NAN, 1100), (0, 0)),
    "a judged that is not a number": ((10, 1000), (13, NAN), (0, 0)),
    "not a number before": ((NAN, NAN), (13, 1100), (0, 0)),
    "infinite": ((10, 1000), (13, INF), (0, 0)),
    "infinite before": ((10, INF), (13, 1100), (0, 0)),
    "negative": ((10, 1000), (-1, 1100), (0, 0)),
    "negative before": ((-5, -5), (13, 1100), (0, 0)),
}


@pytest.mark.parametrize("case", READINGS)
def test_a_reading_is(case: str) -> None:
    before, now, (bad, judged) = READINGS[case]
    reading = difference(Totals(bad=before[0], of=before[1]), Totals(bad=now[0], of=now[1]))
    assert reading == Reading(bad=bad, judged=judged)


def test_a_watch_keeps_its_window_and_everything_it_counted() -> None:
    watch = watched(growing(5, 2, 100), keep=3)
    track = watch.tracks["errors"]
    assert watch.ticks == 6
    assert track.recent == (Reading(bad=2, judged=100),) * 3
    assert (track.bad, track.judged, track.silent) == (10, 500, 0)


def test_a_look_without_data_loses_nothing_of_what_is_counted_later() -> None:
    track = watched([(0, 0), (1, 100), (NONE, NONE), (NAN, INF), (3, 300)]).tracks["errors"]
    assert [(reading.bad, reading.judged) for reading in track.recent] == [
        (0, 0),
        (1, 100),
        (0, 0),
        (0, 0),
        (2, 200),
    ]
    assert track.totals == Totals(bad=3, of=300)


def test_what_is_smaller_than_one_waits_until_it_is_whole() -> None:
    looks: list[Look] = [(0.4 * n, 2.5 * n) for n in range(11)]
    track = watched(looks).tracks["errors"]
    assert (track.bad, track.judged) == (4, 25)
    slow: list[Look] = [(0.1 * n, 0.4 * n) for n in range(11)]
    assert (watched(slow).tracks["errors"].bad, watched(slow).tracks["errors"].judged) == (1, 4)


def test_an_old_answer_that_comes_late_is_counted_neither_twice_nor_as_a_restart() -> None:
    looks: list[Look] = [(0, 0), (2, 100), (1, 50), (3, 150), (1, 90), (4, 200)]
    track = watched(looks).tracks["errors"]
    assert (track.bad, track.judged) == (4, 200)


def test_a_counter_that_stays_below_is_a_restart_and_counts_from_there() -> None:
    looks: list[Look] = [(0, 0), (20, 1000), (1, 30), (2, 60), (3, 90)]
    track = watched(looks).tracks["errors"]
    assert (track.bad, track.judged) == (22, 1060)
    assert track.totals == Totals(bad=3, of=90)


def replicas(*of_second: tuple[int, int] | None) -> list[Look]:
    """Return looks at the sum of two replicas; what the second one shows is given, None while it is away."""
    looks: list[Look] = []
    for number, second in enumerate(of_second):
        bad, of = second or (0, 0)
        looks.append((100 + 40 * number + bad, 5000 + 50 * number + of))
    return looks


AWAY, BACK = None, (1000, 100_000)


@pytest.mark.parametrize("ticks", [1, 2, 3, 20])
def test_a_replica_that_left_the_sum_and_comes_back_brings_nothing_but_what_is_new(ticks: int) -> None:
    track = watched(replicas(BACK, BACK, *[AWAY] * ticks, BACK, BACK)).tracks["errors"]
    assert (track.bad, track.judged) == (40 * (ticks + 3), 50 * (ticks + 3))


def test_a_replica_that_comes_back_neither_shows_recovery_nor_takes_evidence_away() -> None:
    well = (10, 1_000_000)
    looks = replicas(well, *[AWAY] * 15, well)
    assert recovered(looks).outcome is Outcome.FIRED
    assert said(looks).factors[0].verdict is Verdict.BREACHED


def test_what_came_back_is_named_and_what_came_beside_it_counts() -> None:
    looks = replicas(BACK, BACK, AWAY, AWAY, AWAY, (1007, 100_010))
    found = said(looks)
    assert found.not_counted == ("errors: 99950 judged came back with what had left the sum",)
    assert watched(looks).tracks["errors"].recent[-1] == Reading(bad=87, judged=110)
    assert said([*looks, (9000, 200_000)]).not_counted == ()


@pytest.mark.parametrize(
    ("second", "counted"),
    [
        pytest.param((900, 90_000), (940, 90_050), id="less than had left"),
        pytest.param((99_000, 100_000), (99_040, 100_050), id="worse than what had left"),
    ],
)
def test_a_jump_that_is_not_what_had_left_is_counted(
    second: tuple[int, int], counted: tuple[int, int]
) -> None:
    track = watched(replicas(BACK, BACK, AWAY, AWAY, AWAY, second)).tracks["errors"]
    assert (track.recent[-1].bad, track.recent[-1].judged) == counted


def test_a_jump_like_those_before_it_is_traffic_and_no_replica() -> None:
    looks: list[Look] = [(0, 0), (0, 2000), (0, 100), (0, 200), (0, 300), (0, 2300)]
    assert watched(looks).tracks["errors"].recent[-1].judged == 2000
    alone = watched(looks, keep=1).tracks["errors"]
    assert alone.recent == (Reading(judged=2000),)


@pytest.mark.parametrize("between", ["a look in which nothing happened", "an old answer"])
def test_what_had_left_is_remembered_over(between: str) -> None:
    *before, away, back = replicas(BACK, BACK, AWAY, AWAY, AWAY, BACK)
    shown = before[-1] if between == "an old answer" else away
    assert watched([*before, away, shown, back]).tracks["errors"].recent[-1].judged < 200


def test_what_had_left_comes_back_once() -> None:
    looks = replicas(BACK, BACK, AWAY, AWAY, AWAY, BACK, (2000, 200_000))
    assert watched(looks).tracks["errors"].recent[-1].judged == 100_050


@pytest.mark.parametrize("late", [1, 2, 4])
def test_bad_that_is_seen_before_it_is_judged_waits_for_it(late: int) -> None:
    looks: list[Look] = [(0, 0), *[(5, 0)] * late, (5, 5), *[(10, 5)] * late, (10, 10)]
    track = watched(looks).tracks["errors"]
    assert (track.bad, track.judged) == (10, 10)
    assert Reading(bad=0, judged=5) not in track.recent


def test_what_stays_nonsense_is_blind_and_said_and_counts_once_it_makes_sense_again() -> None:
    looks: list[Look] = [*growing(5, 0, 100), *[(2000.0, 50_500.0 + 100 * tick) for tick in range(1, 7)]]
    found = said(looks)
    assert found.factors[0].verdict is Verdict.BLIND
    assert found.not_counted == ("errors: 1000 bad of 600 judged is nonsense",)
    right = watched([*looks, (1001, 51_200)]).tracks["errors"]
    assert (right.bad, right.judged) == (1, 1200)


@pytest.mark.parametrize(
    ("look", "why"),
    [
        pytest.param((9, 900), "errors: a counter fell (a restart, or an old answer)", id="fell"),
        pytest.param((30, 1010), "errors: 20 bad of 10 judged is nonsense", id="more bad than judged"),
        pytest.param((NAN, 1010), "errors: nan, 1010 is no count", id="not a number"),
        pytest.param((-1, 1010), "errors: -1, 1010 is no count", id="negative"),
    ],
)
def test_what_is_not_counted_is_said_with_the_reason(look: Look, why: str) -> None:
    assert said([(10, 1000), look]).not_counted == (why,)


def test_a_restart_is_said_once_and_then_counted() -> None:
    looks: list[Look] = [(20, 1000), (1, 30), (2, 60)]
    assert said(looks[:2]).not_counted == ("errors: a counter fell (a restart, or an old answer)",)
    assert said(looks).not_counted == ()


def test_what_is_counted_or_did_not_answer_is_not_listed_as_not_counted() -> None:
    assert said([(10, 1000), (11, 1100)]).not_counted == ()
    assert said([(10, 1000), (NONE, NONE)]).not_counted == ()
