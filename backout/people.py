"""People: who they are, what they may do, and what they did."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from backout.errors import ReasonTooLong
from backout.model import Frozen, Name
from backout.severity import Severity


class Action(StrEnum):
    """What a person can do in an incident; each needs a decision right of the same name."""

    ACKNOWLEDGE = "acknowledge"
    APPROVE = "approve"
    REJECT = "reject"
    HOLD = "hold"
    RESUME = "resume"
    RETRY = "retry"
    SKIP = "skip"
    ABORT = "abort"
    NOTE = "note"
    TICK = "tick"
    JUDGE = "judge"
    CLOSE = "close"
    SEVERITY = "severity"
    OVERRIDE = "override"
    BREAK_GLASS = "break_glass"
    EMERGENCY = "emergency"
    """Take all exposure off at once, past stages, soaks and approvals."""
    COME_BACK = "come_back"
    """Where users recovered at a stage: bring the exposure back up, guarded, instead of going on down."""


class ReleaseRight(StrEnum):
    """What a person can do with releases, outside of any incident; each is a decision right too."""

    LIFT = "lift"
    """Lift the quarantine of a reverted release's artifacts."""
    ROLLOUT = "rollout"
    """Begin the rollout, or the re-release, of a release."""
    BASELINE = "baseline"
    """Name the last known good release: the floor below which no automation goes."""


NEEDS_REASON = frozenset(
    {
        Action.REJECT,
        Action.SKIP,
        Action.ABORT,
        Action.CLOSE,
        Action.NOTE,
        Action.SEVERITY,
        Action.OVERRIDE,
        Action.BREAK_GLASS,
        Action.EMERGENCY,
        Action.COME_BACK,
    }
)
"""Actions that are refused without a reason (a note's reason is its text)."""

AUTHORISES = frozenset({Action.APPROVE, Action.OVERRIDE, Action.BREAK_GLASS})
"""Actions that let happen what waits; who shipped the release may do none of them."""

NEEDS_SUBJECT = AUTHORISES | {Action.REJECT}
"""Actions that are refused unless they say which plan or notice they are about."""


MOST_NOTES = 200
"""Notes that the timeline of one incident takes."""

LONGEST_REASON = 2000
"""Characters of a reason or note: each is part of the incident's history, which may not grow too big."""


class Role(Frozen):
    """A role of the playbook and its decision rights."""

    about: str = ""
    """What the role is for, in one line."""
    may: tuple[Action | ReleaseRight, ...]
    """The decision rights that its members hold."""


class Person(Frozen):
    """A person of the site's directory."""

    name: str
    """The name as people write it."""
    roles: tuple[Name, ...] = ()
    """The roles of the playbooks that this person fills."""
    slack: str | None = None
    """The Slack member id, such as `U01ALICE`."""
    login: str | None = None
    """The operating-system account that may act as this person through the command line."""
    email: str | None = None
    """Where mail pages reach them, and by what on-call systems know them."""
    pagerduty: str | None = None
    """Their user id at PagerDuty."""


class Actor(Frozen):
    """A person at one door at one moment, with the roles that they held then."""

    person: str
    """The key of the person in the site's directory."""
    name: str
    roles: tuple[Name, ...]
    via: str
    """The door: `slack`, `cli` or `web`."""
    deputy_of: tuple[str, ...] = ()
    """Names of the people in whose place they act; those people's roles are among theirs."""
    known_as: tuple[str, ...] = ()
    """Their login and e-mail address, by which a registry of releases may know them; no timeline has them."""

    def signed(self, right: str) -> str:
        """Return who this is, by which right, and through which door, for the timeline."""
        deputy = f", deputy of {' and '.join(self.deputy_of)}" if self.deputy_of else ""
        return f"{self.name} ({right}{deputy}, via {self.via})"


def unnamed(actor: Actor) -> Actor:
    """Return the actor without what only the doors know them by."""
    return actor.model_copy(update={"known_as": ()})


def _bounded(reason: str) -> str:
    if len(reason) > LONGEST_REASON:
        raise ReasonTooLong(length=len(reason), longest=LONGEST_REASON)
    return reason


class Act(Frozen):
    """A person's action in an incident: the argument of the one Update. `ReasonTooLong`: see `reason`."""

    id: Annotated[str, Field(min_length=1, max_length=200)]
    """Idempotency id, unique per intent (Slack's trigger id, for example). The same id twice is one act."""
    action: Action
    actor: Actor
    reason: Annotated[str, AfterValidator(_bounded)] = ""
    """Why, or the text of a note; `LONGEST_REASON` characters at most."""
    subject: str | None = None
    """Digest of the plan or notice that is approved or rejected, or its first digits, six at least."""
    item: int | None = None
    """For `tick`: the number of the checklist item, counted from 1."""
    judgment: str = ""
    """For `judge`: the id of the judgment."""
    answer: str = ""
    """For `judge`: one of its answers."""
    severity: Severity | None = None
    """For `severity`: how bad it is."""


class Receipt(Frozen):
    """The answer to an accepted act, to be read aloud."""

    text: str
