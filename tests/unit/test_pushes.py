from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from backout.errors import PushRefused
from backout.pushes import Push, accepted

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


def push(at: datetime | None) -> Push:
    return Push(source="judges", key="k", at=at, counts={"a.judged": 1})


@pytest.mark.parametrize(
    "at",
    [
        None,
        NOON - timedelta(days=90),
        NOON,
        NOON + timedelta(minutes=1),
        (NOON + timedelta(seconds=30)).astimezone(timezone(timedelta(hours=9))),
    ],
)
def test_a_push_of_the_past_or_of_a_clock_that_is_a_little_ahead_is_kept_as_received_now(
    at: datetime | None,
) -> None:
    assert accepted(push(at), now=NOON) == push(at).model_copy(update={"received_at": NOON})


def test_the_time_of_receipt_is_ours_whatever_the_sender_says() -> None:
    told = push(NOON).model_copy(update={"received_at": NOON - timedelta(days=1)})
    assert accepted(told, now=NOON).received_at == NOON


@pytest.mark.parametrize(
    ("ahead", "says"),
    [(timedelta(minutes=1, seconds=1), "1m1s"), (timedelta(hours=2), "2h"), (timedelta(days=400), "400d")],
)
def test_a_push_of_the_future_is_refused(ahead: timedelta, says: str) -> None:
    with pytest.raises(PushRefused, match=f"is {says} in the future; the sender's clock may be wrong"):
        accepted(push(NOON + ahead), now=NOON)


def test_how_far_ahead_a_clock_may_be_can_be_said() -> None:
    ahead = push(NOON + timedelta(minutes=4))
    assert accepted(ahead, now=NOON, skew=timedelta(minutes=5)).at == ahead.at


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(PushRefused, match="'at' 2026-01-05T12:00:00 has no time zone; write it as in 2026-"):
        accepted(push(NOON.replace(tzinfo=None)), now=NOON)


@pytest.mark.parametrize(("minutes", "stale"), [(0, False), (5, False), (5.01, True), (-1, False)])
def test_a_push_is_stale_when_its_outputs_are_older_than_five_minutes(minutes: float, *, stale: bool) -> None:
    assert accepted(push(NOON - timedelta(minutes=minutes)), now=NOON).stale is stale


def test_a_push_that_does_not_say_when_is_of_now() -> None:
    assert not accepted(push(None), now=NOON).stale
