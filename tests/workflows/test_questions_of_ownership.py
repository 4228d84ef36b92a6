"""A ladder and a revert may both wait for an owner: one answer is enough, and each question stays its own."""

from __future__ import annotations

from datetime import timedelta

from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from backout.people import Action
from backout.timeline_paging import AcknowledgementLapsed, LadderEnded
from backout.view import IncidentView
from tests.workflows.engine import Engine, Incidents, alert, running
from tests.workflows.playbooks import DETECT, ESCALATE, POSTMORTEM, REVERT, playbook, rules

LADDER = {
    "model": {"levels": [{"page": ["on_call"], "wait": "5m"}], "repage": "10m", "unanswered": "proceed"}
}
FOR_THE_REVERT = "Acknowledge, so that the revert can begin"


async def both_waiting(server: WorkflowEnvironment, engine: Engine) -> Incidents:
    """Return an incident whose owner lapsed while it was held: a ladder climbs, and the revert waits too."""
    engine.world.target.refuses = "wrong token"
    incident = await engine.open(
        playbook(DETECT, ESCALATE, REVERT, POSTMORTEM, escalation=LADDER, rules=rules("ack")),
        alert("ProviderDown"),
    )
    await incident.asked(Action.ACKNOWLEDGE)
    await incident.act("alice", Action.ACKNOWLEDGE)
    await incident.asked(Action.RESUME)
    await server.fast_forward(incident.handle, timedelta(minutes=11))
    await incident.until(lambda view: any(isinstance(one, AcknowledgementLapsed) for one in view.timeline))
    engine.world.target.refuses = ""
    await incident.act("bob", Action.RESUME)
    await incident.until(lambda view: FOR_THE_REVERT in asked(view))
    return incident


def asked(view: IncidentView) -> list[str]:
    return [ask.what for ask in view.asks if Action.ACKNOWLEDGE in ask.actions]


async def test_a_ladder_that_ends_leaves_the_question_of_the_revert(
    server: WorkflowEnvironment, waiting: Client
) -> None:
    async with running(waiting) as engine:
        incident = await both_waiting(server, engine)
        await server.fast_forward(incident.handle, timedelta(minutes=6))
        view = await incident.until(lambda view: any(isinstance(one, LadderEnded) for one in view.timeline))
        assert asked(view) == [FOR_THE_REVERT]
        await incident.act("alice", Action.ACKNOWLEDGE)
        summary = await incident.result()
    assert summary.exposure == 0


async def test_a_revert_that_is_held_leaves_the_question_of_the_ladder_and_one_answer_is_for_both(
    server: WorkflowEnvironment, waiting: Client
) -> None:
    async with running(waiting) as engine:
        incident = await both_waiting(server, engine)
        await incident.act("bob", Action.HOLD, reason="let me look")
        view = await incident.asked(Action.RESUME)
        assert asked(view) == ["Do you own this incident?"]
        await incident.act("bob", Action.RESUME)
        await incident.until(lambda view: FOR_THE_REVERT in asked(view))
        await incident.act("alice", Action.ACKNOWLEDGE)
        view = await incident.until(lambda view: view.summary.exposure == 50)
        assert asked(view) == []
        await incident.result()
        assert not await incident.events(LadderEnded)
