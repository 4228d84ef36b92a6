"""Where users recovered at a stage, people decide: go on down, stay, or come back, guarded at each stage."""

from __future__ import annotations

from typing import Any

from temporalio.client import Client

from adapters.memory import MemoryTarget, MemoryWorld
from backout.people import Action
from backout.timeline import ActionTaken, StepFinished
from backout.timeline_exposure import ExposureSet, RevertStopped
from backout.timeline_quarantine import ReleaseQuarantined
from backout.view import IncidentOutcome, IncidentView
from tests.workflows.engine import Engine, Incidents, alert, running
from tests.workflows.playbooks import DETECT, POSTMORTEM, REVERT, RIGHTS, VERIFY, playbook, rules
from tests.workflows.release_sets import SET, SetEngine
from tests.workflows.rolled import LOOKS
from tests.workflows.test_people import percents, refusal

ROLES: dict[str, Any] = {
    "on_call": {"may": RIGHTS},
    "commander": {"may": [*RIGHTS, "approve", "reject", "come_back", "emergency"]},
    "product": {"may": ["approve", "reject", "note"]},
    "platform": {"may": ["note"]},
}
HOLDS = {"on_recovery": "hold", "soak": "10m", "within": "8h"}
WHY = {"reason": "it was the provider"}


async def recovered(
    engine: Engine,
    *behind: dict[str, Any],
    soaks: int = 0,
    step: dict[str, Any] = REVERT,
    within: str = "8h",
    **changes: Any,  # noqa: ANN401  # any field of a playbook
) -> Incidents:
    """Let users recover after so many soaks in which they did not; the revert is held there."""
    clock = engine.world.clock
    clock.pause()
    book = playbook(
        DETECT, {**step, **HOLDS, "within": within}, *behind, POSTMORTEM, **({"roles": ROLES} | changes)
    )
    incident = await engine.open(book, alert("ProviderDown"))
    await clock.reached(1)
    if soaks:
        clock.go_on(times=soaks * LOOKS)
        await clock.reached(soaks * LOOKS + 1)
    engine.world.heal()
    await incident.handle.signal("alert", alert("ProviderDown", status="resolved"))
    clock.go_on()
    await incident.asked(Action.COME_BACK)
    return incident


def stages(view: IncidentView) -> list[tuple[int, int]]:
    return [(event.before, event.after) for event in view.timeline if isinstance(event, ExposureSet)]


