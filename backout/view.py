"""What an incident shows: the state that pages, the command line, Slack and Temporal's UI all read."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from backout.alerts import Alert
from backout.communications import Upcoming
from backout.guard import Judged
from backout.instead import Instead
from backout.messages import State
from backout.model import Frozen, Name
from backout.naming import INCIDENT, ROLLOUT
from backout.people import Action
from backout.playbook import Playbook
from backout.releases import Artifact
from backout.rules import Weight
from backout.severity import Severity
from backout.stakes import Stakes
from backout.timeline import Event

CODE_LENGTH = 8
"""Digits of a digest that people are shown, and type."""


class Phase(StrEnum):
    """Where the incident stands: the kind of its step, or held, or closed."""

    DETECT = "detect"
    ESCALATE = "escalate"
    REVERT = "revert"
    ROLLOUT = "rollout"
    SERVED = "served"
    CHECK = "check"
    VERIFY = "verify"
    NOTIFY = "notify"
    MANUAL = "manual"
    POSTMORTEM = "postmortem"
    HELD = "held"
    CLOSED = "closed"


class IncidentOutcome(StrEnum):
    """How the incident ended, or that it is open."""

    OPEN = "open"
    RECOVERED = "recovered"
    """Verification saw the users recover, after a complete revert or where people brought exposure back."""
    UNVERIFIED = "unverified"
    """The playbook ran to its end, but the revert or the rollout is not complete, or health was not shown."""
    RELEASED = "released"
    """Of a rollout: it came to its last stage, and every stage was shown to be healthy, and so was what its
    verification looked at."""
    TURNED_BACK = "turned_back"
    """Of a rollout: a rule fired at a stage, and all exposure was taken off again."""
    FALSE_ALARM = "false_alarm"
    ABORTED = "aborted"
    CLOSED = "closed"
    """A person closed it before its playbook ended."""


class Ask(Frozen):
    """What waits for a person now."""

    what: str
    """The question in words."""
    actions: tuple[Action, ...]
    subject: str = ""
    """Digest of the plan or notice that an approval is bound to."""
    plan: str = ""
    """What the plan is called among those of which one is chosen; empty where it is alone."""
    quorum: int = 0
    approved_by: tuple[str, ...] = ()
    approved_as: tuple[tuple[str, ...], ...] = ()
    """The asked roles that each of those who approved has, in the same order."""
    roles: tuple[str, ...] = ()
    roles_needed: int = 1
    """So many distinct roles must approve, each by another person: nobody counts for two."""
    must: tuple[str, ...] = ()
    """Roles of which at least one must be among those that approve."""
    required: tuple[str, ...] = ()
    """Roles that must each be among those that approve, each filled by another person."""
    glass: tuple[str, ...] = ()
    """Roles of which two may break the glass for it; nobody may where it is empty."""
    broken_by: tuple[str, ...] = ()
    """Who broke the glass for it so far."""
    broken_as: tuple[tuple[str, ...], ...] = ()
    """The roles among `glass` that each of them has, in the same order."""
    carries_out: Action | None = None
    """What somebody did with the right, and what takes effect only once this is authorised."""
    if_rejected: str = "the incident is held until a person decides"
    """What a rejection means, for whoever rejects."""
    until: datetime | None = None
    items: tuple[str, ...] = ()
    """Checklist items, for a manual step."""
    ticked: tuple[int, ...] = ()

    @property
    def headline(self) -> str:
        """The first line of the question."""
        return self.what.partition("\n")[0]

    @property
    def code(self) -> str:
        """What people type to say which plan or notice they have read: the digest's first digits."""
        return self.subject.partition(":")[2][:CODE_LENGTH]


class Question(Frozen):
    """A judgment that people may give now: their answer weighs into the rules."""

    judgment: Name
    ask: str
    roles: tuple[str, ...]
    """Who may answer."""
    answers: dict[Name, Weight]
    given: Judged | None = None
    """The answer that was given last; another one replaces it."""

    @property
    def line(self) -> str:
        """The question, and what was answered, in one sentence."""
        if self.given is None:
            return f"{self.ask} ({self.judgment})"
        by, until = self.given.by, self.given.until
        return f"{self.ask} ({self.judgment}: {self.given.answer}, by {by}, until {until:%H:%M:%S} UTC)"


