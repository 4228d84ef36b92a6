"""A rule that fires reverts, holds, pages or pauses: each with what people can do then."""

from __future__ import annotations

from datetime import timedelta

import pytest
from temporalio.client import Client

from adapters.memory import MemoryWorld
from backout.people import Act, Action, Actor
from backout.timeline import Event, Held, InvestigationOpened, PeoplePaged, SignalsJudged, StepTimedOut
from backout.timeline_decisions import ApprovalAsked
from backout.timeline_exposure import ExposureSet
from backout.view import IncidentOutcome
from tests.workflows.engine import Incidents, running, unfair
from tests.workflows.playbooks import DETECT, GAP, MANUAL, POSTMORTEM, REVERT, criteria, playbook, rules
from workflows.incident import Incident

STEPS = (DETECT, REVERT, POSTMORTEM)
ERRORS = {"any_of": ["error_rate"]}
CRITICAL = {"id": "critical", "authority": "auto", "when": ERRORS}
FREEZE = {"id": "freeze", "do": "hold", "when": ERRORS}
A_MINUTE = 100 * 60
"""Requests of the fake world."""


def counted(judged: SignalsJudged) -> int:
    """Return how many answers an evaluation rests on."""
    return judged.evaluation.factors[0].judged


def set_to(incident_events: list[ExposureSet]) -> list[int]:
    """Return the stages that were set."""
    return [event.after for event in incident_events]


async def test_a_rule_that_pages_calls_people_once_and_the_watch_goes_on_with_its_evidence(
    waiting: Client,
) -> None:
    warn = {"id": "warn", "do": "page", "approve_by": ["product"], "when": {**ERRORS, "level": "hold"}}
    async with running(waiting) as engine:
        incident = await engine.open(playbook(*STEPS, rules=[warn, CRITICAL]))
        await incident.result()
        paged = [e for e in await incident.events(PeoplePaged) if "rule warn fired" in e.why]
        judged = [e for e in await incident.events(SignalsJudged) if e.sense == "breach"]
        stages = await incident.events(ExposureSet)
    assert [event.roles for event in paged] == [("on_call", "product")]
    assert [event.evaluation.rule for event in judged] == ["warn", "critical"]
    assert counted(judged[0]) < counted(judged[1]) == 4 * A_MINUTE
    assert set_to(stages) == [50, 10, 0]


async def test_a_rule_that_holds_calls_its_people_and_waits_for_a_decision(waiting: Client) -> None:
    held = {**FREEZE, "approve_by": ["product"]}
    async with running(waiting) as engine:
        incident = await engine.open(playbook(*STEPS, rules=[held, CRITICAL]))
        view = await incident.asked(Action.RESUME)
        await incident.until(lambda view: any(isinstance(e, PeoplePaged) for e in view.timeline))
        (paged,) = await incident.events(PeoplePaged)
        assert engine.world.target.changes == []
        await incident.act("alice", Action.RESUME)
        await incident.result()
        judged = [e for e in await incident.events(SignalsJudged) if e.sense == "breach"]
    assert view.held.startswith("rule freeze fired: error_rate: ")
    assert "resume to watch on without it, or skip to go on to the revert" in view.held
    assert paged.roles == ("on_call", "product")
    assert [event.evaluation.rule for event in judged] == ["freeze", "critical"]
    assert counted(judged[1]) > counted(judged[0])


async def test_a_held_detection_that_is_skipped_goes_on_to_a_revert_that_people_approve(
    waiting: Client,
) -> None:
    async with running(waiting) as engine:
        incident = await engine.open(playbook(*STEPS, rules=[{**FREEZE, "authority": "auto"}, CRITICAL]))
        await incident.asked(Action.SKIP)
        await incident.act("alice", Action.SKIP, reason="we have seen enough")
        view = await incident.asked(Action.APPROVE)
        assert engine.world.target.changes == []
        await incident.act("bob", Action.APPROVE)
        await incident.result()
        stages = await incident.events(ExposureSet)
    assert "because of human-decision" in view.asks[0].what
    assert set_to(stages) == [50, 10, 0]


