"""An emergency takes everything off at once, from wherever the incident stands, by its own right."""

from __future__ import annotations

from typing import Any

import pytest
from temporalio.client import Client

from adapters.memory import MemoryWorld
from backout.people import Action
from backout.postmortem import facts
from backout.timeline import StepFinished, StepStarted
from backout.timeline_decisions import ApprovalAsked
from backout.timeline_exposure import ExposureSet
from backout.view import IncidentOutcome, Phase
from tests.workflows.engine import Engine, Incidents, alert, running
from tests.workflows.playbooks import (
    CHECK,
    DETECT,
    ESCALATE,
    MANUAL,
    POSTMORTEM,
    REVERT,
    RIGHTS,
    playbook,
    rules,
)
from tests.workflows.release_sets import PARTS, SET, SetEngine
from tests.workflows.test_people import percents, refusal

ROLES: dict[str, Any] = {
    "on_call": {"may": RIGHTS},
    "commander": {"may": [*RIGHTS, "approve", "reject", "emergency"]},
    "product": {"may": ["approve", "reject", "note"]},
    "platform": {"may": ["note"]},
}
APPROVAL: dict[str, Any] = {"rules": rules("approve", quorum=2, approve_by=["commander", "product"])}
WHY = {"reason": "it tells children how to"}


async def called(incident: Incidents) -> None:
    """Call the emergency, and wait until it is over."""
    receipt = await incident.act("bob", Action.EMERGENCY, **WHY)
    assert receipt.text == "all exposure is being taken off at once"
    await incident.result()


async def in_detection(engine: Engine) -> Incidents:
    engine.world.heal()
    engine.world.clock.pause()
    incident = await engine.open(playbook(DETECT, REVERT, POSTMORTEM, roles=ROLES))
    await engine.world.clock.reached(1)
    engine.world.clock.go_on(times=0)
    return incident


async def before_an_approval(engine: Engine) -> Incidents:
    incident = await engine.open(playbook(DETECT, REVERT, POSTMORTEM, roles=ROLES, **APPROVAL))
    await incident.asked(Action.APPROVE)
    return incident


async def in_a_soak(engine: Engine) -> Incidents:
    engine.world.clock.pause()
    incident = await engine.open(playbook(DETECT, REVERT, POSTMORTEM, roles=ROLES), alert("ProviderDown"))
    await incident.until(lambda view: view.summary.exposure == 50)
    await engine.world.clock.reached(1)
    return incident


async def in_a_hold(engine: Engine) -> Incidents:
    incident = await before_an_approval(engine)
    await incident.act("alice", Action.HOLD, reason="let me look")
    await incident.asked(Action.CLOSE)
    return incident


async def on_the_ladder(engine: Engine) -> Incidents:
    steps = (DETECT, ESCALATE, REVERT, POSTMORTEM)
    incident = await engine.open(playbook(*steps, roles=ROLES, rules=rules("ack")), alert("ProviderDown"))
    await incident.until(lambda view: view.summary.phase is Phase.ESCALATE)
    return incident


async def behind_the_revert(engine: Engine) -> Incidents:
    steps = (DETECT, {**REVERT, "stages": [50]}, MANUAL, POSTMORTEM)
    incident = await engine.open(playbook(*steps, roles=ROLES), alert("ProviderDown"))
    await incident.asked(Action.TICK)
    return incident


MOMENTS = {
    "in detection": (in_detection, [0]),
    "before an approval": (before_an_approval, [0]),
    "in a soak": (in_a_soak, [50, 0]),
    "in a hold": (in_a_hold, [0]),
    "on the ladder": (on_the_ladder, [0]),
}


@pytest.mark.parametrize("moment", MOMENTS)
async def test_everything_is_off_at_once_without_asking_anybody(waiting: Client, moment: str) -> None:
    stand, levels = MOMENTS[moment]
    async with running(waiting) as engine:
        incident = await stand(engine)
        before = len(await incident.events(ApprovalAsked))
        await incident.act("bob", Action.EMERGENCY, **WHY)
        await incident.until(lambda view: view.summary.exposure == 0)
        engine.world.clock.go_on()
        summary = await incident.result()
        asked = await incident.events(ApprovalAsked)
        view = await incident.view()
    assert percents(engine) == levels
    assert len(asked) == before
    assert (summary.exposure, summary.outcome) == (0, IncidentOutcome.UNVERIFIED)
    assert (view.held, view.emergency) == ("", "")


