"""Communications: what each audience is told, and by when, as long as an incident lasts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field, model_validator

from backout.model import Duration, Frozen, Name

Occurrence = Literal["opened", "acknowledged", "reverting", "reverted", "verified"]
"""What happens in an incident: reverting is the first exposure that was set, reverted the last stage."""
End = Literal["reverted", "verified", "closed"]
IN_ORDER: tuple[Occurrence | End, ...] = (
    "opened", "acknowledged", "reverting", "reverted", "verified", "closed",
)  # fmt: skip
"""What happens in an incident, in its order."""
AT_HAND = timedelta(minutes=1)
"""What waits for no approval is drafted so long before it is due, with facts that are still fresh."""


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
    """It must be sent so long after that at the latest; who approves has as long for each that follows."""
    every: Duration | None = None
    """So long after one was due the next one is; None: it is sent once."""
    until: End = "verified"
    """What ends it; nothing is sent any more once that has happened. With `closed` a series has a last word
    when the incident is over, and the incident closes only when what is owed is sent or overdue."""
    needs_approval: bool = False
    """It is a draft until it is approved. What is not approved when it is due is overdue: it can be approved
    and sent late, until the next one is drafted and takes its place."""
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

    def begun(self, now: datetime) -> Owed:
        """Return what is owed from the moment on in which what it comes after has happened."""
        return Owed(due=now + self.within)

    def drafted_at(self, owed: Owed) -> datetime:
        """Return when the next notice is drafted, with the facts of that moment."""
        if owed.number == 1 or owed.last or self.every is None:
            return owed.due - self.within
        return owed.due - min(self.within if self.needs_approval else AT_HAND, self.every)

    def following(self, owed: Owed, now: datetime, *, sent: bool) -> Owed:
        """Return what is owed once a notice is dealt with. Due times that are over already are passed by."""
        if self.every is None or owed.last:
            return owed.model_copy(update={"done": True, "sent": owed.sent + sent})
        missed = max(0, (now - owed.due) // self.every)
        due, number = owed.due + (missed + 1) * self.every, owed.number + 1
        return Owed(due=due, number=number, sent=owed.sent + sent)

    def last_word(self, owed: Owed, now: datetime) -> Owed:
        """Return what is owed when the incident is over: one more, with its own time to be approved."""
        due = now + self.within if owed.overdue else min(owed.due, now + self.within)
        return owed.model_copy(update={"last": True, "due": due, "overdue": False})


class Owed(Frozen):
    """Where a communication stands in an incident: its next notice."""

    due: datetime
    """It must be sent then at the latest."""
    number: int = 1
    """Which of its notices it is."""
    sent: int = 0
    """So many were sent before it."""
    overdue: bool = False
    """It was said that it is overdue."""
    last: bool = False
    """The incident is over, so that it is the last word."""
    done: bool = False
    """Nothing is owed any more."""
    tried: bool = False
    """Sending it ended without a word that it is there; it may be there already."""


class Upcoming(Frozen):
    """A notice that an audience is to have next."""

    communication: Name
    audience: Name
    due: datetime
    overdue: bool = False
    waits_for: tuple[str, ...] = ()
    """The roles whose approval its draft waits for; empty where it does not wait."""
    code: str = ""
    """Of the draft, where it waits."""

    @property
    def line(self) -> str:
        """What is due, in one sentence for people."""
        when = f"was due {self.due:%H:%M} UTC and is OVERDUE" if self.overdue else f"due {self.due:%H:%M} UTC"
        waits = f", draft {self.code} waits for approval by {' or '.join(self.waits_for)}"
        return f"{self.audience}: next notice {when}{waits if self.waits_for else ''}"
