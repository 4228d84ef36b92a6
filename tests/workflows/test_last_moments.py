"""What comes in the last moment of a soak, a message or an incident is neither lost nor done twice."""

from __future__ import annotations

from temporalio.client import Client

from backout.people import Action
from backout.timeline import IncidentReopened, MessageSent, SignalsJudged, StepFinished
from backout.timeline_exposure import ExposureSet
from backout.view import IncidentOutcome, Phase
from tests.workflows.engine import alert, running
from tests.workflows.playbooks import DETECT, NOTIFY, POSTMORTEM, REVERT, VERIFY, playbook, rules

LAST_STAGE = {**REVERT, "stages": [0]}


async def test_a_revert_that_is_resumed_after_a_hold_in_its_last_soak_looks_again(waiting: Client) -> None:
    async with running(waiting) as engine:
        world = engine.world
        incident = await engine.open(playbook(DETECT, LAST_STAGE, POSTMORTEM), alert("ProviderDown"))
        world.clock.pause()
        await incident.until(lambda view: view.summary.exposure == 0)
        await world.clock.reached(1)
        await incident.act("alice", Action.HOLD)
        await incident.asked(Action.RESUME)
        world.target.put(service="chat", release="r2", percent=100)
        world.clock.go_on()
        await incident.act("bob", Action.RESUME)
        await incident.result()
        stages = await incident.events(ExposureSet)
        soaked = await incident.events(SignalsJudged)
    assert [(event.before, event.after) for event in stages if event.changed] == [(100, 0), (100, 0)]
    assert sum(event.sense == "recovery" for event in soaked) == 1


async def test_an_approved_revert_does_not_wait_for_a_slow_channel(waiting: Client) -> None:
    async with running(waiting) as engine:
        engine.world.channel.pause()
        approve = rules("approve", approve_by=["commander"])
        incident = await engine.open(playbook(DETECT, REVERT, POSTMORTEM, rules=approve))
        await incident.asked(Action.APPROVE)
        await incident.act("bob", Action.APPROVE)
        await incident.until(lambda view: view.summary.exposure == 0)
        engine.world.channel.go_on()
        await incident.result()


async def test_a_notice_that_is_under_way_when_a_person_holds_is_sent_once(waiting: Client) -> None:
    async with running(waiting) as engine:
        channel = engine.world.pager  # it takes nothing but the notice
        channel.pause()
        incident = await engine.open(playbook({**NOTIFY, "name": "tell", "channel": "pager"}, POSTMORTEM))
        await channel.reached(1)
        await incident.act("alice", Action.HOLD)
        await incident.asked(Action.RESUME)
        channel.go_on()
        await incident.act("bob", Action.RESUME)
        await incident.result()
        sent = await incident.events(MessageSent)
        posted = [message for message in channel.posted if message.title == "chat is well again"]
    assert (len(sent), len(posted)) == (1, 1)


async def test_an_alert_that_begins_while_the_incident_stands_down_is_looked_at(waiting: Client) -> None:
    async with running(waiting) as engine:
        engine.world.heal()
        engine.world.channel.pause()
        incident = await engine.open(playbook(DETECT, REVERT, POSTMORTEM))
        await incident.until(lambda view: view.summary.phase is Phase.CLOSED)
        await incident.handle.signal("alert", alert("ProviderDown", fingerprint="f2"))
        engine.world.channel.go_on()
        summary = await incident.result()
        (reopened,) = await incident.events(IncidentReopened)
    assert reopened.alert == "ProviderDown"
    assert (summary.outcome, summary.exposure) == (IncidentOutcome.UNVERIFIED, 0)


async def test_verified_without_a_complete_revert_is_not_recovered(waiting: Client) -> None:
    async with running(waiting) as engine:
        engine.world.target.refuses = "wrong token"
        incident = await engine.open(playbook(DETECT, REVERT, VERIFY, POSTMORTEM))
        await incident.asked(Action.SKIP)
        engine.world.heal()
        await incident.act("bob", Action.SKIP, reason="somebody else takes it back")
        summary = await incident.result()
        finished = [event.step for event in await incident.events(StepFinished)]
    assert "verify" in finished
    assert summary.outcome is IncidentOutcome.UNVERIFIED


async def test_an_incident_that_goes_on_before_it_closed_tells_each_news_once(waiting: Client) -> None:
    async with running(waiting) as engine:
        engine.world.heal()
        engine.world.store.pause()
        incident = await engine.open(playbook(DETECT, POSTMORTEM))
        await incident.until(lambda view: view.summary.phase is Phase.POSTMORTEM)
        await incident.handle.signal("alert", alert("ProviderDown", fingerprint="f2"))
        engine.world.store.go_on()
        await incident.result()
        (reopened,) = await incident.events(IncidentReopened)
    told = [message for message in engine.world.channel.posted if reopened.line in message.text]
    assert len(told) == 1
