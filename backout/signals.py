"""Observing: signals, what a source counts, readings, criteria and rules as data."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, model_validator

from backout.model import Duration, Frozen, Name, Rate


class Family(StrEnum):
    """What a signal tells about."""

    EXPERIENCE = "experience"
    QUALITY = "quality"
    SAFETY = "safety"
    OPERATIONAL = "operational"
    FAIRNESS = "fairness"


class RatioSignal(Frozen):
    """Bad events out of judged events, both counted since the source started."""

    kind: Literal["ratio"]
    source: Name
    """The site's source that counts it."""
    bad: str
    """The source's query for the bad events. `$service` and `$release` are filled in."""
    of: str
    """The source's query for the judged events."""
    family: Family
    about: str = ""
    """One line for people: what it means when it rises."""


Signal = Annotated[RatioSignal, Field(discriminator="kind")]
"""A monitored indicator of a release. More kinds join this union with the full trigger language."""


class Totals(Frozen):
    """What a source has counted up to now; None where it has no data."""

    bad: float | None = None
    of: float | None = None


class Reading(Frozen):
    """Bad k out of judged n in one tick; `judged == 0` is no data, never health."""

    bad: int = 0
    judged: int = 0


class LimitTest(Frozen):
    """The signal's rate is above a fixed limit."""

    compare: Literal["limit"]
    max: Rate


class AlertTest(Frozen):
    """A monitoring system that we trust says so: the named alert is firing."""

    compare: Literal["alert"]
    named: str
    """The alert's name, as its sender calls it."""


class Evidence(Frozen):
    """How sure is sure; see docs/glossary.md, `evidence`."""

    false_alarm: Duration = timedelta(days=100)
    """One false revert at most in this long, at the limit."""
    false_hold: Duration = timedelta(days=7)
    """One false suspicion at most in this long, at the limit."""
    sustain: Duration = timedelta(minutes=3)
    """A burst that starts from no evidence must last this long to revert, whatever its size."""

    @model_validator(mode="after")
    def _hold_before_revert(self) -> Evidence:
        if self.false_hold > self.false_alarm:
            msg = "false_hold is longer than false_alarm: suspicion must need less evidence than a revert"
            raise ValueError(msg)
        return self


class Criterion(Frozen):
    """A test on one signal, or on one alert."""

    id: Name
    signal: Name | None = None
    """The signal that is tested; absent for an alert test."""
    test: Annotated[LimitTest | AlertTest, Field(discriminator="compare")]
    min_sample: Annotated[int, Field(ge=1)] = 200
    """Judged outputs that a statement about recovery needs at least."""
    evidence: Evidence = Evidence()

    @model_validator(mode="after")
    def _signal_where_needed(self) -> Criterion:
        if isinstance(self.test, LimitTest) and self.signal is None:
            msg = f"criterion '{self.id}' compares with a limit, so it needs a signal"
            raise ValueError(msg)
        if isinstance(self.test, AlertTest) and self.signal is not None:
            msg = f"criterion '{self.id}' listens to an alert, so it takes no signal"
            raise ValueError(msg)
        return self


class AnyOf(Frozen):
    """True when at least one of the criteria is breached."""

    any_of: Annotated[tuple[Name, ...], Field(min_length=1)]


class Rule(Frozen):
    """Criteria combined into an action, with the authority that it takes."""

    id: Name
    do: Literal["revert"] = "revert"
    when: AnyOf
    authority: Literal["auto", "ack", "approve"]
    """auto: revert at once. ack: a person owns it first. approve: a quorum authorises the plan first."""
    approve_by: tuple[Name, ...] = ()
    """Roles whose approvals count; empty means every role with the right to approve."""
    quorum: Annotated[int, Field(ge=1, le=5)] = 1
    """Distinct people who must approve."""


class Verdict(StrEnum):
    """What one criterion says now."""

    HEALTHY = "healthy"
    SUSPECT = "suspect"
    BREACHED = "breached"
    BLIND = "blind"


class Factor(Frozen):
    """One criterion's part in an evaluation, with its numbers."""

    criterion: Name
    signal: Name | None = None
    verdict: Verdict
    bad: int = 0
    judged: int = 0
    limit: float | None = None
    """The rate that it was held against."""
    evidence: float = 0.0
    """Mean likelihood ratio of the detector (1 is none)."""
    need: float = 0.0
    """Evidence that a breach takes."""
    reason: str

    @property
    def rate(self) -> float | None:
        """The observed rate, or None where nothing was judged."""
        return self.bad / self.judged if self.judged else None


class Outcome(StrEnum):
    """What the rules say: fired, clear, or not enough to say either."""

    FIRED = "fired"
    CLEAR = "clear"
    INCONCLUSIVE = "inconclusive"


class Evaluation(Frozen):
    """The rules' answer with every factor that weighed in it."""

    outcome: Outcome
    rule: Name | None = None
    """The first rule that fired."""
    factors: tuple[Factor, ...] = ()
    reasons: tuple[str, ...] = ()
