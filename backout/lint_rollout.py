"""The rollout of a playbook: its steps are those of the way up, and each is as sound as an incident's."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import pairwise

from backout.lint_names import name_problems
from backout.lint_rights import right_problems
from backout.lint_steps import move_problems, postmortem_problems
from backout.lint_windows import window_problems
from backout.people import ReleaseRight
from backout.playbook import Playbook
from backout.problems import Path, Problem
from backout.site import Site
from backout.steps import CheckStep, ManualStep, Move, PostmortemStep, RolloutStep, VerifyStep

LARGEST_COHORT = 10
"""Percent of the users who may meet a release first; more are no sandbox."""
_WHOLE = 100
_ALLOWED = (ManualStep, CheckStep, RolloutStep, VerifyStep, PostmortemStep)


def rollout_problems(playbook: Playbook, templates: Collection[str], site: Site | None) -> Iterator[Problem]:
    """Yield what is wrong with the way up; a playbook without one can only take releases back."""
    for i, step in enumerate(playbook.steps):
        if isinstance(step, RolloutStep):
            msg = "a rollout is no part of an incident; move it to the list under 'rollout'"
            yield Problem(path=("steps", i), message=msg)
    if not playbook.rollout:
        return
    yield from _order(playbook)
    for i, step in enumerate(playbook.rollout):
        if isinstance(step, RolloutStep):
            yield from _stages(("rollout", i, "stages"), step)
        if isinstance(step, VerifyStep) and Move.GO_FURTHER in {step.on_timeout, step.on_failure}:
            field = "on_timeout" if step.on_timeout is Move.GO_FURTHER else "on_failure"
            msg = "go_further takes a release further down, and nothing is reverted here; write escalate"
            yield Problem(path=("rollout", i, field), message=msg)
    yield from _begun_by_somebody(playbook)
    yield from _as_in_an_incident(playbook, templates, site)


def _order(playbook: Playbook) -> Iterator[Problem]:
    kinds = [step.step for step in playbook.rollout]
    for i, step in enumerate(playbook.rollout):
        if not isinstance(step, _ALLOWED):
            known = "manual, check, rollout, verify and postmortem"
            msg = f"{step.step} is a step of an incident; a rollout is made of {known}"
            yield Problem(path=("rollout", i), message=msg)
        if step.step == "rollout" and "rollout" in kinds[:i]:
            msg = "there is more than one rollout, but a release has one exposure; put all stages into one"
            yield Problem(path=("rollout", i), message=msg)
        if step.step == "verify" and "rollout" not in kinds[:i]:
            msg = "this verify stands before the rollout, so there is nothing to see; move it behind"
            yield Problem(path=("rollout", i), message=msg)
    if "rollout" not in kinds:
        msg = "there is no rollout step, so nothing would go up; add one"
        yield Problem(path=("rollout",), message=msg)


def _stages(path: Path, step: RolloutStep) -> Iterator[Problem]:
    for i, (before, after) in enumerate(pairwise(step.stages)):
        if after <= before:
            msg = f"stages must rise: {after} % does not come after {before} %"
            yield Problem(path=(*path, i + 1), message=msg)
    if step.stages[0] == 0:
        msg = "nobody meets the release at 0 %, so nothing is learned; begin with a sandbox cohort, such as 1"
        yield Problem(path=(*path, 0), message=msg)
    elif step.stages[0] > LARGEST_COHORT:
        msg = (
            f"{step.stages[0]} % of the users meet an untried release at once; begin with a sandbox cohort, "
            "such as 1"
        )
        yield Problem(path=(*path, 0), message=msg, severity="warning")
    if step.stages[-1] != _WHOLE:
        msg = f"the last stage leaves {_WHOLE - step.stages[-1]} % behind; end with {_WHOLE}"
        yield Problem(path=(*path, len(step.stages) - 1), message=msg, severity="warning")


def _begun_by_somebody(playbook: Playbook) -> Iterator[Problem]:
    right = ReleaseRight.ROLLOUT
    if not playbook.holders(right):
        msg = (
            f"no role may {right}: nobody could begin it; give '{right}' to one of "
            f"{', '.join(playbook.roles)}"
        )
        yield Problem(path=("roles",), message=msg)


def _as_in_an_incident(
    playbook: Playbook, templates: Collection[str], site: Site | None
) -> Iterator[Problem]:
    """Yield what would be wrong with these steps in an incident too."""
    alone = playbook.rolling_out()
    found = (
        *name_problems(alone, templates, site),
        *right_problems(alone, site),
        *window_problems(alone),
        *postmortem_problems(alone),
        *move_problems(alone),
    )
    for problem in found:
        if problem.path[0] == "steps":
            yield problem.model_copy(update={"path": ("rollout", *problem.path[1:])})
