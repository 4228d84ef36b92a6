"""The steps that a playbook is made of, each a typed model with a deadline and named outcomes."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from backout.model import Duration, Frozen, Name, Percent
from backout.release_sets import Alternative, Capacity, Conversations, OnTargetFailure, SetTarget


class Move(StrEnum):
    """What comes after a step that ran out of time or failed."""

    ESCALATE = "escalate"
    """Page the next people, then hold until a person decides."""
    HOLD = "hold"
    """Stop here until a person decides."""
    PROCEED = "proceed"
    """Go on with the next step; the timeline says that this one is not done."""
    RETRY = "retry"
    """Run the step again, three times at most; after that, hold."""
    ABORT = "abort"
    """Stop the playbook where the world stands, and write the postmortem."""
    GO_FURTHER = "go_further"
    """After a verification: revert by the stages that are left, to the last; where none is, escalate."""


class BaseStep(Frozen):
    """What every step has."""

    name: Name
    """Unique in the playbook; the kind of the step if it is left out."""
    owner: Name
    """The role that is responsible for the step."""
    within: Duration
    """The time window: how long the step may take."""
    on_timeout: Move
    """What happens when the time window ends."""
    on_failure: Move = Move.HOLD
    """What happens when the step fails."""

    @model_validator(mode="before")
    @classmethod
    def _name_from_kind(cls, data: Any) -> Any:  # noqa: ANN401  # pydantic hands over raw input
        if isinstance(data, dict) and "name" not in data and "step" in data:
            return {**data, "name": data["step"]}
        return data


class DetectStep(BaseStep):
    """Watch the signals until a rule fires, they are clear, or the window ends."""

    step: Literal["detect"]
    look_back: Duration | None = None
    """So much of the sources' history is weighed first, if they keep one: then evidence is there at once."""


class EscalateStep(BaseStep):
    """Page people up an escalation policy until one of them acknowledges."""

    step: Literal["escalate"]
    policy: Name


class StagedStep(BaseStep):
    """What a walk over stages has, whichever way it goes."""

    target: Name | None = None
    """The site's target that holds the exposure; `targets` where the release is held by several."""
    targets: tuple[SetTarget, ...] = ()
    """The targets that hold the release, in the order in which they are changed at each stage."""
    mixed_for: Duration | None = None
    """No longer than this may the targets be at different stages; for a set of several."""
    on_target_failure: OnTargetFailure = "push_on"
    """Where one target of several fails: push_on with the others, or put_back what the stage changed."""
    stages: Annotated[tuple[Percent, ...], Field(min_length=1)]
    """Percent of traffic on the candidate at each stage: falling in a revert, rising in a rollout."""
    soak: Duration
    """How long each stage is watched before the next."""
    conversations: Conversations | None = None
    """What becomes of conversations that are under way: finish, migrate or restart."""

    @model_validator(mode="after")
    def _one_or_a_set(self) -> Self:
        if (self.target is None) == (not self.targets):
            msg = "name either 'target' or 'targets', where the release is held by several"
            raise ValueError(msg)
        if (len(self.targets) > 1) != (self.mixed_for is not None):
            msg = "'mixed_for' bounds how long several targets differ; name it with them, and only then"
            raise ValueError(msg)
        names = [part.target for part in self.targets]
        if len(set(names)) < len(names):
            msg = "a target is there twice; name each once"
            raise ValueError(msg)
        return self

    @property
    def parts(self) -> tuple[SetTarget, ...]:
        """Return the targets of the set in their order."""
        return self.targets or (SetTarget(target=self.target or ""),)


class RevertStep(StagedStep):
    """Take exposure off the candidate in stages."""

    step: Literal["revert"]
    capacity: Capacity | None = None
    """What the baseline needs before the first stage."""
    alternatives: tuple[Alternative, ...] = ()
    """Milder answers that whoever approves may choose in the revert's place."""
    on_recovery: Literal["hold", "proceed"] = "hold"
    """What to do when the users recovered before the last stage: hold and ask, or go on down."""


class RolloutStep(StagedStep):
    """Bring exposure up in stages, guarded at each; it turns back by itself when a rule fires."""

    step: Literal["rollout"]


class ServedStep(BaseStep):
    """Ask the service itself, on every path to it, which release answers, until clients have caught up."""

    step: Literal["served"]
    probes: Annotated[tuple[Name, ...], Field(min_length=1)]
    """The site's probes: every replica, cache and kind of session."""
    lag: Duration
    """How long clients may still see the candidate after the last stage: caches, sessions, refreshes."""


class CheckStep(BaseStep):
    """Run integrity checks of the site: is the world consistent?"""

    step: Literal["check"]
    checks: Annotated[tuple[Name, ...], Field(min_length=1)]


class VerifyStep(BaseStep):
    """See the same criteria in the recovery sense, over a whole window."""

    step: Literal["verify"]
    window: Duration


class NotifyStep(BaseStep):
    """Send a message to an audience, after approval where it is asked for."""

    step: Literal["notify"]
    audience: Name
    """For whom it is: `customers`, `support`, `executives` ..."""
    channel: Name
    """The site's channel it is posted to."""
    template: Name
    """A template in templates/notices/."""
    needs_approval: bool = False
    approve_by: tuple[Name, ...] = ()
    """Roles whose approvals count; empty means every role with the right to approve."""
    quorum: Annotated[int, Field(ge=1, le=5)] = 1
    """Distinct people who must approve."""
    required: tuple[Name, ...] = ()
    """Roles that must each be among those who approve, such as legal; their approvals count too."""

    @model_validator(mode="after")
    def _votes_where_asked(self) -> NotifyStep:
        if not self.needs_approval and (self.approve_by or self.required or self.quorum > 1):
            msg = "'approve_by', 'quorum' and 'required' need needs_approval: true"
            raise ValueError(msg)
        return self


class ManualStep(BaseStep):
    """A checklist that a person ticks, item by item."""

    step: Literal["manual"]
    items: Annotated[tuple[str, ...], Field(min_length=1)]


class PostmortemStep(BaseStep):
    """Write the postmortem from the incident's own record."""

    step: Literal["postmortem"]
    template: Name
    """A template in templates/postmortem/."""
    due: Duration
    """By when people complete and review it."""


Step = Annotated[
    DetectStep
    | EscalateStep
    | RevertStep
    | RolloutStep
    | ServedStep
    | CheckStep
    | VerifyStep
    | NotifyStep
    | ManualStep
    | PostmortemStep,
    Field(discriminator="step"),
]
"""One unit of a playbook."""