async def test_it_goes_back_to_the_revert_from_a_step_behind_it_and_then_on_again(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await behind_the_revert(engine)
        await incident.act("bob", Action.EMERGENCY, **WHY)
        await incident.asked(Action.TICK)
        for item in (1, 2):
            await incident.act("alice", Action.TICK, item=item)
        await incident.result()
        steps = [event.step for event in await incident.events(StepStarted)]
    assert percents(engine) == [50, 0]
    assert steps == ["detect", "revert", "manual", "revert", "manual", "postmortem"]


async def test_a_playbook_goes_on_that_was_standing_down(waiting: Client) -> None:
    async with running(waiting) as engine:
        engine.world.heal()
        engine.world.store.pause()
        steps = (DETECT, REVERT, {**POSTMORTEM, "within": "1h"})
        incident = await engine.open(playbook(*steps, roles=ROLES))
        await incident.until(lambda view: view.summary.phase is Phase.POSTMORTEM)
        await incident.act("bob", Action.EMERGENCY, **WHY)
        engine.world.store.go_on()
        summary = await incident.result()
        finished = [event.step for event in await incident.events(StepFinished)]
    assert percents(engine) == [0]
    assert finished == ["detect", "revert", "postmortem"]
    assert summary.outcome is IncidentOutcome.UNVERIFIED


async def test_who_shipped_the_release_may_stop_it_like_this_too(waiting: Client) -> None:
    async with running(waiting) as engine:
        book = playbook(DETECT, REVERT, POSTMORTEM, roles=ROLES, **APPROVAL)
        incident = await engine.open(book, shipped_by="Bob")
        await incident.asked(Action.APPROVE)
        assert "Bob shipped this release" in await refusal(incident, "bob", Action.APPROVE)
        await called(incident)
    assert percents(engine) == [0]


async def test_it_takes_its_own_right_and_a_reason(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await before_an_approval(engine)
        assert "only commander may emergency" in await refusal(incident, "alice", Action.EMERGENCY, **WHY)
        assert "emergency needs a reason" in await refusal(incident, "bob", Action.EMERGENCY)
        await incident.end()
    assert percents(engine) == []


async def test_without_a_revert_step_it_is_refused(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await engine.open(playbook(MANUAL, POSTMORTEM, roles=ROLES))
        await incident.asked(Action.TICK)
        why = await refusal(incident, "bob", Action.EMERGENCY, **WHY)
        await incident.end()
    assert why == "this playbook has no revert step, so there is nothing to take exposure off by"


async def test_what_fails_holds_and_a_resume_tries_to_take_everything_off_again(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await before_an_approval(engine)
        engine.world.target.refuses = "maintenance"
        await incident.act("bob", Action.EMERGENCY, **WHY)
        view = await incident.asked(Action.RESUME)
        engine.world.target.refuses = ""
        await incident.act("alice", Action.RESUME)
        await incident.result()
        asked = await incident.events(ApprovalAsked)
    assert "maintenance" in view.held
    assert view.emergency == "Bob"
    assert percents(engine) == [0]
    assert len(asked) == 1


async def test_once_it_is_left_out_a_revert_is_asked_for_again(waiting: Client) -> None:
    check = {**CHECK, "on_failure": "hold"}
    async with running(waiting) as engine:
        incident = await engine.open(playbook(DETECT, REVERT, check, POSTMORTEM, roles=ROLES, **APPROVAL))
        await incident.asked(Action.APPROVE)
        engine.world.target.refuses, engine.world.check.passes = "maintenance", False
        await incident.act("bob", Action.EMERGENCY, **WHY)
        await incident.asked(Action.SKIP)
        await incident.act("bob", Action.SKIP, reason="the platform team does it")
        view = await incident.until(lambda view: view.step == "check" and view.held)
        await incident.end()
    assert view.emergency == ""


async def test_a_set_is_taken_off_and_nothing_is_put_back(waiting: Client) -> None:
    async with running(waiting, MemoryWorld()) as engine:
        parts = SetEngine(engine, 100)
        book = playbook(
            DETECT,
            SET | {"on_target_failure": "put_back", "mixed_for": "1s"},
            POSTMORTEM,
            roles=ROLES,
            **APPROVAL,
        )
        incident = await engine.open(book)
        await incident.asked(Action.APPROVE)
        parts.index.refuses_below = 50
        await incident.act("bob", Action.EMERGENCY, **WHY)
        await incident.asked(Action.RESUME)
        parts.index.refuses_below = 0
        await incident.act("bob", Action.RESUME)
        await incident.result()
    order = [part["target"] for part in PARTS]
    assert {name: levels[-1] for name, levels in parts.percents.items()} == dict.fromkeys(order, 0)
    assert parts.percents["exposure"] == [0]


async def test_each_change_has_its_key_and_is_read_back(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await before_an_approval(engine)
        await called(incident)
        (event,) = await incident.events(ExposureSet)
        summary = (await incident.view()).summary
    assert event.key == f"{summary.incident}@{summary.run}/revert/1/0"
    assert (event.before, event.after) == (100, 0)


async def test_the_timeline_and_the_postmortem_tell_it(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await before_an_approval(engine)
        await called(incident)
        view = await incident.view()
    (line,) = [event.line for event in view.timeline if "EMERGENCY" in event.line]
    assert line == "Bob (commander, via cli): EMERGENCY: it tells children how to"
    (bypass,) = facts(view).bypasses
    assert bypass.action is Action.EMERGENCY


async def test_a_hold_stops_it_once_it_runs_and_a_resume_goes_on_with_it(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await before_an_approval(engine)
        engine.world.target.pause()
        await incident.act("bob", Action.EMERGENCY, **WHY)
        await engine.world.target.reached(1)
        assert "Bob has called the emergency already" in await refusal(
            incident, "bob", Action.EMERGENCY, **WHY
        )
        await incident.act("alice", Action.HOLD, reason="wrong incident?")
        await incident.asked(Action.RESUME)
        engine.world.target.go_on()
        await incident.act("alice", Action.RESUME)
        await incident.result()
    assert percents(engine) == [0]
