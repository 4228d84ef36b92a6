"""The steps that a playbook is made of, each a typed model with a deadline and named outcomes."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from backout.model import Duration, Frozen, Name, Percent


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


class RevertStep(BaseStep):
    """Take exposure off the candidate in stages."""

    step: Literal["revert"]
    target: Name
    """The site's target that holds the exposure."""
    stages: Annotated[tuple[Percent, ...], Field(min_length=1)]
    """Percent of traffic that stays on the candidate at each stage, falling."""
    soak: Duration
    """How long each stage is watched before the next."""
    on_recovery: Literal["hold", "proceed"] = "hold"
    """What to do when the users recovered before the last stage: hold and ask, or go on down."""


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
    | CheckStep
    | VerifyStep
    | NotifyStep
    | ManualStep
    | PostmortemStep,
    Field(discriminator="step"),
]
"""One unit of a playbook."""
