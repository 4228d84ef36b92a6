"""Kinds: what the names in conditions are worth, and which of them alone can make one true."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from backout.conditions import Facts, truth
from backout.criteria import Criterion, DriftTest, EventTest, GapTest
from backout.evaluation import Verdict
from backout.playbook import Playbook
from backout.rules import Condition, names_in
from backout.signals import Family

_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)
"""Conditions are asked about one moment alone, whichever it is."""


def answers(playbook: Playbook) -> tuple[str, ...]:
    """Return every answer to a judgment, as conditions name it."""
    return tuple(f"{one.id}.{answer}" for one in playbook.judgments for answer in one.answers)


@dataclass(frozen=True)
class Kinds:
    """The names that conditions may use, by what they are worth."""

    criteria: Mapping[str, Criterion]
    fairness: frozenset[str]
    drift: frozenset[str]
    events: frozenset[str]
    others: frozenset[str]
    """Criteria that may speak for themselves."""
    occasions: frozenset[str]
    answers: frozenset[str]

    @property
    def weak(self) -> frozenset[str]:
        """What says nothing against the release: external events, and that the inputs changed."""
        return self.occasions | self.drift

    @property
    def all(self) -> frozenset[str]:
        """Every name."""
        return self.occasions | self.answers | frozenset(self.criteria)


def kinds(playbook: Playbook) -> Kinds:
    """Sort the names that the playbook's conditions may use."""
    unfair = {name for name, signal in playbook.signals.items() if signal.family is Family.FAIRNESS}
    drift = frozenset(one.id for one in playbook.criteria if isinstance(one.test, DriftTest))
    events = frozenset(one.id for one in playbook.criteria if isinstance(one.test, EventTest))
    fairness = frozenset(
        one.id for one in playbook.criteria if isinstance(one.test, GapTest) or one.signal in unfair
    )
    return Kinds(
        criteria={one.id: one for one in playbook.criteria},
        fairness=fairness - drift,
        drift=drift,
        events=events - fairness,
        others=frozenset(one.id for one in playbook.criteria) - fairness - drift - events,
        occasions=frozenset(playbook.occasions),
        answers=frozenset(answers(playbook)),
    )


def holds(condition: Condition, names: Collection[str], known: Kinds, *, with_observed: bool = False) -> bool:
    """Say whether the condition is true where these names are, and no others."""
    said = {name: name in names for name in names_in(condition) if name not in known.criteria}
    verdicts = {name: Verdict.BREACHED if name in names else Verdict.HEALTHY for name in known.criteria}
    facts = Facts(
        at=_ANY_TIME, criteria=known.criteria, verdicts=verdicts, said=said, with_observed=with_observed
    )
    return truth(condition, facts).holds
