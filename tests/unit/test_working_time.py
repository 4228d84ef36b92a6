"""Working time is what the clocks on the spot show: hours, days, holidays and the change of clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from backout.rotas import Calendar
from backout.working_time import is_working_time

OFFICE = Calendar.model_validate(
    {
        "zone": "Europe/Berlin",
        "hours": {
            **{
                day: {"start": "09:00", "end": "17:30"}
                for day in ("monday", "tuesday", "wednesday", "thursday")
            },
            "friday": {"start": "16:00", "end": "00:00"},
            "saturday": {"start": "00:00", "end": "06:00"},
        },
        "holidays": ["2026-04-06"],
    }
)


@pytest.mark.parametrize(
    ("moment", "works"),
    [
        pytest.param("2026-01-05T07:59:59Z", False, id="before nine in winter"),
        pytest.param("2026-01-05T08:00:00Z", True, id="at nine in winter"),
        pytest.param("2026-01-05T16:29:59Z", True, id="up to half past five"),
        pytest.param("2026-01-05T16:30:00Z", False, id="not at half past five any more"),
        pytest.param("2026-07-06T07:00:00Z", True, id="nine in summer is seven in UTC"),
        pytest.param("2026-07-06T06:59:59Z", False, id="and not before"),
        pytest.param("2026-04-06T10:00:00Z", False, id="a holiday, although a Monday"),
        pytest.param("2026-04-05T22:30:00Z", False, id="the holiday begins at midnight on the spot"),
        pytest.param("2026-01-09T22:59:59Z", True, id="midnight is the end of the day"),
        pytest.param("2026-01-09T23:00:00Z", True, id="the night goes on with the next day's hours"),
        pytest.param("2026-01-10T05:00:00Z", False, id="until six"),
        pytest.param("2026-01-11T12:00:00Z", False, id="a day that is not named is free"),
        pytest.param("2026-03-28T22:30:00Z", False, id="the night of the change is Saturday's still"),
    ],
)
def test_people_work_when_the_clocks_on_the_spot_say_so(moment: str, works: bool) -> None:  # noqa: FBT001  # a table
    assert is_working_time(OFFICE, datetime.fromisoformat(moment)) is works


def test_a_week_has_the_same_working_hours_whenever_clocks_change() -> None:
    every = timedelta(minutes=30)
    for monday in ("2026-01-12", "2026-03-23", "2026-10-19", "2026-07-06"):
        start = datetime.fromisoformat(f"{monday}T00:00:00+00:00").astimezone(UTC)
        half_hours = sum(is_working_time(OFFICE, start + n * every) for n in range(7 * 48))
        assert half_hours == 4 * 17 + 16 + 12
