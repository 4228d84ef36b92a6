"""Criteria: the tests on signals, how sure they must be, and what missing data means to them."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, model_validator

from backout.model import Duration, Frozen, Name, Rate

Ratio = Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)]
"""A rate as a multiple of another."""


class LimitTest(Frozen):
    """The signal's rate is above (or below) a fixed limit."""

    compare: Literal["limit"]
    max: Rate | None = None
    """The highest rate that is tolerated in the long run."""
    min: Rate | None = None
    """The lowest one, for signals of which more is better. Exactly one of both is given."""

    @model_validator(mode="after")
    def _one_side(self) -> LimitTest:
        if (self.max is None) == (self.min is None):
            msg = "a limit is given by exactly one of 'max' and 'min'"
            raise ValueError(msg)
        return self


class ReferenceTest(Frozen):
    """The signal's rate is a multiple of its usual rate."""

    compare: Literal["reference"]
    usual: Rate
    """The rate of a healthy release, measured over weeks."""
    max_ratio: Annotated[float, Field(gt=1, le=1000)] | None = None
    """How many times the usual rate is tolerated."""
    min_ratio: Annotated[float, Field(gt=0, lt=1)] | None = None
    """What part of it must remain. Exactly one of both is given."""

    @model_validator(mode="after")
    def _sensible(self) -> ReferenceTest:
        if (self.max_ratio is None) == (self.min_ratio is None):
            msg = "a reference needs exactly one of 'max_ratio' and 'min_ratio'"
            raise ValueError(msg)
        if self.max_ratio and self.usual * self.max_ratio >= 1:
            msg = f"{self.max_ratio:g} times {self.usual:g} is no rate below 1; lower max_ratio"
            raise ValueError(msg)
        return self


class BaselineTest(Frozen):
    """The signal's rate is a multiple of what a concurrent baseline shows: shared swings cancel."""

    compare: Literal["baseline"]
    max_ratio: Annotated[float, Field(ge=1, le=1000)] | None = None
    """How many times the baseline's rate is tolerated."""
    min_ratio: Annotated[float, Field(gt=0, le=1)] | None = None
    """What part of it must remain. Exactly one of both is given."""
    bad: str
    """The source's query for the bad events of the baseline, such as with `release="$baseline"`."""
    of: str
    """The source's query for the judged events of the baseline."""

    @model_validator(mode="after")
    def _one_side(self) -> BaselineTest:
        if (self.max_ratio is None) == (self.min_ratio is None):
            msg = "a baseline test needs exactly one of 'max_ratio' and 'min_ratio'"
            raise ValueError(msg)
        return self


class GapTest(Frozen):
    """Some cohort fares worse than all the others together: what the overall rate hides."""

    compare: Literal["gap"]
    by: str
    """The label whose values are the cohorts; each is held against the rest."""
    max_ratio: Annotated[float, Field(ge=1, le=1000)]
    """How many times the others' rate is tolerated in one cohort."""


class DriftTest(Frozen):
    """The inputs' distribution moved away from its reference. It may page or hold, never revert alone."""

    compare: Literal["drift"]
    reference: Annotated[dict[str, Annotated[float, Field(ge=0, le=1)]], Field(min_length=1)]
    """The share of each category, 1 in sum; what is not listed has none."""
    max_rise: Rate
    """By how much a category's share may exceed its reference, as a part of everything."""

    @model_validator(mode="after")
    def _whole(self) -> DriftTest:
        total = sum(self.reference.values())
        if abs(total - 1) > 0.01:  # noqa: PLR2004  # a percent of rounding
            msg = f"the shares of the reference add up to {total:g}, not to 1"
            raise ValueError(msg)
        return self


class EventTest(Frozen):
    """One event is enough: zero tolerance."""

    compare: Literal["event"]


class AlertTest(Frozen):
    """A monitoring system that we trust says so: the named alert is firing."""

    compare: Literal["alert"]
    named: str
    """The alert's name, as its sender calls it."""


Test = Annotated[
    LimitTest | ReferenceTest | BaselineTest | GapTest | DriftTest | EventTest | AlertTest,
    Field(discriminator="compare"),
]


class Evidence(Frozen):
    """How sure is sure; see docs/glossary.md, `evidence`."""

    false_alarm: Duration = timedelta(days=100)
    """One false revert at most in this long, at the limit."""
    false_hold: Duration = timedelta(days=7)
    """One false suspicion at most in this long, at the limit."""
    sustain: Duration = timedelta(minutes=4)
    """A burst that starts from no evidence must last this long to revert, whatever its size."""

    @model_validator(mode="after")
    def _hold_before_revert(self) -> Evidence:
        if self.false_hold > self.false_alarm:
            msg = "false_hold is longer than false_alarm: suspicion must need less evidence than a revert"
            raise ValueError(msg)
        return self


class Missing(Frozen):
    """What it means when a criterion has no data."""

    after: Duration | None = None
    """It is blind after so long without data; four ticks where nothing is said."""
    do: Literal["report", "page", "hold"] = "report"
    """report: the evaluation says so. page, hold: people are called too; blindness never reverts."""


class Criterion(Frozen):
    """A test on one signal, or on one alert."""

    id: Name
    signal: Name | None = None
    """The signal that is tested; absent for an alert test."""
    test: Test
    mode: Literal["act", "observe"] = "act"
    """observe: what would have fired is reported, and weighs in nothing."""
    min_sample: Annotated[int, Field(ge=1)] = 200
    """Judged outputs that a statement about recovery, or about a cohort, needs at least."""
    evidence: Evidence = Evidence()
    missing: Missing = Missing()

    @model_validator(mode="after")
    def _signal_where_needed(self) -> Criterion:
        is_alert = isinstance(self.test, AlertTest)
        if is_alert and self.signal is not None:
            msg = f"criterion '{self.id}' listens to an alert, so it takes no signal"
            raise ValueError(msg)
        if not is_alert and self.signal is None:
            msg = f"criterion '{self.id}' compares with a {self.test.compare}, so it needs a signal"
            raise ValueError(msg)
        return self
