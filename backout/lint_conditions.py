"""Conditions as lint reads them: what they name, where, and what alone can make them true."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from backout.criteria import DriftTest, EventTest, GapTest
from backout.model import format_duration as written
from backout.playbook import Playbook
from backout.problems import Path, Problem
from backout.rules import AllOf, AnyOf, AtLeast, Condition, Level
from backout.signals import Family


@dataclass(frozen=True)
class Leaf:
    """A name in a condition, with its place and how sure it must be."""

    path: Path
    name: str
    level: Level


def leaves(condition: Condition, path: Path, level: Level = "revert") -> Iterator[Leaf]:
    """Yield every name of a condition, in its order."""
    level = condition.level or level
    for i, part in enumerate(condition.parts):
        at = (*path, _field(condition), i)
        if isinstance(part, str):
            yield Leaf(at, part, level)
        else:
            yield from leaves(part, at, level)


def groups(condition: Condition, path: Path) -> Iterator[tuple[Path, Condition]]:
    """Yield the condition and every one inside it, the outermost first."""
    yield path, condition
    for i, part in enumerate(condition.parts):
        if not isinstance(part, str):
            yield from groups(part, (*path, _field(condition), i))


def _field(condition: Condition) -> str:
    match condition:
        case AnyOf():
            return "any_of"
        case AllOf():
            return "all_of"
        case AtLeast():
            return "of"


def conditions(playbook: Playbook) -> Iterator[tuple[Path, Condition]]:
    """Yield the condition of every rule and of every veto."""
    for i, rule in enumerate(playbook.rules):
        yield ("rules", i, "when"), rule.when
    for i, veto in enumerate(playbook.vetoes):
        yield ("vetoes", i, "when"), veto.when


def answers(playbook: Playbook) -> tuple[str, ...]:
    """Return every answer to a judgment, as conditions name it."""
    return tuple(f"{one.id}.{answer}" for one in playbook.judgments for answer in one.answers)


@dataclass(frozen=True)
class Kinds:
    """The names that conditions may use, by what they are worth. What only observes is worth nothing."""

    fairness: frozenset[str]
    drift: frozenset[str]
    events: frozenset[str]
    others: frozenset[str]
    """Criteria that may speak for themselves."""
    occasions: frozenset[str]
    answers: frozenset[str]
    signals: dict[str, str]
    """The signal of each criterion that has one."""

    @property
    def all(self) -> frozenset[str]:
        """Every name that can count."""
        return self.fairness | self.drift | self.events | self.others | self.occasions | self.answers


def kinds(playbook: Playbook) -> Kinds:
    """Sort the names that the playbook's conditions may use."""
    acting = [one for one in playbook.criteria if one.mode == "act"]
    unfair = {name for name, signal in playbook.signals.items() if signal.family is Family.FAIRNESS}
    drift = frozenset(one.id for one in acting if isinstance(one.test, DriftTest))
    fairness = frozenset(one.id for one in acting if isinstance(one.test, GapTest) or one.signal in unfair)
    events = frozenset(one.id for one in acting if isinstance(one.test, EventTest))
    return Kinds(
        fairness=fairness - drift,
        drift=drift,
        events=events - fairness,
        others=frozenset(one.id for one in acting) - fairness - drift - events,
        occasions=frozenset(playbook.occasions),
        answers=frozenset(answers(playbook)),
        signals={one.id: one.signal for one in playbook.criteria if one.signal is not None},
    )


def holds(condition: Condition, names: Collection[str], signals: dict[str, str]) -> bool:
    """Say whether the condition is true where these names are, and no others."""
    true = [part for part in condition.parts if _is_true(part, names, signals)]
    match condition:
        case AnyOf():
            return bool(true)
        case AllOf():
            return len(true) == len(condition.parts)
        case AtLeast(at_least=needed):
            return len(_distinct(true, signals)) >= needed


def _is_true(part: str | Condition, names: Collection[str], signals: dict[str, str]) -> bool:
    return part in names if isinstance(part, str) else holds(part, names, signals)


def _distinct(parts: Collection[str | Condition], signals: dict[str, str]) -> set[frozenset[str]]:
    """Return what the parts see, each once: criteria on one signal see the same thing."""
    return {frozenset(_seen(part, signals)) for part in parts}


def _seen(part: str | Condition, signals: dict[str, str]) -> Iterator[str]:
    for name in [part] if isinstance(part, str) else [leaf.name for leaf in leaves(part, ())]:
        yield signals.get(name, name)


def condition_problems(playbook: Playbook) -> Iterator[Problem]:
    """Yield conditions that can never be true, and times in them that cannot work."""
    known = kinds(playbook)
    every = frozenset(one.id for one in playbook.criteria) | known.all
    for path, condition in conditions(playbook):
        for at, group in groups(condition, path):
            yield from _at_least(at, group, known)
            if group.within and group.within < playbook.tick:
                msg = (
                    f"within {written(group.within)} there is no tick ({written(playbook.tick)}), so only "
                    "now counts; lengthen it or leave it out"
                )
                yield Problem(path=(*at, "within"), message=msg)
        if holds(condition, every, known.signals) and not holds(condition, known.all, known.signals):
            msg = "it can never be true: what it needs is in mode 'observe', which weighs in nothing"
            yield Problem(path=path, message=msg, severity="warning", on_key=True)


def _at_least(path: Path, group: Condition, known: Kinds) -> Iterator[Problem]:
    if not isinstance(group, AtLeast):
        return
    distinct = len(_distinct(group.of, known.signals))
    if group.at_least > distinct:
        msg = (
            f"{group.at_least} of these can never be true: they see {distinct} distinct "
            f"signal{'' if distinct == 1 else 's'}, and criteria on one signal count once; "
            "lower it or add another signal"
        )
        yield Problem(path=(*path, "at_least"), message=msg)
    elif group.at_least == 1:
        msg = "at least 1 is any of them; write 'any_of'"
        yield Problem(path=(*path, "at_least"), message=msg, severity="warning")