async def test_a_held_detection_that_is_retried_begins_anew_with_every_rule(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await engine.open(playbook(*STEPS, rules=[FREEZE, CRITICAL]))
        await incident.asked(Action.RETRY)
        await incident.act("alice", Action.RETRY)
        await incident.until(lambda view: sum(isinstance(e, Held) for e in view.timeline) == 2)
        judged = await incident.events(SignalsJudged)
        await incident.end()
    assert [event.evaluation.rule for event in judged] == ["freeze", "freeze"]
    assert counted(judged[0]) == counted(judged[1])


async def vote(incident: Incidents, person: str, *roles: str) -> str:
    """Let a person of these roles approve what waits; return the answer."""
    view = await incident.asked(Action.APPROVE)
    subject = next(ask.subject for ask in view.asks if Action.APPROVE in ask.actions)
    act = Act(
        id=f"vote-{person}",
        action=Action.APPROVE,
        actor=Actor(person=person, name=person.title(), roles=roles, via="cli"),
        subject=subject,
    )
    return (await incident.handle.execute_update(Incident.act, act, id=act.id)).text


async def test_a_gap_between_cohorts_pauses_for_an_investigation_that_says_where_to_look(
    waiting: Client,
) -> None:
    async with running(waiting, unfair(MemoryWorld())) as engine:
        incident = await engine.open(playbook(*STEPS, **GAP))
        view = await incident.asked(Action.SKIP)
        (opened,) = await incident.events(InvestigationOpened)
        await incident.end()
        assert engine.world.target.changes == []
    (finding,) = opened.findings
    assert (opened.rule, finding.criterion, finding.cohort) == ("bias", "language_gap", "sw")
    assert (finding.bad, finding.judged) != (0, 0)
    assert opened.look_at == ("operational signal errors of cohort 'sw', from source metrics",)
    assert "which two roles must then approve" in view.held


async def test_a_revert_after_an_investigation_takes_two_people_in_two_roles(waiting: Client) -> None:
    async with running(waiting, unfair(MemoryWorld())) as engine:
        incident = await engine.open(playbook(*STEPS, **GAP))
        await incident.asked(Action.SKIP)
        await incident.act("alice", Action.SKIP, reason="it is the release")
        said = [
            await vote(incident, "bob", "commander"),
            await vote(incident, "frank", "commander"),
        ]
        assert engine.world.target.changes == []
        said += [await vote(incident, "carol", "product")]
        await incident.result()
        (asked,) = await incident.events(ApprovalAsked)
    assert said == [
        "approval 1 of 2",
        "approval 2 of 2; it takes 1 more role, filled by somebody else",
        "approval 3 of 2: authorised",
    ]
    assert (asked.quorum, asked.roles_needed) == (2, 2)
    assert [change.percent for change in engine.world.target.changes] == [50, 10, 0]


async def test_one_person_with_both_roles_counts_for_one(waiting: Client) -> None:
    async with running(waiting, unfair(MemoryWorld())) as engine:
        incident = await engine.open(playbook(*STEPS, **GAP))
        await incident.asked(Action.SKIP)
        await incident.act("alice", Action.SKIP, reason="it is the release")
        assert await vote(incident, "erin", "product", "commander") == "approval 1 of 2"
        assert engine.world.target.changes == []
        assert await vote(incident, "bob", "commander") == "approval 2 of 2: authorised"
        await incident.result()


async def test_an_answered_investigation_still_takes_two_roles_when_people_revert_later(
    waiting: Client,
) -> None:
    detect = {**DETECT, "on_timeout": "proceed"}
    async with running(waiting, unfair(MemoryWorld())) as engine:
        incident = await engine.open(playbook(detect, REVERT, POSTMORTEM, **GAP))
        await incident.asked(Action.RESUME)
        await incident.act("alice", Action.RESUME)
        view = await incident.asked(Action.APPROVE)
        await incident.end()
    assert view.asks[0].roles_needed == 2
    assert "because of bias" in view.asks[0].what


def called_for_blindness(timeline: tuple[Event, ...]) -> list[PeoplePaged]:
    pages = [event for event in timeline if isinstance(event, PeoplePaged)]
    return [event for event in pages if "source metrics gives no data" in event.why]


@pytest.mark.parametrize("do", ["page", "hold"])
async def test_a_source_that_is_down_pages_or_holds_once_with_its_reason(waiting: Client, do: str) -> None:
    missing = {"criteria": criteria(missing={"do": do})}
    async with running(waiting) as engine:
        engine.world.source.unreachable = True
        incident = await engine.open(playbook(*STEPS, **missing))
        view = await incident.asked(Action.RESUME)
        if do == "hold":
            assert "source metrics gives no data" in view.held
            assert "it is switched off" in view.held
            await incident.act("alice", Action.RESUME)
            view = await incident.until(lambda view: "neither yes nor no" in view.held)
        assert "neither yes nor no" in view.held
        await incident.until(lambda view: called_for_blindness(view.timeline))  # beside the steps
        blind = called_for_blindness((await incident.view()).timeline)
        assert engine.world.target.changes == []
        await incident.end()
    assert len(blind) == 1


SILENT = rules("approve", approve_by=["commander"], on_timeout="abort")


@pytest.mark.parametrize("within", ["2m", None], ids=["its own time", "the step's time"])
async def test_silence_on_the_question_of_a_rule_means_what_the_rule_says(
    skipping: Client, within: str | None
) -> None:
    asking = [{**SILENT[0], "approve_within": within}]
    async with running(skipping) as engine:
        incident = await engine.open(playbook(*STEPS, rules=asking))
        summary = await incident.result()
        (overdue,) = await incident.events(StepTimedOut)
        (asked,) = await incident.events(ApprovalAsked)
    assert (summary.outcome, overdue.move) == (IncidentOutcome.ABORTED, "abort")
    waited = asked.until - asked.at
    assert round(waited / timedelta(minutes=1)) == (2 if within else 30)
    assert engine.world.target.changes == []


async def test_what_a_rule_says_of_silence_is_for_its_own_question_alone(skipping: Client) -> None:
    silent = {**MANUAL, "on_timeout": "abort"}
    asking = [{**SILENT[0], "on_timeout": "proceed"}]
    async with running(skipping) as engine:
        incident = await engine.open(playbook(DETECT, REVERT, silent, POSTMORTEM, rules=asking))
        summary = await incident.result()
        moves = [event.move for event in await incident.events(StepTimedOut)]
    assert (moves, summary.outcome) == (["proceed", "abort"], IncidentOutcome.ABORTED)


async def test_a_rule_after_a_veto_that_ran_out_is_approved_by_the_deciding_roles(waiting: Client) -> None:
    veto = {
        "id": "wait",
        "when": {**ERRORS, "level": "hold"},
        "blocks": ["critical"],
        "max_hold": "1m",
        "decide_by": ["product"],
    }
    async with running(waiting) as engine:
        incident = await engine.open(playbook(*STEPS, rules=[CRITICAL], vetoes=[veto]))
        view = await incident.asked(Action.APPROVE)
        assert engine.world.target.changes == []
        await incident.act("carol", Action.APPROVE)
        await incident.result()
    assert (view.asks[0].roles, view.asks[0].must) == (("product",), ("product",))
    assert "because of critical" in view.asks[0].what
