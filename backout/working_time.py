"""Whether people work at a moment, by a calendar of the site file."""

from __future__ import annotations

from datetime import datetime
from typing import get_args

from backout.rotas import END_OF_DAY, Calendar, Weekday
from backout.zones import local

_WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)


def is_working_time(calendar: Calendar, at: datetime) -> bool:
    """Say whether the clocks of the calendar's zone show working hours of a day that is no holiday."""
    now = local(at, calendar.zone)
    shift = calendar.hours.get(_WEEKDAYS[now.weekday()])
    if shift is None or now.date() in calendar.holidays:
        return False
    return shift.start <= now.time() and (now.time() < shift.end or shift.end == END_OF_DAY)
