"""A whole playbook, from the first alert to the postmortem."""

from __future__ import annotations

import asyncio

from temporalio.client import Client

from backout.evaluation import Outcome
from backout.people import Action
from backout.timeline import MessageSent, PeoplePaged, PostmortemWritten, SignalsJudged, StepFinished
from backout.timeline_exposure import ExposureSet, RequestsCounted
from backout.view import IncidentOutcome, Phase
from tests.workflows.engine import Engine, Incidents, alert, running
from tests.workflows.playbooks import DETECT, POSTMORTEM, REVERT, VERIFY, playbook, rules

WITH_APPROVAL = playbook(rules=rules("approve", quorum=2, approve_by=["commander", "product"]))


async def approved(incident: Incidents) -> None:
    """Let the on-call own the incident, and two people authorise the plan."""
    await incident.asked(Action.ACKNOWLEDGE)
    await incident.act("alice", Action.ACKNOWLEDGE)
    await incident.asked(Action.APPROVE)
    await incident.act("bob", Action.APPROVE)
    await incident.act("carol", Action.APPROVE)


def changes(engine: Engine) -> list[int]:
    """Return the exposures that were really set."""
    return [change.percent for change in engine.world.target.changes]


async def test_an_automatic_rule_takes_the_release_back_and_shows_that_users_recovered(
    skipping: Client,
) -> None:
    async with running(skipping) as engine:
        incident = await engine.open(playbook())
        summary = await incident.result()
        stages = await incident.events(ExposureSet)
    assert (summary.outcome, summary.phase, summary.exposure) == (
        IncidentOutcome.RECOVERED,
        Phase.CLOSED,
        0,
    )
    assert changes(engine) == [50, 10, 0]
    assert [(stage.before, stage.after) for stage in stages] == [(100, 50), (50, 10), (10, 0)]


