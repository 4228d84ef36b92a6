"""Idleness: what means nothing while a release has no traffic.

Sources that are blind, and rules that fired on what others do too: on alerts and on signals of the whole
service. What counts the release alone is its own traffic.
"""

from __future__ import annotations

from collections.abc import Collection

from backout import judging
from backout.causes import Cause
from backout.conditions import Facts, truth
from backout.evaluation import Outcome
from backout.guard import Guard
from backout.requests import Observation
from backout.rules import Rule
from backout.streams import is_of_release


def idle(causes: Collection[Cause], seen: Observation, guard: Guard) -> tuple[Cause, ...]:
    """Return the causes for which nobody is called while the release has no traffic."""
    fired = guard.rule(seen.evaluation.rule) if seen.evaluation.outcome is Outcome.FIRED else None
    # Where it cannot be told what made a rule fire, it may be the release itself.
    is_idle = fired is not None and bool(_by(fired, seen, guard)) and not _is_of_release(fired, seen, guard)
    return tuple(
        cause for cause in causes if not cause.rule or (is_idle and fired and cause.rule == fired.id)
    )


def tells_of_traffic(rules: Collection[str], seen: Observation, guard: Guard) -> bool:
    """Say whether the condition of one of these rules is true by what counts the release alone."""
    return any(rule.id in rules and _is_of_release(rule, seen, guard) for rule in guard.rules)


def _is_of_release(rule: Rule, seen: Observation, guard: Guard) -> bool:
    by = _by(rule, seen, guard)
    signals = {one.signal for one in guard.criteria if one.id in by and one.signal is not None}
    return any(is_of_release(guard.signals[signal]) for signal in signals)


def _by(rule: Rule, seen: Observation, guard: Guard) -> tuple[str, ...]:
    """Return what makes a rule's condition true; nothing where it is not, or where nothing was seen."""
    watch, factors = seen.watch, seen.evaluation.factors
    if watch is None or watch.at is None or not factors:
        return ()
    facts = Facts(
        at=watch.at,
        criteria={criterion.id: criterion for criterion in guard.criteria},
        verdicts={factor.criterion: factor.verdict for factor in factors},
        said=judging.said(guard, {}, watch.events, watch.at),
        suspect_at=watch.suspect_at,
        breached_at=watch.breached_at,
    )
    found = truth(rule.when, facts)
    return found.by if found.holds else ()