class IncidentSummary(Frozen):
    """One line of the list of incidents."""

    incident: str
    run: str
    """The first run's id: tells two incidents on one release apart."""
    service: str
    release: str
    playbook: str
    severity: Severity
    phase: Phase
    outcome: IncidentOutcome
    opened_at: datetime
    closed_at: datetime | None = None
    alerts: int = 0
    """Alerts that came in: each new episode and each change of one. The doors keep repeats out."""
    exposure: int | None = None
    """Percent of traffic on the candidate, as last read; None before the first look. Of several targets, the
    most of any."""
    exposures: dict[str, int] = {}
    """Where each target stands, where several hold the release."""

    @property
    def by_target(self) -> str:
        """Where each of several targets stands, as people read it; empty where there is one."""
        return ", ".join(f"{target} {percent} %" for target, percent in self.exposures.items())

    @property
    def is_rollout(self) -> bool:
        """Whether it brings a release up, instead of taking one back."""
        return is_rollout(self.incident)


class Briefing(Frozen):
    """What a responder needs to know now, small enough to travel with every message."""

    summary: IncidentSummary
    step: str
    """The name of the current step."""
    step_until: datetime | None
    held: str
    """Why the incident is held; empty when it is not."""
    asks: tuple[Ask, ...]
    """What waits for people, most urgent first."""
    next_steps: tuple[str, ...]
    """The names of the steps that are still to come."""
    acknowledged_by: str = ""
    lapsed: bool = False
    """Somebody owned it, and nobody does any more: it still fired, and people are called anew."""
    fired: str = ""
    """What the signals said last, in one sentence."""
    postmortem: str = ""
    """Where the postmortem is; empty before it is written."""
    notes: int = 0
    """Notes on the timeline."""
    questions: tuple[Question, ...] = ()
    """Judgments that people may give now."""
    shipped_by: str = ""
    """Who shipped the release, as the registry knows them: they authorise nothing here."""
    seen: int = 0
    """Events on the timeline so far."""
    stakes: Stakes = Stakes()
    untold: str = ""
    """Why the news cannot be told in the responders' channel; empty where they can."""
    notices: tuple[Upcoming, ...] = ()
    """What each audience is to be told next, the most urgent first."""
    emergency: str = ""
    """Who had everything taken off at once; empty where nobody did, or once it is done."""
    can_take_off: bool = True
    """The playbook has a step that takes exposure off, which an emergency needs."""
    can_come_back: bool = False
    """Exposure stopped between two stages after users recovered: people may bring it back up."""

    @property
    def state(self) -> State:
        """How far the incident is, as pagers tell it."""
        if self.summary.phase is Phase.CLOSED:
            return "closed"
        if self.acknowledged_by:
            return "acknowledged"
        return "lapsed" if self.lapsed else "open"


class IncidentView(Briefing):
    """Everything about one incident."""

    playbook: Playbook
    digest: str
    baseline: str = ""
    """The last known good release; empty where none is known."""
    artifacts: tuple[Artifact, ...] = ()
    """What the release is made of, where it is registered."""
    firing: tuple[Alert, ...]
    instead: tuple[Instead, ...] = ()
    """What was done in the place of a revert, and whether it still stands."""
    timeline: tuple[Event, ...]


def is_rollout(incident: str) -> bool:
    """Say whether a case brings a release up, instead of taking one back."""
    return incident.startswith(ROLLOUT)


def rollout_id(service: str, release: str) -> str:
    """Return the id of the rollout of a release, the workflow's id."""
    return f"{ROLLOUT}{service}/{release}"


def incident_id(service: str, release: str) -> str:
    """Return the id of the incident on a release, the workflow's id."""
    return f"{INCIDENT}{service}/{release}"
