"""Events about decisions that wait: consents, broken glass, and what begins unless it is held."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from backout.event import BaseEvent
from backout.people import Action, Actor


class ApprovalAsked(BaseEvent):
    """People were asked to authorise a plan or a notice."""

    event: Literal["ApprovalAsked"] = "ApprovalAsked"
    what: str
    subject: str
    quorum: int
    roles: tuple[str, ...]
    until: datetime
    roles_needed: int = 1
    must: tuple[str, ...] = ()
    required: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """The event as one sentence for people."""
        who = " or ".join(self.roles)
        who += f", in {self.roles_needed} distinct roles" if self.roles_needed > 1 else ""
        who += f", {' or '.join(self.must)} among them" if self.must else ""
        who += f", with {' and '.join(self.required)}" if self.required else ""
        return f"Approval asked of {self.quorum} of {who} until {self.until:%H:%M:%S} UTC: {self.what}"


class ConsentAsked(BaseEvent):
    """A person did, with the right to, what takes effect only once others have consented."""

    event: Literal["ConsentAsked"] = "ConsentAsked"
    act: str
    """The act's idempotency id."""
    action: Action
    actor: Actor
    right: str
    """The role that carried the actor's right."""
    reason: str
    subject: str
    roles: tuple[str, ...]
    """Each of them must consent, by another person."""
    until: datetime

    @property
    def line(self) -> str:
        """The event as one sentence for people."""
        reason = f": {self.reason}" if self.reason else ""
        waits = f"waits for the consent of {' and '.join(self.roles)} until {self.until:%H:%M:%S} UTC"
        return f"{self.actor.signed(self.right)}: {self.action.value} {waits}{reason}"


class ConsentLapsed(BaseEvent):
    """An act was given up that others had not consented to."""

    event: Literal["ConsentLapsed"] = "ConsentLapsed"
    action: Action
    why: str

    @property
    def line(self) -> str:
        """The event as one sentence for people."""
        return f"{self.action.value} was not carried out: {self.why}"


class GlassBroken(BaseEvent):
    """People authorised in an emergency what they may not approve."""

    event: Literal["GlassBroken"] = "GlassBroken"
    what: str
    subject: str
    by: tuple[str, ...]
    """Who did it."""
    report: tuple[str, ...]
    """The roles that were called about it."""

    @property
    def line(self) -> str:
        """The event as one sentence for people."""
        told = ", ".join(self.report)
        return f"GLASS BROKEN by {' and '.join(self.by)}, past its approval: {self.what} (reported to {told})"


class RevertAnnounced(BaseEvent):
    """A revert that begins by itself was announced, so that people can hold it."""

    event: Literal["RevertAnnounced"] = "RevertAnnounced"
    what: str
    subject: str
    begins: datetime

    @property
    def line(self) -> str:
        """The event as one sentence for people."""
        return f"{self.what}: it begins at {self.begins:%H:%M:%S} UTC unless it is held"
