"""Alternatives to a revert: each is told from the others and from the revert, and takes something down."""

from __future__ import annotations

from collections.abc import Iterator

from backout.lint_steps import falling
from backout.playbook import Playbook
from backout.problems import Path, Problem
from backout.release_sets import Alternative
from backout.steps import RevertStep
from backout.timeline_plans import REVERT


def alternative_problems(playbook: Playbook) -> Iterator[Problem]:
    """Yield what is wrong with the milder answers of a playbook's reverts."""
    for i, step in enumerate(playbook.steps):
        if isinstance(step, RevertStep):
            path = ("steps", i, "alternatives")
            yield from _names(path, step)
            for j, one in enumerate(step.alternatives):
                yield from falling((*path, j, "stages"), one.stages)
                yield from _twice((*path, j, "targets"), one)


def _names(path: Path, step: RevertStep) -> Iterator[Problem]:
    known: set[str] = {REVERT}
    for i, one in enumerate(step.alternatives):
        if one.name in known:
            what = "the revert itself" if one.name == REVERT else "another alternative"
            msg = f"'{one.name}' is what {what} is called, so nobody could tell which was chosen; rename it"
            yield Problem(path=(*path, i, "name"), message=msg)
        known.add(one.name)


def _twice(path: Path, alternative: Alternative) -> Iterator[Problem]:
    names = [part.target for part in alternative.targets]
    for i, name in enumerate(names):
        if name in names[:i]:
            yield Problem(path=(*path, i, "target"), message=f"{name} is there twice; name it once")