async def test_the_hold_names_the_three_ways_to_go(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await recovered(engine)
        view = await incident.view()
        await incident.end()
    assert view.held == (
        "users recovered at 50 %: resume to go on to 10 %, 0 %, skip to stay here, or come back to 100 %"
    )
    (ask,) = view.asks
    assert {Action.RESUME, Action.SKIP, Action.COME_BACK} < set(ask.actions)


async def test_exposure_comes_back_stage_by_stage_to_where_it_was_found(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await recovered(engine, soaks=1)
        assert percents(engine) == [50, 10]
        await incident.act("bob", Action.COME_BACK, **WHY)
        await incident.result()
        view = await incident.view()
    assert stages(view) == [(100, 50), (50, 10), (10, 50), (50, 100)]
    (done,) = [e for e in view.timeline if isinstance(e, StepFinished) and e.step == "revert"]
    assert done.result == "exposure is back at 100 %: brought back by Bob: it was the provider"
    (taken,) = [event for event in view.timeline if isinstance(event, ActionTaken)]
    assert (taken.action, taken.right) == (Action.COME_BACK, "commander")


async def test_it_comes_back_no_higher_than_it_was_found(waiting: Client) -> None:
    async with running(waiting, MemoryWorld(exposure=30)) as engine:
        incident = await recovered(engine, soaks=1)
        await incident.act("bob", Action.COME_BACK, **WHY)
        await incident.result()
    assert percents(engine) == [10, 30]


async def test_what_came_back_is_recovered_only_once_that_is_verified(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await recovered(engine, VERIFY)
        await incident.act("bob", Action.COME_BACK, **WHY)
        summary = await incident.result()
        quarantined = await incident.events(ReleaseQuarantined)
    assert (summary.outcome, summary.exposure) == (IncidentOutcome.RECOVERED, 100)
    assert quarantined == []


async def test_without_a_verification_what_came_back_is_unverified(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await recovered(engine)
        await incident.act("bob", Action.COME_BACK, **WHY)
        assert (await incident.result()).outcome is IncidentOutcome.UNVERIFIED


async def test_a_rule_that_fires_on_the_way_turns_back_to_0_and_that_is_a_complete_revert(
    waiting: Client,
) -> None:
    async with running(waiting) as engine:
        incident = await recovered(engine, VERIFY)
        engine.world.sicken()
        await incident.act("bob", Action.COME_BACK, **WHY)
        summary = await incident.result()
        (done, _) = [e for e in await incident.events(StepFinished) if e.step in {"revert", "verify"}]
        quarantined = await incident.events(ReleaseQuarantined)
    assert percents(engine) == [50, 100, 0]
    assert "turned back from 100 %, because rule critical fired" in done.result
    assert (summary.outcome, summary.exposure) == (IncidentOutcome.RECOVERED, 0)
    assert len(quarantined) == 1


async def test_what_shows_neither_is_held_with_the_same_choices(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await recovered(engine, soaks=1)
        engine.world.source.blind = True
        await incident.act("bob", Action.COME_BACK, **WHY)
        view = await incident.until(lambda view: "nothing shows" in view.held and view.asks)
        (stopped,) = (await incident.events(RevertStopped))[1:]
        engine.world.source.blind = False
        await incident.act("bob", Action.COME_BACK, reason="the source was down")
        await incident.result()
    assert view.held.endswith("resume to go on to 10 %, 0 %, skip to stay here, or come back")
    assert stopped.line.startswith("Way up stopped, exposure 50 %: nothing shows")
    assert percents(engine) == [50, 10, 50, 100]


async def test_a_resume_after_it_was_undecided_goes_down(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await recovered(engine, soaks=1)
        engine.world.source.blind = True
        await incident.act("bob", Action.COME_BACK, **WHY)
        await incident.until(lambda view: "nothing shows" in view.held and view.asks)
        await incident.act("bob", Action.RESUME)
        summary = await incident.result()
    assert percents(engine) == [50, 10, 50, 10, 0]
    assert summary.exposure == 0


async def test_a_hold_on_the_way_up_leaves_the_same_choices(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await recovered(engine, soaks=1)
        engine.world.clock.pause()
        await incident.act("bob", Action.COME_BACK, **WHY)
        await incident.until(lambda view: view.summary.exposure == 50)
        await incident.act("alice", Action.HOLD, reason="wait")
        view = await incident.asked(Action.COME_BACK)
        engine.world.sicken()
        engine.world.clock.go_on()
        await incident.act("bob", Action.RESUME)
        await incident.result()
    assert view.held == "Alice: wait"
    assert percents(engine) == [50, 10, 50, 10, 0]


async def test_an_emergency_ends_it(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await recovered(engine)
        engine.world.clock.pause()
        await incident.act("bob", Action.COME_BACK, **WHY)
        await incident.until(lambda view: view.summary.exposure == 100)
        await incident.act("bob", Action.EMERGENCY, reason="no")
        await incident.until(lambda view: view.summary.exposure == 0)
        engine.world.clock.go_on()
        await incident.result()
    assert percents(engine) == [50, 100, 0]


async def test_who_stays_at_the_stage_has_reverted_nothing_completely(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await recovered(engine, VERIFY)
        await incident.act("bob", Action.SKIP, reason="well here")
        summary = await incident.result()
    assert (summary.outcome, summary.exposure) == (IncidentOutcome.UNVERIFIED, 50)


async def test_it_takes_its_own_right_a_reason_and_the_moment(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await recovered(engine)
        assert "only commander may come_back" in await refusal(incident, "alice", Action.COME_BACK, **WHY)
        assert "come_back needs a reason" in await refusal(incident, "bob", Action.COME_BACK)
        await incident.end()
        engine.world.sicken()
        other = await engine.open(playbook(DETECT, REVERT, POSTMORTEM, roles=ROLES))
        await other.act("alice", Action.HOLD)
        await other.asked(Action.RESUME)
        why = await refusal(other, "bob", Action.COME_BACK, **WHY)
        await other.end()
    assert why == "exposure can come back only where the revert is held because users recovered at a stage"


async def test_it_may_take_the_consent_of_others(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await recovered(engine, consents={"come_back": ["product"]})
        receipt = await incident.act("bob", Action.COME_BACK, **WHY)
        assert "it waits for" in receipt.text
        assert percents(engine) == [50]
        await incident.act("carol", Action.APPROVE)
        await incident.result()
    assert percents(engine) == [50, 100]


async def test_a_set_comes_back_as_one_and_its_pointer_with_it(waiting: Client) -> None:
    async with running(waiting) as engine:
        parts = SetEngine(engine, 100)
        incident = await recovered(engine, soaks=1, step=SET)
        assert parts.percents["alias"] == [0]
        await incident.act("bob", Action.COME_BACK, **WHY)
        await incident.result()
    assert parts.percents == {"exposure": [50, 10, 50, 100], "index": [50, 10, 50, 100], "alias": [0, 100]}


async def test_an_alternative_of_several_stages_comes_back_on_its_own_targets(waiting: Client) -> None:
    alternative = {
        "name": "no-tools",
        "about": "no tools",
        "targets": [{"target": "tools"}],
        "stages": [50, 0],
    }
    async with running(waiting) as engine:
        world = engine.world
        tools = engine.targets["tools"] = MemoryTarget(world.clock, {(world.service, world.release): 100})
        step = {**REVERT, **HOLDS, "alternatives": [alternative]}
        approve = rules("approve", approve_by=["commander"])
        book = playbook(DETECT, step, POSTMORTEM, roles=ROLES, rules=approve)
        incident = await engine.open(book)
        view = await incident.asked(Action.APPROVE)
        world.heal()
        await incident.act("bob", Action.APPROVE, subject=view.asks[1].subject)
        await incident.asked(Action.COME_BACK)
        await incident.act("bob", Action.COME_BACK, **WHY)
        await incident.result()
    assert [change.percent for change in tools.changes] == [50, 100]
    assert percents(engine) == []
