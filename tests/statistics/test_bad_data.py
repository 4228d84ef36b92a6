"""Missing, stale, late and repeated data make no verdict healthier and never alone make a breach."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backout.counting import Reading
from backout.evaluation import Outcome, Verdict
from backout.weighing import BLIND_AFTER_TICKS
from tests.invariants.properties import quickly
from tests.statistics.streams import (
    SILENT,
    SUSTAIN,
    Count,
    Look,
    head_start,
    look_at,
    looks,
    recovered,
    said,
    verdict,
    watched,
)

NAN, INF = float("nan"), float("inf")
TICKS = st.lists(
    st.sampled_from([(0, 0), (0, 125), (1, 125), (4, 125), (125, 125), (3, 10)]), min_size=1, max_size=30
)
NO_ANSWERS = st.sampled_from([SILENT, (NAN, 7.0), (3.0, None), (NAN, NAN), (INF, INF), (-1.0, 5.0)])


def repeated(shown: list[Look], times: list[int]) -> list[Look]:
    """Return the looks with each one read again so often."""
    return [look for look, more in zip(shown, times, strict=False) for _ in range(more + 1)]


@given(TICKS, st.lists(st.integers(0, 6), min_size=31, max_size=31))
@quickly
def test_counters_that_stand_still_or_are_read_twice_move_nothing_and_end_blind(
    ticks: list[Count], times: list[int]
) -> None:
    shown = looks(ticks)
    once, again = verdict(watched(shown)), verdict(watched(repeated(shown, times)))
    assert (again.bad, again.judged, again.evidence) == (once.bad, once.judged, once.evidence)
    assert again.verdict in {once.verdict, Verdict.BLIND}


@given(TICKS, st.lists(st.tuples(st.integers(1, 30), NO_ANSWERS), max_size=40))
@quickly
def test_looks_without_an_answer_move_nothing_and_end_blind(
    ticks: list[Count], gaps: list[tuple[int, Look]]
) -> None:
    shown = looks(ticks)
    gappy = list(shown)
    for place, look in gaps:
        gappy.insert(place, look)
    once, again = verdict(watched(shown)), verdict(watched(gappy))
    assert (again.bad, again.judged, again.evidence) == (once.bad, once.judged, once.evidence)
    assert again.verdict in {once.verdict, Verdict.BLIND}


@given(TICKS, st.sampled_from(["silent", "still"]))
@quickly
def test_at_no_look_of_a_silence_is_the_verdict_healthier_or_newly_breached(
    ticks: list[Count], how: str
) -> None:
    shown = looks(ticks)
    watch = watched(shown)
    before, allowed = said(watch), {verdict(watch).verdict, Verdict.BLIND}
    for quiet in range(1, 9):
        watch = look_at(watch, SILENT if how == "silent" else shown[-1])
        assert verdict(watch).verdict in allowed
        if quiet >= BLIND_AFTER_TICKS:
            assert verdict(watch).verdict in {Verdict.BLIND, Verdict.BREACHED}
            assert recovered(watch).outcome is Outcome.INCONCLUSIVE
            assert said(watch).outcome in {Outcome.INCONCLUSIVE, Outcome.FIRED}
    assert (said(watch).rule is None) == (before.rule is None)


def late(ticks: list[Count], answered: list[bool]) -> list[Look]:
    """Return the looks at honest counters whose source answers only now and then, and at the end."""
    shown = looks(ticks)
    return [
        look if here or look is shown[-1] or number == 0 else SILENT
        for number, (look, here) in enumerate(zip(shown, [True, *answered], strict=False))
    ]


@given(TICKS, st.lists(st.booleans(), min_size=31, max_size=31))
@quickly
def test_what_comes_late_is_counted_whole_when_it_comes(ticks: list[Count], answered: list[bool]) -> None:
    # The last tick has data: else the source on time would be blind where the late one has just spoken.
    ticks = [*ticks, (1, 125)]
    on_time, delayed = watched(looks(ticks)), watched(late(ticks, answered))
    assert (verdict(delayed).bad, verdict(delayed).judged) == (verdict(on_time).bad, verdict(on_time).judged)
    assert recovered(delayed).factors[0].bad == recovered(on_time).factors[0].bad
    assert recovered(delayed).outcome is recovered(on_time).outcome


@given(TICKS, st.integers(1, 10**6), st.integers(1, 500))
@quickly
def test_one_arrival_is_one_tick_so_a_backlog_alone_never_breaches(
    ticks: list[Count], bad: int, silence: int
) -> None:
    shown = looks(ticks)
    watch = watched(shown)
    before = verdict(watch)
    waited = watched([SILENT] * min(silence, 8), watch)
    (arrival,) = looks([(bad, bad)], after=shown[-1])[1:]
    after = verdict(look_at(waited, arrival))
    assert before.evidence <= after.evidence <= (before.evidence + 1) * head_start(1) * (1 + 1e-9)
    if before.evidence < head_start(SUSTAIN - 1) * (1 - 1e-6):
        assert after.verdict is not Verdict.BREACHED


@given(st.integers(1, 50), st.integers(50, 10**6))
@quickly
def test_bad_data_that_comes_late_is_no_all_clear(silence: int, bad: int) -> None:
    shown = looks([(0, 125)] * 5)
    watch = watched([*shown, *[SILENT] * silence])
    (arrival,) = looks([(bad, bad)], after=shown[-1])[1:]
    after = look_at(watch, arrival)
    assert said(after).outcome is not Outcome.CLEAR
    assert recovered(after).outcome is Outcome.FIRED


@given(st.integers(0, 3), st.booleans())
@quickly
def test_a_source_that_answers_every_few_looks_finds_a_bad_release_after_as_many_answers(
    skipped: int,
    stands_still: bool,  # noqa: FBT001
) -> None:
    shown = looks([(125, 125)] * (SUSTAIN * (skipped + 1)))
    held: list[Look] = []
    for number, look in enumerate(shown):
        old = held[-1] if held and stands_still else SILENT
        held.append(look if number % (skipped + 1) == 0 else old)
    assert verdict(watched(held[:-1])).verdict is not Verdict.BREACHED
    assert verdict(watched(held)).verdict is Verdict.BREACHED


RESTARTS = st.lists(st.integers(1, 59), max_size=5, unique=True)


def with_restarts(ticks: list[Count], restarts: list[int]) -> list[Look]:
    """Return looks at counters that begin at zero again before these ticks."""
    shown: list[Look] = [(0, 0)]
    for number, (bad, judged) in enumerate(ticks, start=1):
        (last_bad, last_of) = (0.0, 0.0) if number in restarts else shown[-1]
        shown.append(((last_bad or 0) + bad, (last_of or 0) + judged))
    return shown


@given(RESTARTS, st.integers(0, 10**6))
@quickly
def test_restarts_add_nothing_to_what_was_counted(restarts: list[int], seed: int) -> None:
    draw = Random(seed)
    ticks = [(draw.randint(0, 2), draw.randint(100, 150)) for _ in range(60)]
    restarted = watched(with_restarts(ticks, restarts))
    assert verdict(restarted).judged <= sum(judged for _, judged in ticks)
    assert verdict(restarted).bad <= sum(bad for bad, _ in ticks)
    assert verdict(restarted).verdict is not Verdict.BREACHED


@pytest.mark.parametrize("rate", [1, 125], ids=["healthy", "bad"])
def test_a_service_that_restarts_every_minute_loses_those_ticks_and_no_verdict(rate: int) -> None:
    ticks = [(rate, 125)] * 40
    every_minute = [number for number in range(1, 41) if number % 4 == 0]
    steady, restarting = watched(looks(ticks)), watched(with_restarts(ticks, every_minute))
    assert verdict(restarting).verdict is verdict(steady).verdict
    kept = [reading.judged for reading in restarting.watch.tracks["errors"].recent]
    assert kept == [0 if number in every_minute else 125 for number in range(1, 41)]


def test_a_replica_that_leaves_the_sum_does_not_look_like_a_recovery() -> None:
    lifetime = [(9_000 + 25 * tick, 900_000 + 125 * tick) for tick in range(20)]
    without_one = [(8_100 + 25 * tick, 810_000 + 125 * tick) for tick in range(20, 40)]
    watch = watched([*lifetime, *without_one])
    assert max(reading.judged for reading in watch.watch.tracks["errors"].recent) == 125
    assert verdict(watch).verdict is Verdict.BREACHED


def test_a_restart_that_shows_more_bad_than_judged_is_no_data() -> None:
    watch = watched([*looks([(1, 125)] * 3), (9, 5)])
    assert watch.watch.tracks["errors"].recent[-1] == Reading()
    assert verdict(watch).judged == 3 * 125
