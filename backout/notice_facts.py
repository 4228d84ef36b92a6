"""What a notice is written from: the facts of one moment, bounded, so that there may be many of them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from backout.model import Frozen
from backout.playbook import AtRisk
from backout.releases import Artifact
from backout.view import IncidentSummary


class Stage(StrEnum):
    """How far an incident is, as people outside are told it."""

    INVESTIGATING = "investigating"
    REVERTING = "reverting"
    """The cause is taken for known: exposure is being taken off."""
    ADJUSTED = "adjusted"
    """Something milder than the revert is done, or exposure comes back: it is watched whether all is well."""
    MONITORING = "monitoring"
    """The revert is complete; it is watched whether users recover."""
    RESOLVED = "resolved"
    """Users were seen to recover."""
    FALSE_ALARM = "false_alarm"
    CLOSED = "closed"
    """It is over, and nobody has seen users recover."""


class Line(Frozen):
    """Something that happened, in one sentence."""

    at: datetime
    text: str


class Evidence(Frozen):
    """Something whose digest proves what it was."""

    what: str
    digest: str


class Moments(Frozen):
    """When it happened; None where it did not."""

    began: datetime
    """When the first alert says that it began."""
    opened: datetime
    acknowledged: datetime | None = None
    reverting: datetime | None = None
    reverted: datetime | None = None
    recovered: datetime | None = None


class NoticeFacts(Frozen):
    """The facts of one moment in an incident."""

    incident: IncidentSummary
    stage: Stage
    at: datetime
    """The moment."""
    next_due: datetime | None = None
    """When the audience is told more at the latest; None where nothing more is planned."""
    first: bool = True
    """The audience was told nothing yet in this incident."""
    scenario: str
    at_risk: AtRisk
    playbook: str
    """With its version."""
    owner: str = ""
    """Who owns the incident; empty while nobody does."""
    step: str = ""
    held: str = ""
    """Why it is held; empty where it is not."""
    fired: str = ""
    """What the signals said last."""
    waits: tuple[str, ...] = ()
    """What waits for people's decision, and whose."""
    baseline: str = ""
    artifacts: tuple[Artifact, ...] = ()
    moments: Moments
    exposure_before: int | None = None
    """Percent of traffic on the candidate before anything was taken off; None where nothing was."""
    requests: int | None = None
    """Requests that the candidate served since the incident was opened, as last counted."""
    decisions: tuple[Line, ...] = ()
    """What people decided, by which right."""
    events: tuple[Line, ...] = ()
    """What happened: the first of it, and the last."""
    left_out: int = 0
    """Events between those that are not among them."""
    evidence: tuple[Evidence, ...] = ()
