"""Release sets: targets of the right kind, each there once, which differ for a short while only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from backout.exposure import Capability
from backout.model import format_duration
from backout.playbook import Playbook
from backout.problems import Path, Problem
from backout.release_sets import SetTarget
from backout.site import Site
from backout.steps import RevertStep, StagedStep
from backout.targets import HttpTarget, MlflowTarget, Target

_SHORTEST_BOUND_S = 15
"""Below that not even one target that hangs is noticed in time."""


def set_problems(playbook: Playbook, site: Site | None) -> Iterator[Problem]:
    """Yield what is wrong with what the stages of a playbook change, on its way down and on its way up."""
    for kind, steps in (("steps", playbook.steps), ("rollout", playbook.rollout)):
        for i, step in enumerate(steps):
            if isinstance(step, StagedStep):
                yield from _staged((kind, i), step, site)


def _staged(path: Path, step: StagedStep, site: Site | None) -> Iterator[Problem]:
    # A pointer that flips above 0 % is at the release from the first stage up.
    known = step.stages if isinstance(step, RevertStep) else (0, *step.stages)
    yield from _flips((*path, "targets"), step.targets, known)
    yield from _bound(path, step)
    yield from _kinds((*path, "targets"), step.targets, site)
    if step.target:
        yield from _follows((*path, "target"), step, site)
    if not isinstance(step, RevertStep):
        yield from _never_up((*path, "targets"), step)
        return
    yield from _capacity(path, step)
    for i, alternative in enumerate(step.alternatives):
        beside = (*path, "alternatives", i, "targets")
        yield from _flips(beside, alternative.targets, alternative.stages)
        yield from _kinds(beside, alternative.targets, site)


def _flips(path: Path, parts: Sequence[SetTarget], stages: Sequence[int]) -> Iterator[Problem]:
    for i, part in enumerate(parts):
        if part.flips_at is not None and part.flips_at not in stages:
            known = ", ".join(str(stage) for stage in stages)
            msg = f"{part.target} never flips: {part.flips_at} % is none of the stages; write one of {known}"
            yield Problem(path=(*path, i, "flips_at"), message=msg)


def _never_up(path: Path, step: StagedStep) -> Iterator[Problem]:
    for i, part in enumerate(step.targets):
        if part.flips_at == max(step.stages):
            msg = (
                f"{part.target} would never come to the release: it flips above {part.flips_at} %, and no "
                "stage is; write a lower one"
            )
            yield Problem(path=(*path, i, "flips_at"), message=msg)


def _bound(path: Path, step: StagedStep) -> Iterator[Problem]:
    if step.mixed_for is None:
        return
    if step.mixed_for >= step.soak:
        msg = (
            f"the targets may be at different stages for as long as a stage is watched "
            f"({format_duration(step.soak)}), so it would say nothing of the set; write less"
        )
        yield Problem(path=(*path, "mixed_for"), message=msg)
    elif step.mixed_for.total_seconds() < _SHORTEST_BOUND_S:
        msg = (
            f"one target that hangs takes longer than {format_duration(step.mixed_for)} to be noticed, so "
            f"every stage that meets one is put back; write {_SHORTEST_BOUND_S}s or more"
        )
        yield Problem(path=(*path, "mixed_for"), message=msg, severity="warning")


def _kinds(path: Path, parts: Sequence[SetTarget], site: Site | None) -> Iterator[Problem]:
    known = site.targets if site else {}
    first: dict[str, str] = {}
    for i, part in enumerate(parts):
        target = known.get(part.target)
        if target is None:
            continue
        if is_pointer(target) and part.flips_at is None:
            msg = f"{part.target} is a pointer, at the release or not; name its stage with 'flips_at'"
            yield Problem(path=(*path, i, "target"), message=msg)
        if not is_pointer(target) and part.flips_at is not None:
            msg = f"{part.target} holds any percent, so it follows the stages; delete its 'flips_at'"
            yield Problem(path=(*path, i, "flips_at"), message=msg)
        held = target.model_dump_json()
        if first.get(held, part.target) != part.target:
            msg = f"{part.target} is the same as {first[held]} under another name; name one of them"
            yield Problem(path=(*path, i, "target"), message=msg)
        first.setdefault(held, part.target)


def _follows(path: Path, step: StagedStep, site: Site | None) -> Iterator[Problem]:
    """Yield that a pointer, named alone, cannot follow stages between all and nothing."""
    target = site.targets.get(step.target or "") if site else None
    between = [stage for stage in step.stages if stage not in {0, 100}]
    if target is not None and is_pointer(target) and between:
        msg = (
            f"{step.target} is a pointer, which cannot be at {between[0]} %; name it under 'targets' with "
            "the stage at which it 'flips_at'"
        )
        yield Problem(path=path, message=msg)


def _capacity(path: Path, step: RevertStep) -> Iterator[Problem]:
    if step.capacity is None:
        return
    if step.capacity.target in {part.target for part in step.parts}:
        msg = f"{step.capacity.target} holds the release's exposure; the baseline's capacity is another's"
        yield Problem(path=(*path, "capacity", "target"), message=msg)
    if step.capacity.percent == 0:
        msg = "0 % is there whatever the baseline has; write what it needs, or leave 'capacity' out"
        yield Problem(path=(*path, "capacity", "percent"), message=msg, severity="warning")
    if step.capacity.within >= step.within:
        msg = (
            f"making the baseline ready may take the step's whole window ({format_duration(step.within)}), "
            "and nothing would be taken off; write less"
        )
        yield Problem(path=(*path, "capacity", "within"), message=msg)


def is_pointer(target: Target) -> bool:
    """Say whether a target of the site is at the release or is not."""
    declared = isinstance(target, HttpTarget) and target.capability is Capability.POINTER
    return declared or isinstance(target, MlflowTarget)
