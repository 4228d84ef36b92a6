"""Two incidents on one target: one holds, and says which one it waits for."""

from __future__ import annotations

from datetime import UTC, datetime

from temporalio.client import Client

from backout.case import Case
from backout.people import Action
from backout.timeline import Held
from backout.timeline_exposure import ExposureSet
from backout.timeline_fencing import TargetsTakenOver
from backout.view import IncidentOutcome, Phase
from tests.workflows.engine import Engine, Incidents, alert, running
from tests.workflows.playbooks import DETECT, POSTMORTEM, REVERT, playbook

REVERTS = playbook(DETECT, REVERT, POSTMORTEM)


def short(incident: Incidents) -> str:
    return incident.handle.id.removeprefix("incident/")


async def walks(engine: Engine) -> Incidents:
    """Open an incident, and stop it in the soak of its first stage."""
    clock = engine.world.clock
    clock.pause()
    incident = await engine.open(REVERTS, alert("ProviderDown"))
    await clock.reached(clock.arrivals + 1)
    return incident


async def second(engine: Engine, **case: object) -> Incidents:
    """Open an incident on the same target."""
    carried = Case(run="second", opened_at=datetime(2026, 1, 5, tzinfo=UTC), **case) if case else None  # type: ignore[arg-type]  # fields of a case
    return await engine.open(REVERTS, alert("ProviderDown", fingerprint="f2"), carried=carried)


async def waits_for(incident: Incidents, other: Incidents) -> None:
    view = await incident.asked(Action.RESUME)
    assert view.summary.phase is Phase.HELD
    assert view.held.startswith(f"exposure is being changed by incident {short(other)}: resume once that one")
    assert await incident.events(ExposureSet) == []


async def test_the_second_incident_holds_and_says_which_one_it_waits_for_until_it_is_over(
    waiting: Client,
) -> None:
    async with running(waiting) as engine:
        one = await walks(engine)
        two = await second(engine)
        await waits_for(two, one)
        await two.act("bob", Action.RESUME)
        await two.until(lambda view: len([event for event in view.timeline if isinstance(event, Held)]) == 2)
        await waits_for(two, one)
        engine.world.clock.go_on()
        await one.result()
        assert engine.world.leases.held == {}
        await two.act("bob", Action.RESUME)
        assert (await two.result()).exposure == 0
        assert await two.events(TargetsTakenOver) == []
    assert [change.percent for change in engine.world.target.changes] == [50, 10, 0]


async def test_an_incident_that_was_terminated_is_in_nobodys_way(waiting: Client) -> None:
    async with running(waiting) as engine:
        one = await walks(engine)
        await one.handle.terminate()
        engine.world.clock.go_on()
        two = await second(engine)
        assert (await two.result()).exposure == 0
        (over,) = await two.events(TargetsTakenOver)
    assert over.line == f"exposure taken over from incident {short(one)}: that one is over"
    assert engine.world.leases.held == {}


async def test_an_incident_that_never_was_is_in_nobodys_way(waiting: Client) -> None:
    async with running(waiting) as engine:
        engine.world.leases.held["exposure", "chat"] = "incident/chat/lost"
        two = await second(engine)
        assert (await two.result()).exposure == 0


async def test_an_emergency_takes_the_target_over_and_the_other_one_holds_when_it_is_resumed(
    waiting: Client,
) -> None:
    async with running(waiting) as engine:
        one = await walks(engine)
        two = await second(engine, emergency="Bob")
        await two.until(lambda view: view.summary.exposure is not None)
        (over,) = await two.events(TargetsTakenOver)
        assert over.line == f"exposure taken over from incident {short(one)}: emergency by Bob"
        await one.act("bob", Action.HOLD, reason="look")
        await one.asked(Action.RESUME)
        await one.act("bob", Action.RESUME)
        await one.until(lambda view: short(two) in view.held)
        engine.world.clock.go_on()
        await two.result()
        await one.act("bob", Action.RESUME)
        await one.result()


async def test_in_an_emergency_leases_that_cannot_be_read_keep_nobody_waiting(waiting: Client) -> None:
    async with running(waiting) as engine:
        engine.world.leases.unreachable = True
        two = await second(engine, emergency="Bob")
        assert (await two.result()).exposure == 0
        (over,) = await two.events(TargetsTakenOver)
    assert "emergency by Bob; who else has them could not be read: leases memory did not answer" in over.line


async def test_without_an_emergency_leases_that_cannot_be_read_hold_the_revert(waiting: Client) -> None:
    async with running(waiting) as engine:
        engine.world.leases.refuses = "it is broken"
        two = await second(engine)
        view = await two.asked(Action.RESUME)
        assert view.held.startswith("revert failed: leases memory refused: it is broken")
        assert await two.events(ExposureSet) == []


async def test_an_incident_that_is_aborted_while_it_waits_takes_nothing_from_the_other(
    waiting: Client,
) -> None:
    async with running(waiting) as engine:
        one = await walks(engine)
        two = await second(engine)
        await waits_for(two, one)
        await two.act("bob", Action.ABORT, reason="one is enough")
        assert (await two.result()).outcome is IncidentOutcome.ABORTED
        assert engine.world.leases.held == {("exposure", "chat"): one.handle.id}


async def test_leases_that_cannot_be_given_back_do_not_keep_an_incident_from_closing(waiting: Client) -> None:
    async with running(waiting) as engine:
        one = await walks(engine)
        engine.world.leases.refuses = "it is broken"
        engine.world.clock.go_on()
        await one.result()
        assert engine.world.leases.held == {("exposure", "chat"): one.handle.id}
        engine.world.leases.refuses = ""
        two = await second(engine)
        await two.result()
    assert engine.world.leases.held == {}
