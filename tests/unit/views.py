"""Incidents made by hand: one in which everything happened, one that has only just begun, and their parts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from backout.alerts import Alert
from backout.case import Case, OpenIncident
from backout.evaluation import Evaluation, Factor, Outcome, Verdict
from backout.model import digest_of
from backout.people import Act, Action, Actor
from backout.timeline import (
    ActionTaken,
    AlertReceived,
    Event,
    Held,
    IncidentEnded,
    IncidentOpened,
    IncidentReopened,
    InvestigationOpened,
    MessageFailed,
    MessageSent,
    PeoplePaged,
    PostmortemWritten,
    SignalsJudged,
    StepFailed,
    StepFinished,
    StepStarted,
    StepTimedOut,
)
from backout.timeline_decisions import (
    ApprovalAsked,
    ConsentAsked,
    ConsentLapsed,
    GlassBroken,
    RevertAnnounced,
)
from backout.timeline_exposure import CheckRun, ExposureSet, RequestsCounted, RevertStopped
from backout.timeline_notices import NoticeDropped, NoticeOverdue
from backout.timeline_paging import AcknowledgementLapsed, LadderEnded, LevelPassedOver
from backout.timeline_plans import PlanChosen
from backout.view import Ask, Briefing, IncidentView, Phase
from tests.unit.linted import changed
from tests.unit.views_sets import capacity, put_back
from tests.unit.views_taken_back import taken_back

ROOT = Path(__file__).parents[2] / "templates"
TEMPLATES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in ROOT.rglob("*.j2")
}
OPENED = datetime(2026, 11, 20, 21, 0, tzinfo=UTC)
PLAYBOOK = changed({})
OPENING = OpenIncident(
    incident="incident/chat/r2",
    service="chat",
    release="r2",
    playbook=PLAYBOOK,
    digest=digest_of(PLAYBOOK),
)
ANN = Actor(person="ann", name="Ann", roles=("on_call",), via="slack")
BEN = Actor(person="ben", name="Ben", roles=("commander",), via="cli")
CLEO = Actor(person="cleo", name="Cleo", roles=("product",), via="slack")
PLAN = "sha256:" + "a" * 64


def at(minutes: float) -> datetime:
    """Return the moment so many minutes after the incident was opened."""
    return OPENED + timedelta(minutes=minutes)


def alert(name: str = "ErrorsHigh", *, began: float = -5, status: str = "firing", **fields: object) -> Alert:
    """Return an alert whose episode began so many minutes after the opening."""
    kept = {"source": "alertmanager", "fingerprint": "f1", "name": name, "status": status}
    return Alert.model_validate({**kept, "starts_at": at(began), **fields})


def act(action: Action, actor: Actor = BEN, **fields: object) -> Act:
    """Return a person's act."""
    return Act.model_validate({"id": f"{actor.person}-{action}", "action": action, "actor": actor, **fields})


def taken(minutes: float, action: Action, actor: Actor, reason: str = "") -> ActionTaken:
    """Return the event of a person's act."""
    right = actor.roles[0]
    return ActionTaken(at=at(minutes), act="a1", action=action, actor=actor, right=right, reason=reason)


def judged(
    minutes: float,
    sense: Literal["breach", "recovery"],
    outcome: Outcome,
    *factors: Factor,
) -> SignalsJudged:
    """Return the event of an evaluation."""
    rule = "critical" if outcome is Outcome.FIRED and sense == "breach" else None
    said = Evaluation(
        outcome=outcome, rule=rule, factors=factors, reasons=tuple(factor.reason for factor in factors)
    )
    return SignalsJudged(at=at(minutes), sense=sense, evaluation=said)


def factor(verdict: Verdict, bad: int, judged: int, *, evidence: float = 0) -> Factor:
    """Return what the criterion of the errors says."""
    return Factor(
        criterion="error-limit",
        signal="errors",
        verdict=verdict,
        bad=bad,
        judged=judged,
        limit=0.003,
        evidence=evidence,
        need=576_000,
        reason=f"error-limit is {verdict}",
    )


def stage(minutes: float, before: int, after: int, *, target: int | None = None) -> ExposureSet:
    """Return the event of a stage that was set; `target` is what it asked for."""
    return ExposureSet(
        at=at(minutes),
        step="revert",
        target="chat-exposure",
        stage=after if target is None else target,
        before=before,
        after=after,
        key=f"incident/chat/r2@run-1/revert/1/{after}",
        changed=before != after,
    )


def counted(minutes: float, served: float | None) -> RequestsCounted:
    """Return the event of a count of requests."""
    return RequestsCounted(at=at(minutes), served=served)


def case_of(*events: Event, **fields: object) -> Case:
    """Return a case with this timeline."""
    case = Case.model_validate({"run": "run-1", "opened_at": OPENED, **fields})
    for event in events:
        case.add(event, now=event.at, step="detect")
    return case


def view_of(*events: Event, **fields: object) -> IncidentView:
    """Return what the incident with this timeline shows."""
    return case_of(*events, **fields).view(OPENING)


def briefing(**fields: object) -> Briefing:
    """Return what the incident shows in short."""
    return case_of(**fields).brief(OPENING)


