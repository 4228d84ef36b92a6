"""Facts that are made up: a template is tried on them before it is needed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from backout.notice_facts import Evidence, Line, Moments, NoticeFacts, Stage
from backout.playbook import Playbook
from backout.view import IncidentOutcome, IncidentSummary, Phase, incident_id

RELEASE = "2026.11"
OPENED = datetime(2026, 11, 20, 21, 3, 11, tzinfo=UTC)
_DIGEST = "sha256:" + "5a" * 32
_REACHED = {
    Stage.INVESTIGATING: 0,
    Stage.REVERTING: 1,
    Stage.ADJUSTED: 1,
    Stage.MONITORING: 2,
    Stage.RESOLVED: 3,
    Stage.FALSE_ALARM: 0,
    Stage.CLOSED: 0,
}
"""How much of a revert has happened at each stage."""
_ENDED = {
    Stage.RESOLVED: IncidentOutcome.RECOVERED,
    Stage.FALSE_ALARM: IncidentOutcome.FALSE_ALARM,
    Stage.CLOSED: IncidentOutcome.UNVERIFIED,
}


def sample(playbook: Playbook, stage: Stage, *, every: timedelta | None = None) -> NoticeFacts:
    """Return facts as an incident of this playbook may have them at this stage."""
    reached = _REACHED[stage]
    at = OPENED + (reached * 20 + 7) * timedelta(minutes=1)
    return NoticeFacts(
        incident=_summary(playbook, stage, reached),
        stage=stage,
        at=at,
        next_due=at + every if every and stage not in _ENDED else None,
        first=reached == 0,
        scenario=playbook.scenario,
        at_risk=playbook.at_risk,
        playbook=f"{playbook.playbook} version {playbook.version}",
        owner="Alice" if reached else "",
        step="" if stage in _ENDED else playbook.steps[min(reached, len(playbook.steps) - 1)].name,
        fired=f"Signals judged: fired (rule {playbook.rules[0].id})",
        waits=(f"Revert {RELEASE} (a person by 21:30 UTC)",) if stage is Stage.INVESTIGATING else (),
        baseline="2026.10",
        moments=_moments(reached),
        exposure_before=100 if reached else None,
        requests=18250 if reached > 1 else None,
        decisions=(_line(9, "Alice (on_call, via slack): approve"),) if reached else (),
        events=(_line(0, "Incident opened"), _line(3, "Signals judged: fired")),
        evidence=(Evidence(what="playbook", digest=_DIGEST),),
    )


def _summary(playbook: Playbook, stage: Stage, reached: int) -> IncidentSummary:
    return IncidentSummary(
        incident=incident_id(playbook.release.service, RELEASE),
        run="sample",
        service=playbook.release.service,
        release=RELEASE,
        playbook=playbook.playbook,
        severity=playbook.severity,
        phase=Phase.CLOSED if stage in _ENDED else Phase.REVERT,
        outcome=_ENDED.get(stage, IncidentOutcome.OPEN),
        opened_at=OPENED,
        alerts=3,
        exposure=(None, 50, 0, 0)[reached],
    )


def _moments(reached: int) -> Moments:
    def moment(stage: int, minutes: int) -> datetime | None:
        return OPENED + timedelta(minutes=minutes) if reached >= stage else None

    return Moments(
        began=OPENED - timedelta(minutes=4),
        opened=OPENED,
        acknowledged=moment(1, 5),
        reverting=moment(1, 10),
        reverted=moment(2, 22),
        recovered=moment(3, 50),
    )


def _line(minutes: int, text: str) -> Line:
    return Line(at=OPENED + timedelta(minutes=minutes), text=text)
