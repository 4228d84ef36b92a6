"""How much a sender may bring in a while."""

from __future__ import annotations

import pytest

from backout.errors import RateLimited
from gateway.pace import Pace


class Seconds:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Seconds:
    return Seconds()


@pytest.fixture
def pace(clock: Seconds) -> Pace:
    return Pace("The door", per_s=2, burst=10, clock=clock)


def test_a_burst_passes_and_what_comes_after_it_waits(pace: Pace) -> None:
    pace.take(10)
    with pytest.raises(RateLimited, match=r"The door takes no more messages for 0\.5 s") as refused:
        pace.take()
    assert refused.value.retry_after_s == 0.5


def test_whoever_waits_as_long_as_told_passes(pace: Pace, clock: Seconds) -> None:
    pace.take(10)
    with pytest.raises(RateLimited) as refused:
        pace.take(4)
    clock.now += refused.value.retry_after_s
    pace.take(4)
    with pytest.raises(RateLimited):
        pace.take()


def test_what_is_refused_uses_nothing_up(pace: Pace) -> None:
    pace.take(8)
    with pytest.raises(RateLimited):
        pace.take(3)
    pace.take(2)


def test_a_long_silence_saves_up_no_more_than_a_burst(pace: Pace, clock: Seconds) -> None:
    clock.now += 3600
    pace.take(10)
    with pytest.raises(RateLimited):
        pace.take()


def test_a_wait_is_never_told_as_none(pace: Pace, clock: Seconds) -> None:
    pace.take(10)
    clock.now += 0.49
    with pytest.raises(RateLimited) as refused:
        pace.take()
    assert refused.value.retry_after_s == 0.1
