"""What each audience is told: its words are kept as files, and its facts come from the incident's record."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from backout.case import Case
from backout.evaluation import Outcome, Verdict
from backout.notice_facts import Stage
from backout.notice_samples import sample
from backout.notice_text import drafted
from backout.notices import FIRST_LINES, LAST_LINES, facts, occurred, stage_of
from backout.people import Action
from backout.requests import DraftNotice
from backout.view import IncidentOutcome
from tests.unit.shipped import PLAYBOOKS
from tests.unit.test_communications import communication
from tests.unit.views import (
    ANN,
    BEN,
    EVERYTHING,
    OPENING,
    TEMPLATES,
    alert,
    approval,
    at,
    case_of,
    factor,
    judged,
    stage,
    taken,
)

GOLDEN = Path(__file__).parent / "data" / "notices"
AUDIENCES = ("responders", "executives", "customers", "support", "legal")


def text(audience: str) -> str:
    """Return what an audience is told at every stage of a made-up incident."""
    parts = []
    for one in Stage:
        known = sample(PLAYBOOKS["conversational-agent"], one, every=timedelta(hours=1))
        notice = drafted(DraftNotice(template=audience, audience=audience, facts=known), TEMPLATES)
        parts.append(f"## {one.value}: {notice.title}\n\n{notice.text}\n")
    return "\n".join(parts)


@pytest.mark.parametrize("audience", AUDIENCES)
def test_each_audience_is_told_what_was_reviewed(audience: str) -> None:
    assert text(audience) == (GOLDEN / f"{audience}.md").read_text(encoding="utf-8")


def test_customers_are_told_no_names_and_nothing_of_the_inside() -> None:
    words = text("customers")
    for inside in ("Alice", "incident/", "rule ", "playbook", "release"):
        assert inside not in words


STAGES: list[tuple[Case, Stage]] = [
    (case_of(), Stage.INVESTIGATING),
    (case_of(stage(1, 100, 50)), Stage.REVERTING),
    (case_of(stage(1, 100, 50), reverted=True), Stage.MONITORING),
    (case_of(stage(1, 100, 50), reverted=True, verified=True), Stage.RESOLVED),
    (case_of(stage(1, 100, 10), verified=True), Stage.REVERTING),
    (case_of(reverted=True, verified=True, ending=IncidentOutcome.RECOVERED), Stage.RESOLVED),
    (case_of(chosen="strict"), Stage.INVESTIGATING),
    (case_of(stage(1, 100, 50), chosen="strict"), Stage.ADJUSTED),
    (case_of(stage(1, 100, 50), chosen="strict", reverted=True), Stage.ADJUSTED),
    (case_of(stage(1, 100, 50), chosen="strict", reverted=True, verified=True), Stage.RESOLVED),
    (case_of(stage(1, 100, 50), recovered=True, held="users recovered at 50 %"), Stage.REVERTING),
    (case_of(stage(1, 100, 50), recovered=True), Stage.ADJUSTED),
    (case_of(stage(1, 100, 50), came_back=True), Stage.ADJUSTED),
    (case_of(stage(1, 100, 50), stayed=True), Stage.ADJUSTED),
    (case_of(stage(1, 100, 50), came_back=True, verified=True), Stage.RESOLVED),
    (case_of(ending=IncidentOutcome.FALSE_ALARM), Stage.FALSE_ALARM),
    (case_of(stage(1, 100, 50), ending=IncidentOutcome.ABORTED), Stage.CLOSED),
    (case_of(reverted=True, ending=IncidentOutcome.UNVERIFIED), Stage.CLOSED),
]


@pytest.mark.parametrize(
    ("case", "expected"), STAGES, ids=[str(one[1]) + str(n) for n, one in enumerate(STAGES)]
)
def test_the_stage_is_what_the_record_shows(case: Case, expected: Stage) -> None:
    assert stage_of(case) is expected


def test_what_was_reverted_before_the_incident_began_anew_is_no_revert_of_now() -> None:
    case = case_of(*EVERYTHING)
    assert not occurred("reverting", case)
    case.add(stage(50, 100, 50), now=at(50), step="revert")
    assert occurred("reverting", case)


def test_the_facts_are_those_of_the_moment() -> None:
    case = case_of(
        *(event for event in EVERYTHING if event.event != "IncidentReopened"),
        exposure=0,
        acknowledged_by="Ann",
        asks={"approve": approval(), "notice/updates": approval(what="Send to customers: x")},
    )
    what = communication()
    known = facts(case, OPENING, now=at(45), communication=what, owed=what.begun(at(20)))
    assert (known.owner, known.requests, known.exposure_before) == ("Ann", 6600, 100)
    assert known.moments.reverting == at(10)
    assert known.moments.acknowledged == at(6)
    assert known.next_due == at(110)
    assert known.waits == ("Revert r2: 50 %, 10 %, 0 % (commander or product by 21:30 UTC)",)
    assert known.decisions[0].text == "Ben (commander, via cli): approve: the errors are real"
    assert known.evidence[0].digest == OPENING.digest


def test_what_was_approved_is_evidence_by_its_digest() -> None:
    approved = taken(8, Action.APPROVE, BEN).model_copy(update={"subject": approval().subject})
    noted = taken(9, Action.NOTE, ANN, "looking")
    known = facts(case_of(approved, noted), OPENING, now=at(10))
    assert [one.digest for one in known.evidence] == [OPENING.digest, approval().subject]
    assert len(known.decisions) == 1


def test_a_long_record_is_told_by_its_beginning_and_its_end() -> None:
    case = case_of(*(judged(n, "breach", Outcome.FIRED, factor(Verdict.BREACHED, 1, 9)) for n in range(300)))
    known = facts(case, OPENING, now=at(300))
    assert len(known.events) == FIRST_LINES + LAST_LINES
    assert known.left_out == 300 - len(known.events)
    assert (known.events[0].at, known.events[-1].at) == (at(0), at(299))


def test_facts_of_the_longest_incident_are_small() -> None:
    long = [judged(n, "breach", Outcome.FIRED, factor(Verdict.BREACHED, 1, 9)) for n in range(2000)]
    decided = [taken(n, Action.APPROVE, BEN, "x" * 2000) for n in range(200)]
    case = case_of(*long, *decided, firing={str(n): alert() for n in range(200)})
    assert len(facts(case, OPENING, now=at(3000)).model_dump_json()) < 30_000
