"""Communications: what each audience is told, and by when, as long as an incident lasts."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from backout.model import Duration, Frozen, Name

Occurrence = Literal["opened", "acknowledged", "reverting", "reverted", "verified"]
"""What happens in an incident: reverting is the first exposure that was set, reverted the last stage."""
End = Literal["reverted", "verified", "closed"]


class Communication(Frozen):
    """A message to an audience, due some time after something happened, perhaps again and again."""

    id: Name
    audience: Name
    """For whom it is: `responders`, `executives`, `customers`, `support`, `legal` ..."""
    channel: Name
    """The site's channel it is posted to."""
    template: Name
    """A template in templates/notices/."""
    owner: Name
    """The role that is called when it is overdue."""
    after: Occurrence
    within: Duration
    """It must be sent so long after that at the latest."""
    every: Duration | None = None
    """So long after one was due the next one is; None: it is sent once."""
    until: End = "verified"
    """What ends it; nothing is sent any more once that has happened."""
    needs_approval: bool = False
    """It is a draft until it is approved; what is not approved when it is due is overdue, and not sent."""
    approve_by: tuple[Name, ...] = ()
    """Roles whose approvals count; empty means every role with the right to approve."""
    quorum: Annotated[int, Field(ge=1, le=5)] = 1
    """Distinct people who must approve."""
    required: tuple[Name, ...] = ()
    """Roles that must be among those who approve, such as legal."""

    @model_validator(mode="after")
    def _votes_where_asked(self) -> Communication:
        if not self.needs_approval and (self.approve_by or self.required or self.quorum > 1):
            msg = "'approve_by', 'quorum' and 'required' need needs_approval: true"
            raise ValueError(msg)
        return self
