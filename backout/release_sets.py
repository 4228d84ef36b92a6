"""Release sets: which targets a release is held by, in which order, and how they are brought down as one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from backout.model import Duration, Frozen, Name, Percent

OnTargetFailure = Literal["push_on", "put_back"]
"""push_on: the others go on, and the one that failed is tried again until the bound; then as put_back.
put_back: what the stage changed is put back to where the stage before left it."""


class Conversations(StrEnum):
    """What becomes of conversations that are under way on the candidate when its exposure goes down."""

    FINISH = "finish"
    """They end where they began; no conversation is answered by two releases."""
    MIGRATE = "migrate"
    """They go on at the baseline."""
    RESTART = "restart"
    """They are ended, and begin anew at the baseline."""


def unseen(wanted: Conversations, can: Mapping[str, Collection[str]]) -> str | None:
    """Return in words what each target can make of conversations, where none can do what is wanted."""
    if any(wanted in sees_to for sees_to in can.values()):
        return None
    return "; ".join(f"{name}: {', '.join(sorted(sees_to)) or 'none'}" for name, sees_to in can.items())


class SetTarget(Frozen):
    """One target of a release set."""

    target: Name
    """The site's target."""
    flips_at: Percent | None = None
    """For a pointer: the stage at which it goes to the baseline; on the way up it comes to the release above
    it. One without follows the stages."""

    def wanted(self, stage: int) -> int:
        """Return the exposure in percent that this target has at a stage."""
        if self.flips_at is None:
            return stage
        return 0 if stage <= self.flips_at else 100


def moved(
    parts: Sequence[SetTarget], stage: int, *, after: int | None, goal: Literal[0, 100]
) -> tuple[SetTarget, ...]:
    """Return the targets that a stage changes: a pointer only where it flips, to its goal.

    `after` is the stage before in the same walk; a walk's first stage flips what should have flipped by then.
    """

    def flips(part: SetTarget) -> bool:
        return part.wanted(stage) == goal and (after is None or part.wanted(after) != goal)

    return tuple(part for part in parts if part.flips_at is None or flips(part))


class Capacity(Frozen):
    """What the baseline needs before traffic comes back to it."""

    target: Name
    """The site's target that holds how much of its full capacity the baseline has, in percent."""
    percent: Percent = 100
    checks: tuple[Name, ...] = ()
    """Integrity checks of the site that must pass before any exposure goes down, such as readiness."""
    within: Duration
    """How long that may take."""


class Alternative(Frozen):
    """Something milder than the revert, which whoever approves may choose in its place."""

    name: Name
    about: Annotated[str, Field(min_length=1)]
    """What it does to users, in a sentence: `the strict guardrail for everybody`."""
    targets: Annotated[tuple[SetTarget, ...], Field(min_length=1)]
    """The targets that it changes: a guardrail's, a feature's, a cohort's."""
    stages: Annotated[tuple[Percent, ...], Field(min_length=1)] = (0,)
