"""Conditions as lint reads them: what they name, where, and what they can never be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from backout.kinds import Kinds, holds, kinds
from backout.model import format_duration as written
from backout.playbook import Playbook
from backout.problems import Path, Problem
from backout.rules import AllOf, AnyOf, AtLeast, Condition, Level


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


def condition_problems(playbook: Playbook) -> Iterator[Problem]:
    """Yield conditions that can never be true, and times in them that cannot work."""
    known = kinds(playbook)
    for path, condition in conditions(playbook):
        for at, group in groups(condition, path):
            if isinstance(group, AtLeast):
                yield from _at_least((*at, "at_least"), group, known)
            if group.within and group.within < playbook.tick:
                msg = (
                    f"within {written(group.within)} there is no tick ({written(playbook.tick)}), so only "
                    "now counts; lengthen it or leave it out"
                )
                yield Problem(path=(*at, "within"), message=msg)
        could = holds(condition, known.all, known, with_observed=True)
        if could and not holds(condition, known.all, known):
            msg = "it can never be true: what it needs is in mode 'observe', which weighs in nothing"
            yield Problem(path=path, message=msg, severity="warning", on_key=True)


def _at_least(path: Path, group: AtLeast, known: Kinds) -> Iterator[Problem]:
    most = _most(group, known)
    if group.at_least > most:
        msg = (
            f"{group.at_least} of these can never be true: they speak of {most} different "
            f"thing{'' if most == 1 else 's'}, and criteria on one signal count once; "
            "lower it, or add another"
        )
        yield Problem(path=path, message=msg)
    elif group.at_least == 1:
        msg = "at least 1 is any of them; write 'any_of'"
        yield Problem(path=path, message=msg, severity="warning")


def _most(group: AtLeast, known: Kinds) -> int:
    """Return how many of the parts can count at the same time."""
    tried = range(min(group.at_least, len(group.of)), 0, -1)
    fewer = (group.model_copy(update={"at_least": number}) for number in tried)
    everything = {leaf.name for leaf in leaves(group, ())}
    return next((one.at_least for one in fewer if holds(one, everything, known, with_observed=True)), 0)
