"""What a baseline served: its counter over the time in which it may have shown itself."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backout import proving
from backout.proof import Served
from backout.proving import TICKS
from tests.invariants.properties import widely
from tests.unit import proofs
from tests.unit.proofs import DAY, NOW, asked, known


def test_the_count_is_looked_at_now_and_before_the_candidate_was_registered() -> None:
    last, before = proving.stretches(asked(), proofs.record("r2", NOW - 3 * DAY), now=NOW)
    assert (last.start, last.end, last.before) == (NOW - DAY, NOW, "")
    assert (before.start, before.end, before.before) == (NOW - 4 * DAY, NOW - 3 * DAY, "r2")
    assert proving.stretches(asked(), None, now=NOW) == (last,)


def counted(*counts: float | None) -> Served:
    empty = Served(start=NOW - DAY, end=NOW)
    return proving.counted(empty, counts, tick=DAY / TICKS)


def test_a_counter_counts_from_its_first_look_to_its_last() -> None:
    found = counted(*proofs.rising(100))
    assert (found.requests, found.since, found.until) == (100 * TICKS, NOW - DAY, NOW)
    late = counted(None, None, 500, 700, None)
    assert (late.requests, late.since) == (200, NOW - DAY + timedelta(hours=1))
    assert late.until == NOW - DAY + timedelta(hours=1.5)


@pytest.mark.parametrize("nothing", [(), (None, None), (float("nan"),), (-1.0,)])
def test_no_data_is_no_requests_and_no_time(nothing: tuple[float | None, ...]) -> None:
    found = counted(*nothing)
    assert (found.requests, found.since, found.until) == (0, None, None)
    assert not proving.proof(asked(), known(served=(found,)), None, ()).is_proven


def test_a_counter_that_begins_anew_goes_on_and_a_replica_that_comes_back_does_not_count_twice() -> None:
    assert counted(1000, 2000, 0, 100, 1100).requests == 2100
    assert counted(1_000_000, 1_000_100, 500_100, 500_200, 1_000_300).requests < 1000


@widely
@given(st.lists(st.one_of(st.none(), st.floats(0, 1e9)), max_size=TICKS + 1))
def test_no_counter_proves_more_than_it_rose(counts: list[float | None]) -> None:
    told = [one for one in counts if one is not None]
    rises = sum(max(0.0, after - before) for before, after in pairwise(told))
    assert counted(*counts).requests <= rises + len(told)
