"""Conditions: whether a combination of criteria, events and answers is true, and by what."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from backout.criteria import AlertTest, Criterion, EventTest
from backout.errors import UnknownName
from backout.evaluation import Verdict
from backout.rules import AllOf, AtLeast, Condition, Level, Part


@dataclass(frozen=True)
class Facts:
    """What conditions are held against."""

    at: datetime
    criteria: Mapping[str, Criterion]
    verdicts: Mapping[str, Verdict]
    """By criterion. Blind is not true: what it was counts only as far as a condition looks back."""
    said: Mapping[str, bool] = field(default_factory=dict)
    """Whether a marked event (by its name in the rules) goes on; whether `<judgment>.<answer>` is valid."""
    suspect_at: Mapping[str, datetime] = field(default_factory=dict)
    breached_at: Mapping[str, datetime] = field(default_factory=dict)
    with_observed: bool = False
    """Criteria that only observe count as well: what would be, if they acted."""


class Truth(NamedTuple):
    """Whether a condition is true, and the names that make it so."""

    holds: bool
    by: tuple[str, ...] = ()
    past: tuple[str, ...] = ()
    """Those of them that were so within the time, and are not now."""


def truth(condition: Condition, facts: Facts, *, again: bool = False) -> Truth:
    """Say whether a condition is true.

    A criterion is true at the level `revert` when it is breached, at `hold` also when it is suspect; where
    the condition says `within`, also when it was so within that time. Level and `within` hold for the
    conditions inside, until one of them says otherwise. In `at_least` every part that counts stands for a
    subject of its own: criteria on one signal are one, also inside a nested condition.

    `again`: the rule has fired before. Events of zero tolerance make it true in the look in which they come,
    and no longer for ever: else it could never be quiet.

    Raises:
        UnknownName: a part is no criterion, no marked event and no answer.
    """
    return _truth(condition, facts, _Sense("revert", None, again))


class _Sense(NamedTuple):
    level: Level
    within: timedelta | None
    again: bool


def _truth(condition: Condition, facts: Facts, around: _Sense) -> Truth:
    sense = _Sense(condition.level or around.level, condition.within or around.within, around.again)
    counting: dict[Part, set[Hashable]] = {}
    by: list[str] = []
    past: list[str] = []
    for part in condition.parts:
        found = _leaf(part, facts, sense) if isinstance(part, str) else _truth(part, facts, sense)
        if found.holds:
            by += found.by
            past += found.past
            counting[part] = {subject(name, facts.criteria) for name in found.by}
        elif isinstance(condition, AllOf):
            return _UNTRUE
    needed = condition.at_least if isinstance(condition, AtLeast) else 1
    return Truth(independent(counting.values()) >= needed, tuple(by), tuple(past))


_UNTRUE = Truth(holds=False)


def _leaf(name: str, facts: Facts, sense: _Sense) -> Truth:
    criterion = facts.criteria.get(name)
    if criterion is None:
        if name not in facts.said:
            known = [*facts.criteria, *facts.said]
            raise UnknownName(kind="criterion, event or answer", name=name, known=known)
        return Truth(facts.said[name], (name,))
    if criterion.mode == "observe" and not facts.with_observed:
        return _UNTRUE
    reached = (facts.suspect_at if sense.level == "hold" else facts.breached_at).get(name)
    since = None if reached is None else facts.at - reached
    if sense.again and isinstance(criterion.test, EventTest):
        return Truth(since is not None and since <= (sense.within or timedelta()), (name,))
    verdict = facts.verdicts[name]
    if verdict is Verdict.BREACHED or (verdict is Verdict.SUSPECT and sense.level == "hold"):
        return Truth(holds=True, by=(name,))
    return Truth(since is not None and sense.within is not None and since <= sense.within, (name,), (name,))


def subject(name: str, criteria: Mapping[str, Criterion]) -> Hashable:
    """Return what a name speaks of: two names of one subject say the same thing."""
    criterion = criteria.get(name)
    if criterion is None:
        return name
    if isinstance(criterion.test, AlertTest):
        return ("alert", criterion.test.named)
    return ("signal", criterion.signal)


def independent(parts: Iterable[set[Hashable]]) -> int:
    """Return how many parts can each stand for a subject of its own, of those that make it true."""
    stands_for: dict[Hashable, set[Hashable]] = {}

    def is_placed(part: set[Hashable], tried: set[Hashable]) -> bool:
        for one in part - tried:
            tried.add(one)
            if one not in stands_for or is_placed(stands_for[one], tried):
                stands_for[one] = part
                return True
        return False

    return sum(is_placed(part, set()) for part in parts)
