"""A targeted investigation: what a rule that pauses found, and where people should look."""

from __future__ import annotations

from datetime import datetime

from backout.evaluation import Evaluation, Factor, Verdict
from backout.guard import Guard
from backout.rules import Rule, names_in
from backout.timeline import InvestigationOpened

_IN_DOUBT = {Verdict.BREACHED, Verdict.SUSPECT}


def investigation(said: Evaluation, rule: Rule, guard: Guard, *, at: datetime) -> InvestigationOpened:
    """Return the event: the rule's factors that are in doubt, and what is behind them."""
    named = set(names_in(rule.when))
    findings = tuple(
        factor for factor in said.factors if factor.criterion in named and factor.verdict in _IN_DOUBT
    )
    look_at = dict.fromkeys(_place(factor, guard) for factor in findings)
    return InvestigationOpened(at=at, rule=rule.id, findings=findings, look_at=tuple(look_at))


def _place(factor: Factor, guard: Guard) -> str:
    if factor.signal is None:
        return f"the alert behind {factor.criterion}"
    signal = guard.signals[factor.signal]
    cohort = f" of cohort '{factor.cohort}'" if factor.cohort else ""
    about = f": {signal.about}" if signal.about else ""
    return f"{signal.family.value} signal {factor.signal}{cohort}, from source {signal.source}{about}"
