"""The timeline: everything that happened in an incident, each event past tense, with its numbers."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field

from backout.alerts import Alert
from backout.evaluation import Evaluation, Factor, Outcome
from backout.event import BaseEvent
from backout.model import format_duration
from backout.people import Action, Actor
from backout.timeline_baseline import BaselineProven, BaselineUnproven
from backout.timeline_decisions import (
    ApprovalAsked,
    ConsentAsked,
    ConsentLapsed,
    GlassBroken,
    RevertAnnounced,
)
from backout.timeline_exposure import (
    CapacitySet,
    CheckRun,
    ExposureSet,
    RequestsCounted,
    RevertStopped,
    StagePutBack,
)
from backout.timeline_fencing import TargetsTakenOver
from backout.timeline_notices import NoticeDropped, NoticeOverdue
from backout.timeline_paging import AcknowledgementLapsed, LadderEnded, LevelPassedOver
from backout.timeline_plans import PlanChosen
from backout.timeline_quarantine import QuarantineFailed, QuarantineFound, ReleaseQuarantined
from backout.timeline_served import ServedChecked, SessionsBegun


class IncidentOpened(BaseEvent):
    """The incident began."""

    event: Literal["IncidentOpened"] = "IncidentOpened"
    playbook: str
    version: int
    digest: str
    by_watch: bool = False
    """The watch of the release opened it, not an alert."""
    because: str = ""
    """Who began it, and why, where it is a rollout."""

    @property
    def line(self) -> str:
        """The event as one sentence for people."""
        if self.because:
            return f"Rollout begun by {self.because}, with playbook {self.playbook} version {self.version}"
        by = " by the watch of the release," if self.by_watch else ""
        return f"Incident opened{by} with playbook {self.playbook} version {self.version}"


class AlertReceived(BaseEvent):
    """A new alert, or a new state of one, came in."""

    event: Literal["AlertReceived"] = "AlertReceived"
    alert: Alert

    @property
    def line(self) -> str:
        """The event as one sentence for people."""
        about = f": {self.alert.summary}" if self.alert.summary else ""
        return f"Alert {self.alert.name} from {self.alert.source} is {self.alert.status}{about}"


class StepStarted(BaseEvent):
    """A step began."""

    event: Literal["StepStarted"] = "StepStarted"
    kind: str
    owner: str
    until: datetime
    attempt: int = 1

    @property
    def line(self) -> str:
        """The event as one sentence for people."""
        again = f", attempt {self.attempt}" if self.attempt > 1 else ""
        return f"Step {self.step} started{again} (owner {self.owner}, until {self.until:%H:%M:%S} UTC)"


class StepFinished(BaseEvent):
    """A step did what it is for."""

    event: Literal["StepFinished"] = "StepFinished"
    result: str

    @property
    def line(self) -> str:
        """The event as one sentence for people."""
        return f"Step {self.step} finished: {self.result}"


class StepTimedOut(BaseEvent):
    """A step's time window ended before it was done."""

    event: Literal["StepTimedOut"] = "StepTimedOut"
    move: str
    missing: str

    @property
    def line(self) -> str:
        """The event as one sentence for people."""
        return f"Step {self.step} ran out of time ({self.missing}); next: {self.move}"


class StepFailed(BaseEvent):
    """A step could not do what it is for."""

    event: Literal["StepFailed"] = "StepFailed"
    move: str
    error: str

    @property
    def line(self) -> str:
        """The event as one sentence for people."""
        return f"Step {self.step} failed: {self.error}; next: {self.move}"


class SignalsJudged(BaseEvent):
    """The rules were held against the signals."""

    event: Literal["SignalsJudged"] = "SignalsJudged"
    sense: Literal["breach", "recovery"]
    evaluation: Evaluation

    @property
    def said(self) -> str:
        """What they said, in a few words."""
        recovered = {
            Outcome.CLEAR: "users recovered",
            Outcome.FIRED: "users have not recovered",
            Outcome.INCONCLUSIVE: "no proof of recovery",
        }
        said = self.evaluation.outcome.value if self.sense == "breach" else recovered[self.evaluation.outcome]
        rule = f" (rule {self.evaluation.rule})" if self.evaluation.rule else ""
        return f"{said}{rule}"

    @property
    def line(self) -> str:
        """The event as one sentence for people."""
        told = "; ".join((*self.evaluation.reasons, *self.evaluation.asides))
        return f"Signals judged: {self.said}. {told}".strip()


class InvestigationOpened(BaseEvent):
    """A rule asked for a targeted investigation before anything is reverted."""

    event: Literal["InvestigationOpened"] = "InvestigationOpened"
    rule: str
    findings: tuple[Factor, ...]
    """What the rule fired on, with its cohort and numbers."""
    look_at: tuple[str, ...]
    """Where to look."""

    @property
    def line(self) -> str:
        """The event as one sentence for people."""
        found = "; ".join(finding.reason for finding in self.findings) or "no single signal"
        return f"Investigation opened by rule {self.rule}: {found}. Look at {'; '.join(self.look_at)}"


