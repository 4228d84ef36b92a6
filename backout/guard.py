"""The guard: everything of a playbook that decides about a release."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from backout.criteria import Criterion
from backout.model import Duration, Frozen, Name
from backout.rules import Judgment, Occasion, Rearm, Rule, Veto
from backout.signals import Signal


class Guard(Frozen):
    """Signals, criteria and rules, with what weighs on them. It decides; it does not act."""

    tick: Duration
    """How often the signals are read."""
    signals: dict[Name, Signal]
    criteria: Annotated[tuple[Criterion, ...], Field(min_length=1)]
    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]
    """The first that fires counts, so the most urgent stands first."""
    vetoes: tuple[Veto, ...] = ()
    judgments: tuple[Judgment, ...] = ()
    occasions: dict[Name, Occasion] = {}
    """External events that the rules can listen to, by the name that they use."""
    rearm: Rearm = Rearm()

    def rule(self, rule_id: str | None) -> Rule | None:
        """Return the rule of that id, or None where nothing fired."""
        return next((rule for rule in self.rules if rule.id == rule_id), None)


class Place(Frozen):
    """Which release is looked at; fills in the placeholders of the queries."""

    service: Name
    release: str
    baseline: str = ""
    """The last known good release; empty where none is known."""


class Judged(Frozen):
    """A person's answer to a judgment."""

    judgment: Name
    answer: Name
    by: str
    at: datetime
    until: datetime
    """It weighs no longer than this."""
    reason: str = ""
