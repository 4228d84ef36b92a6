"""Who is on call: turns begin at a local time, whatever clocks do; overrides stand above them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from backout.on_call import Handover, next_handover, on_call
from backout.rotas import Override, WeeklyRota
from tests.invariants.properties import quickly

ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Kathmandu",
    "UTC",
    "America/Sao_Paulo",
    "Africa/Casablanca",
)
MINUTE = timedelta(minutes=1)


def rota(**changes: object) -> WeeklyRota:
    """Return a rota of three people in Berlin who hand over on Mondays at nine."""
    return WeeklyRota.model_validate(
        {
            "kind": "weekly",
            "people": ["ann", "ben", "cleo"],
            "start": "2026-01-05",
            "handover": "09:00",
            "zone": "Europe/Berlin",
            **changes,
        }
    )


def override(person: str, start: str, end: str) -> dict[str, str]:
    return {"person": person, "start": start, "end": end}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("moment", "person"),
    [
        pytest.param("2026-01-05T07:59:59Z", None, id="nobody before the first hand-over"),
        pytest.param("2026-01-05T08:00:00Z", "ann", id="the first from the first hand-over on"),
        pytest.param("2026-01-12T07:59:59Z", "ann", id="the first up to the second hand-over"),
        pytest.param("2026-01-12T08:00:00Z", "ben", id="the second after a week"),
        pytest.param("2026-01-26T08:00:00Z", "ann", id="the first again after all of them"),
        pytest.param("2026-03-30T06:59:59Z", "cleo", id="summer time began: not yet at nine o'clock"),
        pytest.param("2026-03-30T07:00:00Z", "ann", id="summer time began: an hour earlier in UTC"),
        pytest.param("2026-10-26T08:00:00Z", "ann", id="summer time ended: an hour later again"),
        pytest.param("2026-10-26T07:59:59Z", "cleo", id="summer time ended: not at the summer's hour"),
    ],
)
def test_turns_begin_at_the_local_time_also_when_clocks_change(moment: str, person: str | None) -> None:
    assert on_call(rota(), at(moment)) == person


@pytest.mark.parametrize(
    ("start", "handover", "begins"),
    [
        ("2026-03-29", "02:30", "2026-03-29T01:30:00Z"),
        ("2026-10-25", "02:30", "2026-10-25T00:30:00Z"),
    ],
    ids=["a time that clocks skip is an hour later", "a time that they show twice is the first"],
)
def test_a_hand_over_in_the_hour_of_the_change(start: str, handover: str, begins: str) -> None:
    odd = rota(start=start, handover=handover)
    assert on_call(odd, at(begins)) == "ann"
    assert on_call(odd, at(begins) - timedelta(seconds=1)) is None


def test_of_overrides_the_one_that_stands_last_wins_while_it_lasts() -> None:
    swapped = rota(
        overrides=[
            override("dora", "2026-01-06T00:00:00Z", "2026-01-08T00:00:00Z"),
            override("emil", "2026-01-07T00:00:00Z", "2026-01-07T12:00:00+01:00"),
        ]
    )
    moments = ("2026-01-05T23:59:59Z", "2026-01-06T00:00:00Z", "2026-01-07T00:00:00Z")
    after = ("2026-01-07T11:00:00Z", "2026-01-08T00:00:00Z")
    seen = [on_call(swapped, at(moment)) for moment in (*moments, *after)]
    assert seen == ["ann", "dora", "emil", "dora", "ann"]


def test_an_override_counts_before_the_first_turn_too() -> None:
    early = rota(overrides=[override("dora", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")])
    assert on_call(early, at("2026-01-01T12:00:00Z")) == "dora"
    assert on_call(early, at("2026-01-03T12:00:00Z")) is None


@pytest.mark.parametrize(
    ("changes", "moment", "expected"),
    [
        ({}, "2026-01-07T00:00:00Z", ("2026-01-12T08:00:00Z", "ben")),
        ({}, "2026-01-12T08:00:00Z", ("2026-01-19T08:00:00Z", "cleo")),
        ({}, "2025-06-01T00:00:00Z", ("2026-01-05T08:00:00Z", "ann")),
        ({"people": ["ann"]}, "2026-01-07T00:00:00Z", None),
        ({"people": ["ann", "ann", "ben"]}, "2026-01-07T00:00:00Z", ("2026-01-19T08:00:00Z", "ben")),
        (
            {"overrides": [override("dora", "2026-01-10T00:00:00Z", "2026-02-20T00:00:00Z")]},
            "2026-01-07T00:00:00Z",
            ("2026-01-10T00:00:00Z", "dora"),
        ),
        (
            {"overrides": [override("dora", "2026-01-10T00:00:00Z", "2026-02-20T00:00:00Z")]},
            "2026-01-11T00:00:00Z",
            ("2026-02-20T00:00:00Z", "ann"),
        ),
        (
            {"overrides": [override("ben", "2026-01-10T00:00:00Z", "2026-01-14T00:00:00Z")]},
            "2026-01-11T00:00:00Z",
            ("2026-01-19T08:00:00Z", "cleo"),
        ),
    ],
    ids=[
        "the next turn",
        "at a hand-over it is the one after",
        "before the start it is the start",
        "one person hands over to nobody",
        "two turns of one person are no hand-over between them",
        "an override begins",
        "an override ends",
        "an override that ends within the same person's turn is none",
    ],
)
def test_the_next_hand_over_is_when_somebody_else_comes_on_call(
    changes: dict[str, object], moment: str, expected: tuple[str, str] | None
) -> None:
    found = next_handover(rota(**changes), at(moment))
    assert found == (Handover(at=at(expected[0]), person=expected[1]) if expected else None)


def shown(moment: datetime, zone: str) -> tuple[date, time]:
    """Return what the clocks of a zone show."""
    seen = moment.astimezone(ZoneInfo(zone))
    return seen.date(), seen.time()


def reached(day: date, clock: time, zone: str) -> datetime:
    """Return the first minute at which the clocks of a zone have reached this time of this day.

    It is found by looking at the clocks minute by minute, as a person on the spot would.
    """
    near = datetime.combine(day, clock, tzinfo=UTC) - timedelta(hours=26)
    while shown(near, zone) < (day, clock):
        near += timedelta(hours=1)
    near -= timedelta(hours=1)
    while shown(near, zone) < (day, clock):
        near += MINUTE
    return near


def hand_overs(one: WeeklyRota, count: int) -> Iterator[datetime]:
    """Yield when turns begin, by looking at clocks."""
    for turn in range(count):
        yield reached(one.start + timedelta(days=turn * one.days), one.handover, one.zone)


@quickly
@given(
    zone=some.sampled_from(ZONES),
    start=some.dates(date(2024, 1, 1), date(2027, 12, 1)),
    handover=some.integers(0, 24 * 12 - 1).map(lambda n: time(n // 12, n % 12 * 5)),
    days=some.integers(1, 10),
    people=some.lists(some.sampled_from(["ann", "ben", "cleo"]), min_size=1, max_size=4),
    offset=some.integers(-40_000, 60_000),
)
def test_people_who_look_at_their_clocks_agree_who_is_on_call(
    zone: str, start: date, handover: time, days: int, people: list[str], offset: int
) -> None:
    one = rota(zone=zone, start=start, handover=handover, days=days, people=people)
    now = datetime.combine(start, time(), tzinfo=UTC) + offset * MINUTE
    begun = [turn for turn, begins in enumerate(hand_overs(one, 60)) if begins <= now]
    if is_skipped(one):
        return
    assert on_call(one, now) == (people[begun[-1] % len(people)] if begun else None)


def is_skipped(one: WeeklyRota) -> bool:
    """Say whether a hand-over falls into an hour that clocks skip: people then hand over as that hour ends,
    the rota an hour after its own time."""
    days = (one.start + timedelta(days=turn * one.days) for turn in range(60))
    return any(shown(reached(day, one.handover, one.zone), one.zone) != (day, one.handover) for day in days)


@settings(quickly, max_examples=80)
@given(data=some.data())
def test_until_the_next_hand_over_nobody_else_is_on_call_and_then_somebody_is(data: some.DataObject) -> None:
    begin = datetime(2026, 1, 5, tzinfo=UTC)
    hours = some.integers(-200, 1500)
    spans = data.draw(some.lists(some.tuples(hours, some.integers(1, 400)), max_size=4))
    names = some.sampled_from(["ann", "ben", "dora"])
    one = rota(
        people=data.draw(some.lists(names, min_size=1, max_size=4)),
        days=data.draw(some.integers(1, 9)),
        overrides=[
            Override(
                person=data.draw(names),
                start=begin + timedelta(hours=start),
                end=begin + timedelta(hours=start + length),
            )
            for start, length in spans
        ],
    )
    now = begin + timedelta(hours=data.draw(hours))
    found = next_handover(one, now)
    until = found.at if found else now + timedelta(days=120)
    looks = range(int((until - now) / timedelta(minutes=30)) + 1)
    seen = {on_call(one, moment) for n in looks if (moment := now + n * timedelta(minutes=30)) < until}
    assert seen <= {on_call(one, now)}
    if found:
        assert found.person == on_call(one, found.at) != on_call(one, now)