def approval(**fields: object) -> Ask:
    """Return a question that wants approvals."""
    ask = Ask(
        what="Revert r2: 50 %, 10 %, 0 %",
        actions=(Action.APPROVE, Action.REJECT),
        subject=PLAN,
        quorum=2,
        roles=("commander", "product"),
        until=at(30),
    )
    return ask.model_copy(update=fields)


BEGUN = (
    IncidentOpened(at=at(0), playbook="complete", version=3, digest=OPENING.digest),
    AlertReceived(at=at(0), alert=alert(summary="errors are up", link="https://alerts.example/1")),
)
DETECTED = (
    counted(0, 1000),
    StepStarted(at=at(0), kind="detect", owner="on_call", until=at(20)),
    judged(3, "breach", Outcome.FIRED, factor(Verdict.BREACHED, 90, 3000, evidence=612_345)),
    InvestigationOpened(
        at=at(3),
        rule="bias",
        findings=(factor(Verdict.BREACHED, 30, 100),),
        look_at=("the cohort",),
    ),
    StepFinished(at=at(3), result="rule critical fired"),
    PeoplePaged(at=at(3), level=1, roles=("on_call",), people=("Ann",), why="rule critical fired"),
    MessageFailed(at=at(4), audience="commander", channel="incidents", error="channel_not_found"),
    LevelPassedOver(at=at(4.5), policy="ladder", level=2, why="it is outside the hours of office"),
    LadderEnded(at=at(5), policy="ladder"),
    taken(6, Action.ACKNOWLEDGE, ANN),
)
REVERTED = (
    ApprovalAsked(
        at=at(7), what="Revert r2", subject=PLAN, quorum=2, roles=("commander", "product"), until=at(30)
    ),
    taken(8, Action.APPROVE, BEN, "the errors are real"),
    stage(10, 100, 50),
    judged(12, "recovery", Outcome.CLEAR, factor(Verdict.HEALTHY, 0, 4000)),
    AcknowledgementLapsed(at=at(12.4), policy="ladder", by="Ann", since=at(6)),
    Held(at=at(12.5), by="a person", why="Ann: look first"),
    RevertStopped(at=at(13), exposure=50, why="stopped on request"),
    capacity(at(13.2)),
    put_back(at(13.4)),
    stage(14, 50, 10),
    judged(16, "recovery", Outcome.FIRED, factor(Verdict.BREACHED, 80, 4000)),
    stage(18, 10, 0),
    counted(20, 7600),
)
DECIDED = (
    taken(12.6, Action.SEVERITY, BEN, "it reaches children"),
    ConsentAsked(
        at=at(12.7),
        act="a2",
        action=Action.CLOSE,
        actor=BEN,
        right="commander",
        reason="fixed forward",
        subject=PLAN,
        roles=("product",),
        until=at(30),
    ),
    ConsentLapsed(at=at(12.8), action=Action.CLOSE, why="resume was decided meanwhile"),
    RevertAnnounced(at=at(12.9), what="Revert r2", subject=PLAN, begins=at(13)),
    taken(12.9, Action.BREAK_GLASS, ANN, "nobody answers"),
    GlassBroken(at=at(12.9), what="Revert r2", subject=PLAN, by=("Ann", "Cleo"), report=("product",)),
    PlanChosen(at=at(12.9), chosen="revert", not_chosen=("strict",), by=("Ann", "Cleo")),
)
ENDED = (
    StepFailed(at=at(21), step="check", move="retry", error="12 stale entries"),
    CheckRun(at=at(22), check="served-version", passed=False, found="12 stale entries"),
    judged(33, "recovery", Outcome.CLEAR, factor(Verdict.HEALTHY, 1, 5000)),
    StepTimedOut(at=at(40), step="manual", move="escalate", missing="1 of 2 items are done"),
    MessageSent(at=at(41), audience="customers", channel="status-page", text="We went back.\nSorry."),
    PostmortemWritten(at=at(42), location="postmortems/1.md", digest=PLAN, due=at(7200)),
    NoticeOverdue(
        at=at(41),
        communication="updates",
        audience="customers",
        due=at(40.5),
        owner="product",
        why="its draft is not approved",
    ),
    NoticeDropped(
        at=at(41.5), communication="updates", audience="customers", due=at(40.5), why="the incident is over"
    ),
    IncidentReopened(at=at(42.5), alert="ErrorsHigh"),
    IncidentEnded(at=at(43), outcome="recovered"),
)
EVERYTHING: tuple[Event, ...] = (*BEGUN, *DETECTED, *REVERTED, *DECIDED, *taken_back(at), *ENDED)
"""A timeline in which every kind of event occurs."""


def full_view() -> IncidentView:
    """Return an incident in which everything happened, and that waits for people in every way."""
    tick = Ask(what="Checklist", actions=(Action.TICK,), subject="clean-up", items=("a", "b"), ticked=(1,))
    return view_of(
        *EVERYTHING,
        alerts=3,
        exposure=0,
        phase=Phase.HELD,
        held="Ann: look first",
        acknowledged_by="Ann",
        step_until=at(60),
        asks={"approve": approval(), "tick": tick},
        postmortem="postmortems/1.md",
        firing={"e1": alert()},
    )


def empty_view() -> IncidentView:
    """Return an incident that has only just begun: nothing is known yet."""
    return view_of()
