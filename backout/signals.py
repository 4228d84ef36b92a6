"""Signals: the monitored indicators of a release, each of a kind and a family."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from backout.counting import Clock
from backout.model import Frozen, Name


class Family(StrEnum):
    """What a signal tells about."""

    EXPERIENCE = "experience"
    QUALITY = "quality"
    SAFETY = "safety"
    OPERATIONAL = "operational"
    FAIRNESS = "fairness"


class BaseSignal(Frozen):
    """What every signal has. `$service`, `$release` and `$baseline` are filled in in every query."""

    source: Name
    """The site's source that counts it."""
    family: Family
    clock: Clock = "arrival"
    """arrival: judged as it comes. labelled: verdicts come late, and count when they come."""
    about: str = ""
    """One line for people: what it means when it rises."""


class RatioSignal(BaseSignal):
    """Bad events out of judged events, both counted since the source started."""

    kind: Literal["ratio"]
    bad: str
    """The source's query for the bad events."""
    of: str
    """The source's query for the judged events."""


class AboveSignal(BaseSignal):
    """Values above a bound out of all values: a quantile's limit as a rate of exceedance."""

    kind: Literal["above"]
    value: str
    """The source's name of the distribution, such as a histogram without `_bucket`."""
    than: Annotated[float, Field(allow_inf_nan=False)]
    """The bound; a histogram must have a bucket that ends there."""


class BelowSignal(BaseSignal):
    """Values at or below a bound out of all values, such as confidence or usefulness scores."""

    kind: Literal["below"]
    value: str
    """The source's name of the distribution, such as a histogram without `_bucket`."""
    than: Annotated[float, Field(allow_inf_nan=False)]
    """The bound; a histogram must have a bucket that ends there."""


class EventSignal(BaseSignal):
    """Events of which a single one is too many, such as a confirmed severe output.

    Let the counter exist from the start, at zero. One that is not there before its first event is blind until
    then, because to be told nothing is not health; the first event counts all the same, where the source
    answered in the look before and had no such counter. What stands there in the first look of all, or after
    a look without an answer, may be older than the watch: only what comes after it counts.
    """

    kind: Literal["event"]
    events: str
    """The source's query for the events."""


class DistributionSignal(BaseSignal):
    """How inputs or topics are distributed over categories."""

    kind: Literal["distribution"]
    of: str
    """The source's query for what is counted."""
    by: str
    """The label whose values are the categories."""


Signal = Annotated[
    RatioSignal | AboveSignal | BelowSignal | EventSignal | DistributionSignal, Field(discriminator="kind")
]
"""A monitored indicator of a release."""
