"""While an incident closes nobody is told that it is held; one that begins again tells its audience again."""

from __future__ import annotations

import pytest
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from backout.people import Action
from backout.timeline import MessageSent, StepStarted
from backout.timeline_decisions import ConsentLapsed
from backout.view import Phase
from tests.workflows.communicated import APPROVED, draft
from tests.workflows.engine import alert, running
from tests.workflows.playbooks import DETECT, MANUAL, NOTIFY, POSTMORTEM, RIGHTS, playbook


async def test_a_hold_while_the_last_notice_is_approved_is_refused(waiting: Client) -> None:
    async with running(waiting) as engine:
        engine.world.heal()
        incident = await engine.open(playbook(DETECT, POSTMORTEM, communications=[APPROVED]))
        await incident.until(lambda view: bool(view.postmortem) and draft(view) is not None)
        with pytest.raises(WorkflowUpdateFailedError) as caught:
            await incident.act("alice", Action.HOLD)
        view = await incident.view()
        await incident.end()
    assert isinstance(caught.value.cause, ApplicationError)
    assert caught.value.cause.message.endswith("no step is left to hold")
    assert view.held == ""


async def test_an_incident_that_begins_again_sends_its_notice_again(waiting: Client) -> None:
    async with running(waiting) as engine:
        engine.world.store.pause()
        incident = await engine.open(playbook({**NOTIFY, "name": "tell"}, POSTMORTEM))
        await incident.until(lambda view: view.summary.phase in {Phase.POSTMORTEM, Phase.CLOSED})
        await incident.handle.signal("alert", alert("ProviderDown", fingerprint="f2"))
        engine.world.store.go_on()
        await incident.result()
        begun = [event for event in await incident.events(StepStarted) if event.step == "tell"]
        sent = await incident.events(MessageSent)
    assert (len(begun), len(sent)) == (2, 2)


async def test_a_hold_leaves_nothing_of_a_skip_that_waits_for_consent(waiting: Client) -> None:
    async with running(waiting) as engine:
        roles = {"on_call": {"may": RIGHTS}, "commander": {"may": RIGHTS}, "product": {"may": ["approve"]}}
        incident = await engine.open(
            playbook(MANUAL, POSTMORTEM, roles=roles, consents={"skip": ["product"]})
        )
        await incident.asked(Action.TICK)
        await incident.act("alice", Action.SKIP, reason="done by hand")
        await incident.act("bob", Action.HOLD)
        view = await incident.asked(Action.RESUME)
        (lapsed,) = await incident.events(ConsentLapsed)
        await incident.end()
    assert lapsed.line == "skip was not carried out: Bob held the incident meanwhile"
    assert not [ask for ask in view.asks if ask.carries_out]
