"""Rotas and calendars: who is on call at a moment, and whether people work then."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Annotated, Literal

from pydantic import Field

from backout.model import Duration, Frozen, Name
from backout.secret import SecretRef

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class Override(Frozen):
    """Somebody else is on call for a while; the one that stands last wins."""

    person: Name
    start: datetime
    end: datetime


class WeeklyRota(Frozen):
    """People who take turns, week by week or in other shifts."""

    kind: Literal["weekly"]
    people: Annotated[tuple[Name, ...], Field(min_length=1)]
    """In their order; the first is on call from `start` on."""
    start: date
    """The day of the first hand-over."""
    handover: time
    """The time of day of every hand-over, local to `zone`: it stays so when clocks change."""
    zone: str
    """An IANA time zone, such as `Europe/Berlin`."""
    days: Annotated[int, Field(ge=1, le=366)] = 7
    """How many days a turn lasts."""
    overrides: tuple[Override, ...] = ()


class PagerDutyRota(Frozen):
    """A schedule of PagerDuty; people are found by their `pagerduty` id, or else by their e-mail address."""

    kind: Literal["pagerduty"]
    schedule: str
    token: SecretRef
    timeout: Duration
    url: str = "https://api.pagerduty.com"


class OpsgenieRota(Frozen):
    """A schedule of Opsgenie or Jira Service Management; people are found by their e-mail address."""

    kind: Literal["opsgenie"]
    schedule: str
    """Its name."""
    token: SecretRef
    timeout: Duration
    url: str = "https://api.opsgenie.com"


Rota = Annotated[WeeklyRota | PagerDutyRota | OpsgenieRota, Field(discriminator="kind")]


class Shift(Frozen):
    """Hours of a day."""

    start: time
    end: time
    """Later than `start`; 00:00 is the end of the day."""


class Calendar(Frozen):
    """When people work."""

    zone: str
    """An IANA time zone, such as `Europe/Berlin`."""
    hours: dict[Weekday, Shift]
    """Days that are not named are free."""
    holidays: tuple[date, ...] = ()
