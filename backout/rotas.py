"""Rotas and calendars as the site file has them: who takes turns on call, and when people work."""

from __future__ import annotations

from datetime import time
from typing import Annotated, Literal

from pydantic import Field, model_validator

from backout.model import Duration, Frozen, Name
from backout.secret import SecretRef
from backout.zones import Day, Moment, TimeOfDay, Zone

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]

END_OF_DAY = time(0, 0)


class Override(Frozen):
    """Somebody else is on call for a while; the one that stands last wins."""

    person: Name
    start: Moment
    end: Moment
    """From then on it is again who would be on call without it."""

    @model_validator(mode="after")
    def _ends_later(self) -> Override:
        if self.end <= self.start:
            msg = "it ends before it begins; 'end' must be later than 'start'"
            raise ValueError(msg)
        return self


class WeeklyRota(Frozen):
    """People who take turns, week by week or in other shifts."""

    kind: Literal["weekly"]
    people: Annotated[tuple[Name, ...], Field(min_length=1)]
    """In their order; the first is on call from `start` on."""
    start: Day
    """The day of the first hand-over."""
    handover: TimeOfDay
    """The time of day of every hand-over, local to `zone`: it stays so when clocks change."""
    zone: Zone
    """An IANA time zone, such as `Europe/Berlin`."""
    days: Annotated[int, Field(ge=1, le=366)] = 7
    """How many days a turn lasts."""
    overrides: tuple[Override, ...] = ()


class PagerDutyRota(Frozen):
    """A schedule of PagerDuty; people are found by their `pagerduty` id, or else by their e-mail address."""

    kind: Literal["pagerduty"]
    schedule: Annotated[str, Field(min_length=1)]
    """Its id, such as `PI7DH85`."""
    token: SecretRef
    timeout: Duration
    url: str = "https://api.pagerduty.com"


class OpsgenieRota(Frozen):
    """A schedule of Opsgenie; people are found by their e-mail address."""

    kind: Literal["opsgenie"]
    schedule: Annotated[str, Field(min_length=1)]
    """Its name."""
    token: SecretRef
    timeout: Duration
    url: str = "https://api.opsgenie.com"


Rota = Annotated[WeeklyRota | PagerDutyRota | OpsgenieRota, Field(discriminator="kind")]


class Shift(Frozen):
    """Hours of a day."""

    start: TimeOfDay
    end: TimeOfDay
    """Later than `start`; 00:00 is the end of the day."""

    @model_validator(mode="after")
    def _ends_later(self) -> Shift:
        if self.end <= self.start and self.end != END_OF_DAY:
            msg = "it ends before it begins; hours of a night are two days' hours, the first until 00:00"
            raise ValueError(msg)
        return self


class Calendar(Frozen):
    """When people work."""

    zone: Zone
    """An IANA time zone, such as `Europe/Berlin`."""
    hours: Annotated[dict[Weekday, Shift], Field(min_length=1)]
    """Days that are not named are free."""
    holidays: tuple[Day, ...] = ()
