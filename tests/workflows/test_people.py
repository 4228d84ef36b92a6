"""People act by Updates: with the right, at the right moment, once; a refusal says why, no more."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from adapters.memory import MemoryWorld
from backout.people import Act, Action
from backout.timeline import ActionTaken, Held, StepFinished
from backout.timeline_exposure import ExposureSet, RevertStopped
from backout.view import IncidentOutcome, Phase
from tests.workflows.engine import Engine, Incidents, actor, alert, running
from tests.workflows.playbooks import CHECK, DETECT, MANUAL, POSTMORTEM, REVERT, playbook, rules
from workflows.incident import Incident

UPDATES = {
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED,
}
QUORUM = {"rules": rules("approve", quorum=2, approve_by=["commander", "product"])}


async def refusal(incident: Incidents, person: str, action: Action, **fields: object) -> str:
    """Let a person try, and return why it was refused."""
    with pytest.raises(WorkflowUpdateFailedError) as caught:
        await incident.act(person, action, **fields)
    assert isinstance(caught.value.cause, ApplicationError)
    assert caught.value.cause.type == "ActionRefused"
    return caught.value.cause.message


async def awaiting_approval(engine: Engine) -> Incidents:
    """Open an incident that waits for a quorum of two."""
    incident = await engine.open(playbook(DETECT, REVERT, POSTMORTEM, **QUORUM))
    await incident.asked(Action.APPROVE)
    return incident


def percents(engine: Engine) -> list[int]:
    """Return the exposures that were really set."""
    return [change.percent for change in engine.world.target.changes]


REFUSALS: dict[str, tuple[str, Action, dict[str, Any], str]] = {
    "without the right": ("dave", Action.APPROVE, {}, "only commander or product may approve here"),
    "a plan that changed": ("bob", Action.APPROVE, {"subject": "sha256:other"}, "the plan has changed"),
    "no reason for a rejection": ("bob", Action.REJECT, {}, "reject needs a reason"),
    "resume of what is not held": ("alice", Action.RESUME, {}, "the incident is not held"),
    "retry of what is not held": ("alice", Action.RETRY, {}, "the incident is not held"),
    "close of what is not held": ("alice", Action.CLOSE, {"reason": "x"}, "the incident is not held"),
    "skip without a reason": ("alice", Action.SKIP, {}, "skip needs a reason"),
    "abort without a reason": ("alice", Action.ABORT, {"reason": "  "}, "abort needs a reason"),
    "an empty note": ("alice", Action.NOTE, {}, "note needs a reason"),
    "a tick without a checklist": ("alice", Action.TICK, {"item": 1}, "nothing waits for anybody to tick"),
}


@pytest.mark.parametrize("case", REFUSALS)
async def test_refused_at_once_with_the_reason_and_nothing_in_the_history(waiting: Client, case: str) -> None:
    person, action, fields, why = REFUSALS[case]
    async with running(waiting) as engine:
        incident = await awaiting_approval(engine)
        assert why in await refusal(incident, person, action, **fields)
        history = await incident.handle.fetch_history()
        taken = await incident.events(ActionTaken)
        await incident.end()
    assert not [event for event in history.events if event.event_type in UPDATES]
    assert taken == []


async def test_one_person_is_no_quorum_even_in_a_race_with_themselves(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await awaiting_approval(engine)
        tries = [incident.act("bob", Action.APPROVE) for _ in range(5)]
        answers = await asyncio.gather(*tries, return_exceptions=True)
        taken = await incident.events(ActionTaken)
        assert percents(engine) == []
        await incident.end()
    assert sum(isinstance(answer, WorkflowUpdateFailedError) for answer in answers) == 4
    assert len(taken) == 1


async def test_two_people_at_the_same_moment_are_a_quorum(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await awaiting_approval(engine)
        receipts = await asyncio.gather(
            incident.act("bob", Action.APPROVE), incident.act("carol", Action.APPROVE)
        )
        await incident.result()
    assert {receipt.text for receipt in receipts} == {"approval 1 of 2", "approval 2 of 2: authorised"}
    assert percents(engine) == [50, 10, 0]


async def test_an_approval_against_a_rejection_in_the_same_moment_has_one_winner(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await awaiting_approval(engine)
        await incident.act("bob", Action.APPROVE)
        answers = await asyncio.gather(
            incident.act("carol", Action.APPROVE),
            incident.act("bob", Action.REJECT, reason="wrong release"),
            return_exceptions=True,
        )
        refused = [answer for answer in answers if isinstance(answer, BaseException)]
        await incident.end()
    assert len(refused) == 1


async def test_the_same_act_twice_is_one_act_with_one_answer(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await awaiting_approval(engine)
        plan = (await incident.view()).asks[0].subject
        act = Act(id="trigger-1", action=Action.APPROVE, actor=actor("bob"), subject=plan)
        first = await incident.handle.execute_update(Incident.act, act, id="trigger-1")
        again = await incident.handle.execute_update(Incident.act, act, id="trigger-1")
        anew = await incident.handle.execute_update(Incident.act, act, id="another-delivery")
        taken = await incident.events(ActionTaken)
        await incident.end()
    assert first == again == anew
    assert len(taken) == 1


async def test_one_rejection_ends_the_vote_and_holds_until_a_person_resumes(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await awaiting_approval(engine)
        await incident.act("bob", Action.APPROVE)
        await incident.act("carol", Action.REJECT, reason="the baseline is worse")
        view = await incident.asked(Action.RESUME)
        assert percents(engine) == []
        await incident.act("alice", Action.RESUME)
        asked = await incident.asked(Action.APPROVE)
        await incident.act("bob", Action.APPROVE)
        await incident.act("carol", Action.APPROVE)
        await incident.result()
    assert "rejected by Carol: the baseline is worse" in view.held
    assert asked.asks[0].approved_by == ()
    assert percents(engine) == [50, 10, 0]


async def test_a_hold_in_the_middle_of_a_soak_stops_the_revert_where_it_stands(waiting: Client) -> None:
    async with running(waiting) as engine:
        clock = engine.world.clock
        clock.pause()
        incident = await engine.open(playbook(DETECT, REVERT, POSTMORTEM), alert("ProviderDown"))
        await clock.reached(1)
        await incident.act("alice", Action.HOLD, reason="wait for the provider")
        view = await incident.asked(Action.RESUME)
        await incident.until(lambda view: any(isinstance(e, RevertStopped) for e in view.timeline))
        stopped_at = percents(engine)[-1]
        clock.go_on()
        assert (view.summary.phase, view.summary.exposure) == (Phase.HELD, stopped_at)
        await incident.act("bob", Action.RESUME)
        await incident.result()
        stages = [event.after for event in await incident.events(ExposureSet) if event.changed]
        (held,) = await incident.events(Held)
    assert held.by == "a person"
    assert stages == [50, 10, 0]
    assert percents(engine) == [50, 10, 0]


async def test_a_hold_reaches_a_write_that_hangs(waiting: Client) -> None:
    async with running(waiting) as engine:
        engine.world.target.writes.pause()
        incident = await engine.open(playbook(DETECT, REVERT, POSTMORTEM))
        await engine.world.target.writes.reached(1)
        await incident.act("alice", Action.HOLD, reason="stop now")
        await incident.asked(Action.RESUME)
        engine.world.target.writes.go_on()
        await incident.until(lambda view: view.summary.exposure == 100)
        assert percents(engine) == []
        await incident.act("bob", Action.ABORT, reason="by hand")
        await incident.result()


async def test_users_who_recover_early_hold_the_revert_and_ask(waiting: Client) -> None:
    async with running(waiting) as engine:
        engine.world.clock.pause()
        steps = (DETECT, {**REVERT, "on_recovery": "hold"}, POSTMORTEM)
        incident = await engine.open(playbook(*steps), alert("ProviderDown"))
        await engine.world.clock.reached(1)
        engine.world.heal()
        engine.world.clock.go_on()
        view = await incident.asked(Action.RESUME)
        assert percents(engine) == [50]
        await incident.act("bob", Action.SKIP, reason="it is well at this exposure")
        await incident.result()
    assert "users recovered at" in view.held
    assert "resume to go on to" in view.held


async def test_skip_leaves_a_running_step_and_says_so(waiting: Client) -> None:
    async with running(waiting) as engine:
        engine.world.clock.pause()
        incident = await engine.open(playbook(DETECT, CHECK, POSTMORTEM))
        await engine.world.clock.reached(1)
        await incident.act("alice", Action.SKIP, reason="known cause")
        await incident.result()
        finished = [event.step for event in await incident.events(StepFinished)]
        (taken,) = await incident.events(ActionTaken)
    assert finished == ["check", "postmortem"]
    assert (taken.reason, taken.right, taken.step) == ("known cause", "on_call", "detect")


@pytest.mark.parametrize(
    ("action", "outcome"),
    [(Action.ABORT, IncidentOutcome.ABORTED), (Action.CLOSE, IncidentOutcome.CLOSED)],
    ids=["abort", "close"],
)
async def test_a_held_incident_ends_by_a_person_with_its_postmortem(
    waiting: Client, action: Action, outcome: IncidentOutcome
) -> None:
    async with running(waiting) as engine:
        incident = await awaiting_approval(engine)
        await incident.act("alice", Action.HOLD)
        await incident.asked(Action.RESUME)
        await incident.act("alice", action, reason="handled elsewhere")
        summary = await incident.result()
        finished = [event.step for event in await incident.events(StepFinished)]
    assert summary.outcome is outcome
    assert finished == ["detect", "postmortem"]
    assert percents(engine) == []


async def test_a_checklist_is_done_when_every_item_is_ticked_and_survives_a_hold(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await engine.open(playbook(MANUAL, POSTMORTEM))
        await incident.asked(Action.TICK)
        await incident.act("alice", Action.TICK, item=2)
        await incident.act("alice", Action.HOLD)
        await incident.asked(Action.RESUME)
        await incident.act("alice", Action.RESUME)
        await incident.asked(Action.TICK)
        assert "item 2 is ticked already" in await refusal(incident, "alice", Action.TICK, item=2)
        assert "1 to 2" in await refusal(incident, "alice", Action.TICK, item=3)
        await incident.act("alice", Action.TICK, item=1)
        await incident.result()
        finished = await incident.events(StepFinished)
    assert finished[0].result == "2 items done"


async def test_a_note_is_on_the_timeline_with_its_author_and_right(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await awaiting_approval(engine)
        await incident.act("dave", Action.NOTE, reason="the index was rebuilt at noon")
        (taken,) = await incident.events(ActionTaken)
        await incident.end()
    assert (taken.actor.person, taken.right, taken.reason) == (
        "dave",
        "platform",
        "the index was rebuilt at noon",
    )


async def test_acts_may_come_before_the_first_workflow_task(waiting: Client) -> None:
    engine = Engine(waiting, MemoryWorld())
    incident = await engine.open(playbook(DETECT, REVERT, POSTMORTEM))
    early = asyncio.create_task(incident.act("alice", Action.ACKNOWLEDGE))
    async with engine.worker():
        receipt = await early
        await incident.result()
    assert "Alice owns the incident" in receipt.text