async def test_a_breach_is_reverted_in_stages_once_a_quorum_approved(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await engine.open(WITH_APPROVAL)
        await incident.asked(Action.ACKNOWLEDGE)
        assert changes(engine) == []
        await approved(incident)
        assert (await incident.result()).outcome is IncidentOutcome.RECOVERED
    assert changes(engine) == [50, 10, 0]


async def test_what_counts_the_candidate_alone_keeps_nobody_from_seeing_that_users_recovered(
    skipping: Client,
) -> None:
    mine = {"kind": "ratio", "family": "operational", "source": "metrics"}
    mine |= {"bad": "bad.$release", "of": "served.$release"}
    signals = {"errors": playbook().signals["errors"].model_dump(mode="json"), "mine": mine}
    limit = {"compare": "limit", "max": "1%"}
    criteria = [{"id": "error_rate", "signal": "errors", "test": limit}]
    criteria.append({"id": "alone", "signal": "mine", "test": limit})
    rule = {"id": "critical", "when": {"any_of": ["alone"]}, "authority": "auto"}
    changed = {"signals": signals, "criteria": criteria, "rules": [rule]}
    async with running(skipping) as engine:
        engine.world.source.change("bad.r2", baseline=0, candidate=0.3)
        engine.world.source.change("served.r2", baseline=0, candidate=1)
        incident = await engine.open(playbook(DETECT, REVERT, VERIFY, POSTMORTEM, **changed))
        assert (await incident.result()).outcome is IncidentOutcome.RECOVERED
        judged = [event.evaluation for event in await incident.events(SignalsJudged)]
    left_out = ("alone: it counts the candidate alone, which has no traffic",)
    assert [said.not_counted for said in judged] == [(), (), (), left_out, left_out]
    assert [said.outcome for said in judged[1:]] == [Outcome.FIRED] * 2 + [Outcome.CLEAR] * 2


async def test_every_step_leaves_its_trace_on_the_timeline_in_order(skipping: Client) -> None:
    async with running(skipping) as engine:
        incident = await engine.open(playbook())
        await incident.result()
        view = await incident.view()
    finished = [event.step for event in view.timeline if isinstance(event, StepFinished)]
    assert finished == ["detect", "escalate", "revert", "check", "verify", "notify", "postmortem"]
    assert [event.seq for event in view.timeline] == list(range(1, len(view.timeline) + 1))
    assert all(event.line for event in view.timeline)


async def test_the_store_holds_the_very_timeline_that_the_workflow_has(skipping: Client) -> None:
    async with running(skipping) as engine:
        incident = await engine.open(playbook())
        await incident.result()
        view = await incident.view()
        stored = await engine.world.store.timeline(incident=view.summary.incident)
    assert stored == view.timeline


async def test_the_effects_carry_a_key_made_from_their_place(skipping: Client) -> None:
    async with running(skipping) as engine:
        incident = await engine.open(playbook())
        summary = await incident.result()
    keys = [change.key for change in engine.world.target.changes]
    place = f"{summary.incident}@{summary.run}/revert/1"
    assert keys == [f"{place}/50", f"{place}/10", f"{place}/0"]


async def test_a_storm_of_two_hundred_alerts_is_one_incident_and_every_alert_counts(
    waiting: Client,
) -> None:
    async with running(waiting) as engine:
        incident = await engine.open(WITH_APPROVAL)
        again = [incident.handle.signal("alert", alert()) for _ in range(199)]
        await asyncio.gather(*again)
        view = await incident.until(lambda view: view.summary.alerts == 200)
        received = [event for event in view.timeline if event.event == "AlertReceived"]
        paged = [event for event in view.timeline if isinstance(event, PeoplePaged)]
        await incident.end()
    assert len(received) == 1
    assert len(paged) <= 1


async def test_an_alert_that_a_rule_trusts_needs_no_watching(skipping: Client) -> None:
    async with running(skipping) as engine:
        engine.world.source.unreachable = True
        incident = await engine.open(playbook(), alert("ProviderDown"))
        await incident.until(lambda _: changes(engine) == [50, 10, 0])
        await incident.end()


async def test_an_alert_that_a_rule_trusts_ends_a_running_watch(waiting: Client) -> None:
    async with running(waiting) as engine:
        engine.world.clock.pause()
        incident = await engine.open(playbook())
        await engine.world.clock.reached(1)
        await incident.handle.signal("alert", alert("ProviderDown", fingerprint="f2"))
        await incident.until(lambda view: view.summary.exposure == 50)
        await incident.end()


async def test_the_notice_is_sent_only_after_its_approval(waiting: Client) -> None:
    notify = {**playbook().steps[5].model_dump(mode="json"), "needs_approval": True}
    steps = [step.model_dump(mode="json") for step in playbook().steps]
    async with running(waiting) as engine:
        incident = await engine.open(playbook(*steps[:5], notify, steps[6]))
        view = await incident.asked(Action.APPROVE)
        assert not [event for event in view.timeline if isinstance(event, MessageSent)]
        await incident.act("carol", Action.APPROVE)
        await incident.result()
        sent = await incident.events(MessageSent)
    assert len(sent) == 1
    assert sent[0].text.startswith("chat is well again\nWe took r2 back.")


async def test_the_postmortem_is_stored_with_the_numbers_of_the_incident(waiting: Client) -> None:
    async with running(waiting) as engine:
        engine.world.clock.pause()
        incident = await engine.open(playbook())
        await incident.until(lambda view: any(isinstance(e, RequestsCounted) for e in view.timeline))
        engine.world.clock.go_on()
        await incident.result()
        (written,) = await incident.events(PostmortemWritten)
        first, last = [count.served or 0 for count in await incident.events(RequestsCounted)]
        ((_, text),) = engine.world.store.documents.items()
    assert written.location.startswith("memory:incident/chat/")
    assert "Outcome | **recovered**" in text
    assert f"The candidate served **{last - first:.0f}** requests" in text
    assert "| error_rate | breached |" in text
    assert "Exposure went from 100 % to 0 % of traffic." in text
