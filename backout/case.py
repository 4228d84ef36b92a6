"""The case: everything that an incident remembers, and how alerts and people's acts change it.

It is the one mutable model. It has no clock: whoever changes it says when. All of it is data, so that a long
incident can be carried over into a fresh history.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel

from backout import judgments, message_texts
from backout.alerts import Alert
from backout.communications import Owed
from backout.consents import Pending
from backout.escalation import Ladder
from backout.evaluation import Evaluation
from backout.guard import Judged
from backout.instead import instead
from backout.model import Frozen, Name
from backout.people import Receipt
from backout.playbook import Playbook
from backout.releases import Artifact
from backout.requests import Observation
from backout.serving import Session
from backout.severity import Severity
from backout.stakes import stakes
from backout.timeline import AlertReceived, Event, SignalsJudged
from backout.timeline_baseline import gone_back_to
from backout.timeline_paging import AcknowledgementLapsed
from backout.upcoming import upcoming
from backout.view import Ask, Briefing, IncidentOutcome, IncidentSummary, IncidentView, Phase

MOST_FIRING = 200
"""Firing alerts that a case keeps; more are counted."""
MOST_ALERTS_TOLD = 100
"""Alerts that are written on the timeline; more are counted."""


class Directive(StrEnum):
    """What a person told the engine to do with the current step."""

    RESUME = "resume"
    RETRY = "retry"
    SKIP = "skip"
    ABORT = "abort"
    CLOSE = "close"
    EMERGENCY = "emergency"
    """Leave the step, whichever it is, and take everything off by the revert."""
    COME_BACK = "come_back"
    """Take the revert again, upwards."""


class Case(BaseModel):
    """What one incident remembers."""

    run: str
    """The first run's id."""
    opened_at: datetime
    closed_at: datetime | None = None
    timeline: list[Event] = []
    published: int = 0
    """So many events of the timeline are in the store and told in the channel."""
    top: str | None = None
    """The channel's reference of the incident's top message."""
    untold: str = ""
    """Why the news cannot be told; empty where they are, or soon will be."""
    firing: dict[str, Alert] = {}
    """The newest alert of each episode."""
    alerts: int = 0
    position: int = 0
    """The index of the current step."""
    step_until: datetime | None = None
    phase: Phase = Phase.DETECT
    outcome: IncidentOutcome = IncidentOutcome.OPEN
    ending: IncidentOutcome | None = None
    """Set once the rest of the playbook is to be left out, up to the postmortem."""
    exposure: int | None = None
    evaluation: Evaluation | None = None
    """What the signals said last, in the breach sense."""
    remaining: tuple[int, ...] | None = None
    """Stages of the revert that are still to come; None before it began."""
    reverts: int = 0
    """So many staged reverts were started."""
    authorised: tuple[str, ...] = ()
    """Digests of the plans and notices that were approved."""
    rejections: dict[str, str] = {}
    """Who rejected a plan or notice, and why, by its digest."""
    acknowledged_by: str = ""
    held: str = ""
    held_by: str = ""
    """Who holds it, where it is nobody with a right: such as an escalation policy that ended unanswered."""
    reminders: int = 0
    """How often people were called again since the incident is held."""
    directive: Directive | None = None
    asks: dict[str, Ask] = {}
    """What waits for people, by kind."""
    ticks: dict[str, tuple[int, ...]] = {}
    """Ticked items of the checklists, by step."""
    receipts: dict[str, Receipt] = {}
    """Answers by act id: the same id twice is one act."""
    verified: bool = False
    """The last verification saw the users recover."""
    reverted: bool = False
    """The revert came to its last stage, read back and soaked."""
    released: bool = False
    """The rollout came to its last stage, read back, soaked and healthy."""
    turning_back: str = ""
    """Why a rollout turns back, or has; empty while no rule fired at a stage of it."""
    sent: tuple[str, ...] = ()
    """Steps whose notice was sent."""
    ladder: Ladder | None = None
    """Where the paging stands, while it goes on beside the steps."""
    episodes: int = 0
    """Alert episodes that began."""
    settled: int | None = None
    """How many of them had begun when it was settled how the incident ends."""
    notes: int = 0
    postmortem: str = ""
    answered: tuple[str, ...] = ()
    """Rules that fired, and `blind:<source>`, for which people were called or decided."""
    investigated: tuple[str, ...] = ()
    """Rules that paused the incident for an investigation: a step that begins anew does not forget them."""
    judged: dict[str, Judged] = {}
    """The last answer to each judgment, by its id; each says until when it weighs."""
    judged_by_others: tuple[Judged, ...] = ()
    """The last answer of everyone else to each judgment."""
    begun: bool = False
    """What the release's watch found was taken in."""
    severity: Severity | None = None
    """How bad people say it is; as the playbook says where it is None."""
    pending: dict[str, Pending] = {}
    """Acts that take effect once others have consented, by the digest that they consent to."""
    owed: dict[str, Owed] = {}
    """Where each communication stands, by its id, once what it comes after has happened."""
    exposures: dict[str, int] = {}
    """The exposure on each target of the release set, as far as it was read back."""
    emergency: str = ""
    """Who wants everything off at once; empty while nobody does."""
    chosen: str = ""
    """The alternative that was chosen in the revert's place; empty for the revert."""
    tried: tuple[str, ...] = ()
    """Alternatives that were carried out, or given up: after one, only the revert is left."""
    recovered: bool = False
    """The walk stopped where users had recovered, with stages left: people may bring exposure back up."""
    coming_back: str = ""
    """Who brings exposure back up, and why; empty while nobody does."""
    came_back: bool = False
    """People brought exposure back up to where it was found, and no rule fired."""
    stayed: bool = False
    """People left exposure where users had recovered, between two stages."""
    further: dict[str, int] = {}
    """How often each verification sent the playbook back to the revert."""
    leased: tuple[str, ...] = ()
    """The targets that no other incident may change while this one is open."""
    announced: dict[str, datetime] = {}
    """Until when a plan that runs by itself could be held before it began, by its digest."""
    sessions: tuple[Session, ...] = ()
    """Conversations of our own that began before the revert: the served step goes on with them."""

    @property
    def interrupted(self) -> bool:
        """Whether a person wants the current step to stop."""
        return bool(self.held) or self.directive is not None

    def add(self, event: Event, *, now: datetime, step: str) -> None:
        """Write an event on the timeline."""
        seq = len(self.timeline) + 1
        self.timeline.append(event.model_copy(update={"seq": seq, "at": now, "step": event.step or step}))
        message_texts.bound(self.timeline, stored=self.published)

    def take_alert(self, alert: Alert, *, now: datetime) -> None:
        """Count an alert; only a new episode, or a new state of one, is written down, up to a bound.

        Labels are for routing, which is done: they stay out, as the case must fit into one message.
        """
        self.alerts += 1
        begins, known = alert.status == "firing", alert.episode in self.firing
        # A repeat, the end of what is not known as firing, or one more than can be told from its repeats.
        if begins == known or (begins and not self._has_room(alert)):
            return
        alert = alert.model_copy(update={"labels": {}})
        if begins:
            self.episodes += 1
            self.firing[alert.episode] = alert
        else:
            del self.firing[alert.episode]
        if sum(isinstance(event, AlertReceived) for event in self.timeline) < MOST_ALERTS_TOLD:
            self.add(AlertReceived(at=now, alert=alert), now=now, step="")

    def _has_room(self, alert: Alert) -> bool:
        """Say whether one more firing alert is kept; new names longer, as a rule may listen to them."""
        is_new = all(kept.name != alert.name for kept in self.firing.values())
        return len(self.firing) < (2 * MOST_FIRING if is_new else MOST_FIRING)

    def settle(self, ending: IncidentOutcome) -> None:
        """Settle how the incident ends, with the alerts that are known now.

        A rollout that turned back has, whoever closes or aborts it after that.
        """
        if self.ending is not IncidentOutcome.TURNED_BACK:
            self.ending = ending
        self.settled = self.episodes if self.settled is None else self.settled

    def unsettle(self) -> None:
        """Go on where it was settled how the incident ends; a rollout that turned back stays so."""
        if self.ending is not IncidentOutcome.TURNED_BACK:
            self.ending, self.settled = None, None

    def give_up_alternative(self) -> None:
        """Leave the alternative that was chosen: only the revert itself is offered from now on."""
        if self.chosen:
            self.tried = tuple(dict.fromkeys((*self.tried, self.chosen)))
            self.chosen, self.remaining = "", None

    @property
    def overtaken(self) -> bool:
        """Whether an alert began after it was settled how the incident ends: nobody has looked at it."""
        return self.settled is not None and self.episodes > self.settled and bool(self.firing)

    def start_over(self) -> None:
        """Go back to the first step: what was found and authorised before says nothing of a new alert."""
        self.position, self.reminders = 0, 0
        self.outcome, self.ending, self.closed_at = IncidentOutcome.OPEN, None, None
        self.evaluation, self.remaining, self.settled = None, None, None
        self.authorised, self.acknowledged_by, self.ladder = (), "", None
        self.verified, self.reverted, self.released = False, False, False
        self.emergency, self.chosen, self.tried = "", "", ()
        self.recovered, self.coming_back, self.came_back, self.stayed = False, "", False, False
        self.further = {}
        self.sent, self.ticks, self.rejections = (), {}, {}
        self.answered, self.investigated, self.sessions = (), (), ()
        self.asks, self.pending, self.announced, self.owed = {}, {}, {}, {}

    def baseline(self, opening: OpenIncident) -> str:
        """Return the release that traffic goes back to, as it is known now; empty where none is."""
        return gone_back_to(self.timeline, opening.baseline)

    def brief(self, opening: OpenIncident) -> Briefing:
        """Return what a responder needs to know now."""
        names = [step.name for step in opening.playbook.steps]
        over = self.outcome is not IncidentOutcome.OPEN
        judged = next((event for event in reversed(self.timeline) if isinstance(event, SignalsJudged)), None)
        return Briefing(
            summary=self._summary(opening, self.severity or opening.playbook.severity),
            step="" if over else names[self.position],
            step_until=None if over else self.step_until,
            held=self.held,
            asks=tuple(self.asks.values()),
            next_steps=() if over else tuple(names[-1:] if self.ending else names[self.position + 1 :]),
            acknowledged_by=self.acknowledged_by,
            lapsed=not self.acknowledged_by
            and any(isinstance(event, AcknowledgementLapsed) for event in self.timeline),
            fired=judged.line if judged else "",
            postmortem=self.postmortem,
            notes=self.notes,
            questions=() if over else judgments.questions(opening.playbook, self.position, self.judged),
            shipped_by=opening.shipped_by,
            seen=len(self.timeline),
            untold=self.untold,
            notices=upcoming(opening.playbook.communications, self.owed, self.asks),
            emergency=self.emergency,
            can_take_off=opening.playbook.way_down is not None
            and self.ending is not IncidentOutcome.TURNED_BACK,
            can_come_back=self.recovered,
            stakes=stakes(
                self.timeline,
                None if over else opening.playbook.steps[self.position],
                at_risk=opening.playbook.at_risk.users,
                baseline=self.baseline(opening),
            ),
        )

    def _summary(self, opening: OpenIncident, severity: Severity) -> IncidentSummary:
        return IncidentSummary(
            incident=opening.incident,
            run=self.run,
            service=opening.service,
            release=opening.release,
            playbook=opening.playbook.playbook,
            severity=severity,
            phase=self.phase,
            outcome=self.outcome,
            opened_at=self.opened_at,
            closed_at=self.closed_at,
            alerts=self.alerts,
            exposure=self.exposure,
            exposures=self._by_target(opening.playbook),
        )

    def _by_target(self, playbook: Playbook) -> dict[str, int]:
        """Return where each target of the release's set stands; nothing where it has one."""
        known = playbook.release_set
        exposures = {target: percent for target, percent in self.exposures.items() if target in known}
        return exposures if len(known) > 1 else {}

    def view(self, opening: OpenIncident) -> IncidentView:
        """Return everything about the incident."""
        brief = self.brief(opening)
        return IncidentView(
            **{name: getattr(brief, name) for name in Briefing.model_fields},
            playbook=opening.playbook,
            digest=opening.digest,
            baseline=self.baseline(opening),
            artifacts=opening.artifacts,
            firing=tuple(alert for alert in self.firing.values() if alert.status == "firing"),
            instead=tuple(instead(opening.playbook, self.timeline)),
            timeline=tuple(self.timeline),
        )


class OpenIncident(Frozen):
    """Request: the input of the incident workflow. The playbook is a snapshot: edits do not reach it."""

    incident: str
    """`incident/<service>/<release>`, which is the workflow id too."""
    service: Name
    release: str
    playbook: Playbook
    digest: str
    """The playbook's digest."""
    baseline: str = ""
    """The last known good release, where the registry knows one."""
    artifacts: tuple[Artifact, ...] = ()
    """What the release is made of, where it is registered."""
    shipped_by: str = ""
    """Who shipped the release, as the registry knows them: a person's key, name, login or e-mail address."""
    found: Observation | None = None
    """What the release's watch saw, where it opened the incident: detection begins with it."""
    because: str = ""
    """Who began a rollout, and why."""
    carried: Case | None = None
    """The case of an earlier history, when a long incident goes on in a fresh one."""
