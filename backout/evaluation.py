"""The evaluation: what every criterion says and what the rules make of it, with all the numbers."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

from backout.model import Frozen, Name
from backout.rules import Do


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
    since: datetime | None = None
    """Since when bad and judged count: where the evidence began.

    None: since the watch began; in the sense of recovery, in the window.
    """
    limit: float | None = None
    """The rate that it was held against."""
    evidence: float = 0.0
    """Mean likelihood ratio of the detector (1 is none)."""
    need: float = 0.0
    """Evidence that a breach takes."""
    cohort: str = ""
    """gap, drift: the cohort or category that the numbers are of."""
    shift: float | None = None
    """drift: how far the whole distribution is from its reference, as their total variation distance."""
    mode: Literal["act", "observe"] = "act"
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


class Blindness(Frozen):
    """A source that gives no data, and all the criteria that are blind by it."""

    source: Name
    criteria: tuple[Name, ...]
    since: datetime | None = None
    """The last moment with data; None where there never was any."""
    why: str = ""
    do: Literal["report", "page", "hold"] = "report"
    """The strongest of what its criteria want."""


class Vetoed(Frozen):
    """A rule that would have fired, and the veto that holds it back."""

    rule: Name
    veto: Name
    until: datetime


class Evaluation(Frozen):
    """The rules' answer with every factor that weighed in it."""

    outcome: Outcome
    rule: Name | None = None
    """The rule that fired: of those whose condition is true, the first in the playbook's order."""
    do: Do | None = None
    """What is to be done. Without a rule, what blindness (`page`, `hold`) or a judgment (`revert`) wants."""
    decide_by: tuple[Name, ...] = ()
    """Roles that must approve, although the rule would not ask: a veto on it has run out."""
    factors: tuple[Factor, ...] = ()
    reasons: tuple[str, ...] = ()
    blind: tuple[Blindness, ...] = ()
    vetoed: tuple[Vetoed, ...] = ()
    observed: tuple[str, ...] = ()
    """What would have fired, had it not been told only to observe."""
    context: tuple[str, ...] = ()
    """Marked events that go on, in words."""
    not_counted: tuple[str, ...] = ()
    """What was not counted, and why."""

    @property
    def asides(self) -> tuple[str, ...]:
        """What people should know beside the reasons, in short sentences."""
        return (
            *(f"{one.veto} holds {one.rule} back until {one.until:%H:%M:%S} UTC" for one in self.vetoed),
            *(f"blind by source {one.source}: {', '.join(one.criteria)}" for one in self._silently_blind),
            *(f"only observed: {one}" for one in self.observed),
        )

    @property
    def surroundings(self) -> tuple[str, ...]:
        """What stands beside the numbers: how far the inputs moved, and what goes on outside."""
        moved = (
            f"inputs by {one.criterion}: total variation distance {one.shift:.2%} from their reference"
            f"{' (only observed)' if one.mode == 'observe' else ''}"
            for one in self.factors
            if one.shift is not None
        )
        return (*moved, *self.context)

    @property
    def _silently_blind(self) -> tuple[Blindness, ...]:
        """What is blind and no reason: where nothing fired, the reasons say it."""
        return self.blind if self.outcome is Outcome.FIRED else ()
