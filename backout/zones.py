"""Time zones by their names, and moments in them: clock times stay what they are when clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from difflib import get_close_matches
from functools import lru_cache
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field

FIRST_YEAR, LAST_YEAR = 1970, 2199
"""Dates outside are slips of a pen, and no calendar can reckon with them."""


@lru_cache
def _names() -> frozenset[str]:
    return frozenset(available_timezones())


def _known(name: str) -> str:
    if name in _names():
        return name
    near = get_close_matches(name, sorted(_names()), n=3)
    hint = f"; did you mean {' or '.join(repr(one) for one in near)}?" if near else "."
    msg = f"unknown time zone '{name}'{hint} Write an IANA name, such as Europe/Berlin, Asia/Tokyo or UTC"
    raise ValueError(msg)


def _day(value: object) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        day = date.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        day = date.min
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        msg = f"{value!r} is not a day from {FIRST_YEAR} to {LAST_YEAR}; write it as 2026-01-05"
        raise ValueError(msg)
    return day


def _time_of_day(value: object) -> time:
    try:
        clock = (
            value if isinstance(value, time) else time.fromisoformat(value if isinstance(value, str) else "")
        )
    except ValueError:
        msg = f"{value!r} is not a time of day; write it as 09:00"
        raise ValueError(msg) from None
    if clock.tzinfo is not None:
        msg = f"{value!r} has a zone of its own, but this time is local to 'zone'; write it as 09:00"
        raise ValueError(msg)
    return clock


def parse_moment(value: object) -> datetime:
    """Turn `2026-01-05T09:00:00Z`, with any offset in the place of the Z, into a moment.

    Raises:
        ValueError: it is no such text, or has no zone.
    """
    try:
        at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        at = datetime.min  # noqa: DTZ901  # stands for no moment at all
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        msg = f"{value!r} is not a moment; write it as 2026-01-05T09:00:00Z, or with +02:00 for the Z"
        raise ValueError(msg)
    if at.tzinfo is None:
        msg = f"{value!r} has no zone; write Z (UTC) or an offset such as +02:00 behind it"
        raise ValueError(msg)
    return at


Zone = Annotated[str, Field(examples=["Europe/Berlin"]), AfterValidator(_known)]
"""An IANA time zone, such as `Europe/Berlin`."""
Day = Annotated[date, BeforeValidator(_day)]
TimeOfDay = Annotated[time, BeforeValidator(_time_of_day)]
Moment = Annotated[datetime, BeforeValidator(parse_moment)]


def local(at: datetime, zone: str) -> datetime:
    """Return a moment as the clocks of a zone show it."""
    return at.astimezone(ZoneInfo(zone))


def moment(day: date, clock: time, zone: str) -> datetime:
    """Return when the clocks of a zone show this time of this day, in UTC.

    A time that clocks skip is taken with the offset before the change (02:30 becomes 03:30), and one that
    they show twice is the first: as RFC 5545 (section 3.3.5) reads local times.
    """
    return datetime.combine(day, clock, tzinfo=ZoneInfo(zone)).astimezone(UTC)
