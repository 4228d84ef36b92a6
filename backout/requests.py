"""What workflows ask of activities, and what they answer, where a port's own models do not serve."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from backout.alerts import Alert
from backout.criteria import Criterion
from backout.escalation import Level
from backout.evaluation import Evaluation
from backout.guard import Guard, Judged, Place
from backout.model import Duration, Frozen, Name
from backout.notice_facts import NoticeFacts
from backout.playbook import CountQuery
from backout.rules import Judgment, Occasion, Rearm, Rule, Veto
from backout.signals import Signal
from backout.timeline import Event
from backout.view import Briefing, IncidentOutcome, IncidentView
from backout.watch import Watch


class Observe(Frozen):
    """Request: watch the signals, tick by tick, until they say something or the time is over."""

    service: Name
    release: str
    baseline: str = ""
    """The last known good release; empty where none is known."""
    sense: Literal["breach", "recovery", "watch"]
    """breach: stop as soon as a rule fires. recovery: stop as soon as a whole window shows recovery.
    watch: stop at every transition."""
    signals: dict[Name, Signal]
    criteria: tuple[Criterion, ...]
    rules: tuple[Rule, ...]
    vetoes: tuple[Veto, ...] = ()
    judgments: tuple[Judgment, ...] = ()
    occasions: dict[Name, Occasion] = {}
    rearm: Rearm = Rearm()
    firing: tuple[Alert, ...] = ()
    """Alerts that are firing when the watch begins."""
    judged: tuple[Judged, ...] = ()
    """People's answers that have not expired."""
    answered: tuple[str, ...] = ()
    """Rules that fired, and `blind:<source>`, that were dealt with: the watch does not stop for them."""
    look_back: Duration | None = None
    """breach: weigh so much of the sources' history first."""
    withdrawn: bool = False
    """recovery: the exposure was read back as 0. What counts the release alone has nothing to count then."""
    resume: Watch | None = None
    """Go on from here; from nothing where it is absent."""
    tick: Duration
    window: Duration
    """recovery: the length of the window that must look recovered. breach: not used."""
    lasting: Duration
    """Stop after this long whatever the signals say."""

    @property
    def guard(self) -> Guard:
        """What decides."""
        return Guard.model_construct(**{name: getattr(self, name) for name in Guard.model_fields})

    @property
    def place(self) -> Place:
        """Which release is looked at."""
        return Place(service=self.service, release=self.release, baseline=self.baseline)


class Observation(Frozen):
    """The last evaluation of a watch."""

    evaluation: Evaluation
    ticks: int
    watch: Watch | None = None
    """Where it stands, to go on from; None in what was recorded before watches could go on."""


class CountRequests(Frozen):
    """Request: read the counter of requests that the candidate served."""

    service: Name
    release: str
    count: CountQuery


class RequestCount(Frozen):
    """How many requests the candidate has served, or None where the source has no data."""

    served: float | None


class PagePeople(Frozen):
    """Request: call the members of some roles about an incident."""

    channel: Name
    roles: tuple[Name, ...]
    why: str
    brief: Briefing
    thread: str | None = None
    levels: tuple[Level, ...] = ()
    """Levels of escalation policies that are paged too, as far as they are for this hour."""
    at: datetime | None = None
    """The moment of the page: it says who is on call, and whether people work. None: now."""


class Paged(Frozen):
    """Who was called."""

    people: tuple[str, ...]
    ref: str
    passed_over: str = ""
    """Why nobody was called: no level is for this hour, or nobody is on call. Empty where somebody was."""
    unreached: tuple[str, ...] = ()
    """Rotas that failed and people whom the channel did not reach, each with the reason."""


class TellPaged(Frozen):
    """Request: bring pages that went out by another channel than the responders' up to date."""

    channel: Name
    refs: Annotated[tuple[str, ...], Field(min_length=1)]
    """The channel's references of the pages."""
    brief: Briefing


class DraftNotice(Frozen):
    """Request: render a notice from the incident's facts."""

    template: Name
    audience: Name
    view: IncidentView | None = None
    """What was sent in the place of the facts before there were any."""
    facts: NoticeFacts | None = None


class Notice(Frozen):
    """A rendered notice; approvals are bound to its digest."""

    audience: Name
    title: str
    text: str


class SendNotice(Frozen):
    """Request: post a notice to its audience's channel."""

    channel: Name
    notice: Notice
    incident: str
    key: str = ""
    """Made from the place of the notice: the same key is one message. Empty: the place of the activity."""
    again: bool = False
    """It was tried before without a word that it is there; it may be there already."""


class Sent(Frozen):
    """Where a message ended up."""

    ref: str
    link: str | None = None


class RunCheck(Frozen):
    """Request: run one integrity check of the site."""

    check: Name
    service: Name
    release: str
    """The candidate; or the very release that is looked at, where `baseline` is None."""
    baseline: str | None = None
    """The last known good release; empty where none is known. A check of the site may be about that one.
    None: the check is about `release`, whatever the site file says."""
    incident: str = ""
    """The incident whose evidence it is; empty where none is kept."""
    key: str = ""
    """Made from the place: what the check changes carries it, and the same key is one effect."""


class PublishTimeline(Frozen):
    """Request: keep new events in the store and tell them in the responders' channel."""

    events: tuple[Event, ...]
    brief: Briefing
    channel: Name
    top: str | None = None
    """The reference of the incident's top message; None until it is posted."""
    again: bool = False
    """They were told before without a word that they are; they may be there already."""


class Published(Frozen):
    """The incident's top message, if the channel took it."""

    top: str | None
    told: bool
    error: str = ""


class WritePostmortem(Frozen):
    """Request: render and store the postmortem."""

    template: Name
    view: IncidentView
    outcome: IncidentOutcome
    written_at: datetime
    due: datetime
