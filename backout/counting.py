"""Counting: what a source is asked, what it answers, and what was counted in one tick."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from backout.model import Frozen

Clock = Literal["arrival", "labelled"]
"""arrival: an output is judged as it comes; later news of it are stale. labelled: the verdict comes later,
and the output counts when its verdict arrives, in both k and n."""

STALE = timedelta(minutes=5)
"""arrival: what is told of an output later than this after it was produced is not counted."""


UNLABELLED = "(none)"
"""The cohort of what lacks the label that tells cohorts apart."""


class Query(Frozen):
    """One question to a source: a counter since the source began, or one for each cohort."""

    text: str
    """In the source's own language, with every placeholder filled in."""
    part: Literal["events", "values"] = "events"
    """events: how many happened. values: `text` names a distribution; how many values it has."""
    up_to: float | None = None
    """values: only those at or below this."""
    by: str | None = None
    """The label that tells cohorts apart; one count for each of its values."""
    clock: Clock = "arrival"
    bound: tuple[tuple[str, str], ...] = ()
    """The placeholders `:name` of the text, each with its value: for a language in which they are bound."""
    pasted: bool = False
    """Placeholders `$name` were filled into the text: a language that this could break refuses it."""


class Counted(Frozen):
    """A source's answer to one query."""

    counts: dict[str, float] = {}
    """By cohort; the one key of a query without `by` is empty. No key at all is no data, never 0."""
    problem: str = ""
    """Why this query has no data, where the source knows."""
    note: str = ""
    """What was not counted, and why, where there is data nevertheless."""

    @property
    def total(self) -> float | None:
        """The count of a query without `by`; None where there is no data."""
        return self.counts.get("")


class Totals(Frozen):
    """What a source has counted up to now; None where it has no data."""

    bad: float | None = None
    of: float | None = None


class Reading(Frozen):
    """Bad k out of judged n in one tick; `judged == 0` is no data, never health."""

    bad: int = 0
    judged: int = 0


class MarkedEvent(Frozen):
    """Something outside that people or pipelines mark: a deploy elsewhere, a provider's outage, a test."""

    key: str
    """Idempotency: the same key again replaces it."""
    kind: str
    """Such as `deploy`, `provider_outage` or `ab_test`."""
    service: str = ""
    """The service that it concerns; empty for all."""
    what: str
    start: datetime
    end: datetime | None = None
    """None while it goes on."""
    by: str = ""

    def covers(self, at: datetime) -> bool:
        """Say whether it goes on at that moment."""
        return self.start <= at and (self.end is None or at < self.end)


class Look(Frozen):
    """What all sources said in one tick."""

    at: datetime
    totals: dict[str, dict[str, Totals]] = {}
    """By stream, then by cohort (empty where the stream is not split)."""
    problems: dict[str, str] = {}
    """Why a stream has no data, by stream."""
    events: tuple[MarkedEvent, ...] = ()
    """External events that go on now."""