class PeoplePaged(BaseEvent):
    """People were called."""

    event: Literal["PeoplePaged"] = "PeoplePaged"
    level: int
    roles: tuple[str, ...]
    people: tuple[str, ...]
    why: str
    policy: str = ""
    """The escalation policy whose level it is; empty where people are called beside any."""
    round: int = 1
    channel: str = ""
    """The channel, where it is another than the one in which the responders work."""
    ref: str = ""
    """The page's reference there, by which it is brought up to date."""
    unreached: tuple[str, ...] = ()
    """What failed, where somebody was called all the same."""

    @property
    def line(self) -> str:
        """The event as one sentence for people."""
        by = f" through {self.channel}" if self.channel else ""
        failed = f" (not reached: {'; '.join(self.unreached)})" if self.unreached else ""
        return f"Paged {', '.join(self.people)} ({', '.join(self.roles)}){by}: {self.why}{failed}"


_FLAGGED = {
    Action.OVERRIDE: "OVERRIDE",
    Action.BREAK_GLASS: "BREAK-GLASS",
    Action.EMERGENCY: "EMERGENCY",
}
"""What goes past a quorum stands out wherever the timeline is read."""


class ActionTaken(BaseEvent):
    """A person acted, with the right to."""

    event: Literal["ActionTaken"] = "ActionTaken"
    act: str
    """The act's idempotency id."""
    action: Action
    actor: Actor
    right: str
    """The role that carried the right."""
    reason: str = ""
    subject: str = ""
    detail: str = ""

    @property
    def line(self) -> str:
        """The event as one sentence for people."""
        reason = f": {self.reason}" if self.reason else ""
        detail = f" ({self.detail})" if self.detail else ""
        did = _FLAGGED.get(self.action, self.action.value)
        return f"{self.actor.signed(self.right)}: {did}{detail}{reason}"


class Held(BaseEvent):
    """The playbook stopped until a person decides."""

    event: Literal["Held"] = "Held"
    by: str
    why: str

    @property
    def line(self) -> str:
        """The event as one sentence for people."""
        return f"Held by {self.by}: {self.why}"


class MessageSent(BaseEvent):
    """A message went to an audience."""

    event: Literal["MessageSent"] = "MessageSent"
    audience: str
    channel: str
    text: str
    communication: str = ""
    """The communication of the playbook; empty where a step sent it."""
    due: datetime | None = None
    """By when it was to be sent, for a communication."""

    @property
    def late(self) -> timedelta:
        """How long after it was due it was sent; nothing where it was in time."""
        return max(timedelta(0), self.at - self.due) if self.due else timedelta(0)

    @property
    def line(self) -> str:
        """The event as one sentence for people."""
        seconds = timedelta(seconds=math.ceil(self.late.total_seconds()))
        late = f", {format_duration(seconds)} late" if seconds else ""
        return f"Message sent to {self.audience} through {self.channel}{late}"


class MessageFailed(BaseEvent):
    """A message could not be sent."""

    event: Literal["MessageFailed"] = "MessageFailed"
    audience: str
    channel: str
    error: str

    @property
    def line(self) -> str:
        """The event as one sentence for people."""
        return f"Message to {self.audience} through {self.channel} was not sent: {self.error}"


class PostmortemWritten(BaseEvent):
    """The postmortem was rendered and stored."""

    event: Literal["PostmortemWritten"] = "PostmortemWritten"
    location: str
    digest: str
    due: datetime

    @property
    def line(self) -> str:
        """The event as one sentence for people."""
        return f"Postmortem written to {self.location}; review due {self.due:%Y-%m-%d}"


class IncidentReopened(BaseEvent):
    """An alert began while the incident was closing, so it goes on from its first step."""

    event: Literal["IncidentReopened"] = "IncidentReopened"
    alert: str

    @property
    def line(self) -> str:
        """The event as one sentence for people."""
        return f"Incident goes on from its first step: alert {self.alert} began while it was closing"


class IncidentEnded(BaseEvent):
    """The incident is over."""

    event: Literal["IncidentEnded"] = "IncidentEnded"
    outcome: str
    is_rollout: bool = False

    @property
    def line(self) -> str:
        """The event as one sentence for people."""
        return f"{'Rollout' if self.is_rollout else 'Incident'} ended: {self.outcome}"


Event = Annotated[
    IncidentOpened
    | AlertReceived
    | StepStarted
    | StepFinished
    | StepTimedOut
    | StepFailed
    | SignalsJudged
    | InvestigationOpened
    | PeoplePaged
    | LadderEnded
    | LevelPassedOver
    | AcknowledgementLapsed
    | ActionTaken
    | ApprovalAsked
    | ConsentAsked
    | ConsentLapsed
    | GlassBroken
    | RevertAnnounced
    | PlanChosen
    | Held
    | BaselineProven
    | BaselineUnproven
    | ExposureSet
    | StagePutBack
    | CapacitySet
    | RevertStopped
    | TargetsTakenOver
    | ReleaseQuarantined
    | QuarantineFound
    | QuarantineFailed
    | CheckRun
    | SessionsBegun
    | ServedChecked
    | RequestsCounted
    | MessageSent
    | MessageFailed
    | NoticeOverdue
    | NoticeDropped
    | PostmortemWritten
    | IncidentEnded
    | IncidentReopened,
    Field(discriminator="event"),
]
"""One entry of the timeline."""
