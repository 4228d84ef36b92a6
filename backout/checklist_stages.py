"""The stages of a walk as lines of a checklist: what is set, what is ready first, what if a target fails."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate, chain, pairwise, repeat

from backout.model import format_duration as written
from backout.release_sets import Capacity, moved
from backout.steps import RevertStep, StagedStep

BLANK = "." * 12
"""Where something is to be written by hand; dots, because Markdown reads underscores as emphasis."""


def stage_lines(step: StagedStep) -> Iterator[str]:
    """Yield what is done at each stage of a step, and before the first."""
    if isinstance(step, RevertStep) and step.capacity:
        yield from _capacity(step.capacity)
    ends = accumulate(repeat(step.soak))
    for (before, stage), after in zip(pairwise(chain((None,), step.stages)), ends, strict=False):
        if stage is not None:
            soak = f"Soak for {written(step.soak)} (until {written(after)} after the start)."
            yield f"{_set(step, stage, before)} {soak}"
    if step.mixed_for:
        yield from _failing(step)


def _capacity(capacity: Capacity) -> Iterator[str]:
    checks = " and ".join(f"`{check}`" for check in capacity.checks)
    until = f", and go on once {checks} pass" if capacity.checks else ""
    yield (
        f"Before the first stage: bring the baseline's capacity on `{capacity.target}` to "
        f"{capacity.percent} % at least{until}, within {written(capacity.within)}: {BLANK}"
    )


def _set(step: StagedStep, stage: int, before: int | None) -> str:
    parts = moved(step.parts, stage, after=before, goal=0 if isinstance(step, RevertStep) else 100)
    if not parts:
        return f"Set nothing at stage {stage} %: {BLANK}"
    sets = ", then ".join(f"`{part.target}` to {part.wanted(stage)} %" for part in parts)
    return f"Set exposure on {sets} and read it back: {BLANK} %."


def _failing(step: StagedStep) -> Iterator[str]:
    bound = written(step.mixed_for) if step.mixed_for else ""
    back = "put back what the stage changed, last first, and stop"
    if step.on_target_failure == "push_on":
        yield (
            f"If one target fails: set the others all the same and try it again; if it is not there in time, "
            f"{back}. The targets differ for {bound} at most, from the first change of a stage: {BLANK}"
        )
    else:
        yield f"If one target fails: {back} at once. The targets differ for {bound} at most: {BLANK}"
