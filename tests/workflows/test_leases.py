"""Two incidents on one target: one holds, and says which one it waits for."""

from __future__ import annotations

from temporalio.client import Client

from backout.people import Action
from backout.playbook import Playbook
from backout.timeline import Held
from backout.timeline_exposure import ExposureSet
from backout.timeline_fencing import TargetsTakenOver
from backout.view import IncidentOutcome, IncidentView, Phase
from tests.workflows.communicated import APPROVED, draft
from tests.workflows.engine import Engine, Incidents, alert, running
from tests.workflows.playbooks import DETECT, POSTMORTEM, REVERT, RIGHTS, VERIFY, playbook
from tests.workflows.release_sets import SET, set_running
from tests.workflows.test_release_sets_capacity import CAPACITY, with_replicas

ROLES = {
    "on_call": {"may": RIGHTS},
    "commander": {"may": [*RIGHTS, "approve", "emergency"]},
    "product": {"may": ["note"]},
    "platform": {"may": ["note"]},
}
REVERTS = playbook(DETECT, REVERT, POSTMORTEM, roles=ROLES)


def in_order(*targets: str) -> Playbook:
    """Return a playbook that reverts these targets as one, in this order."""
    step = {**SET, "targets": [{"target": name} for name in targets]}
    return playbook(DETECT, step, POSTMORTEM, roles=ROLES)


def short(incident: Incidents) -> str:
    return incident.handle.id.removeprefix("incident/")


def begun_or_held(view: IncidentView) -> bool:
    return bool(view.held) or any(isinstance(event, ExposureSet) for event in view.timeline)


async def walks(engine: Engine) -> Incidents:
    """Open an incident, and stop it in the soak of its first stage."""
    clock = engine.world.clock
    clock.pause()
    incident = await engine.open(REVERTS, alert("ProviderDown"))
    await clock.reached(clock.arrivals + 1)
    return incident


async def second(engine: Engine) -> Incidents:
    """Open an incident on the same target."""
    return await engine.open(REVERTS, alert("ProviderDown", fingerprint="f2"))


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
        await one.end()
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


async def test_an_emergency_takes_the_target_over_and_the_other_one_finds_its_exposure_moved(
    waiting: Client,
) -> None:
    async with running(waiting) as engine:
        one = await walks(engine)
        two = await second(engine)
        await waits_for(two, one)
        await two.act("bob", Action.EMERGENCY, reason="it harms people")
        await two.until(lambda view: view.summary.exposure == 0)
        (over,) = await two.events(TargetsTakenOver)
        assert over.line == f"exposure taken over from incident {short(one)}: emergency by Bob"
        engine.world.clock.go_on()
        view = await one.asked(Action.RESUME)
        assert f"moved by somebody else: it was 50 % and is 0 %, last by {two.handle.id}" in view.held
        await two.result()
        await one.act("bob", Action.RESUME)
        assert (await one.result()).exposure == 0
    assert [change.percent for change in engine.world.target.changes] == [50, 0]


async def test_two_incidents_that_name_the_same_targets_in_another_order_do_not_both_wait(
    waiting: Client,
) -> None:
    async with set_running(waiting) as sets:
        engine = sets.engine
        engine.world.clock.pause()
        engine.world.leases.pause()
        books = [in_order("exposure", "index"), in_order("index", "exposure")]
        both = [await engine.open(book, alert("ProviderDown")) for book in books]
        await engine.world.leases.reached(2)
        engine.world.leases.go_on()
        await engine.world.clock.reached(engine.world.clock.arrivals or 1)
        views = [await one.until(begun_or_held) for one in both]
        assert sorted(bool(view.held) for view in views) == [False, True]
        first, last = both if views[1].held else both[::-1]
        engine.world.clock.go_on()
        await first.result()
        await last.act("bob", Action.RESUME)
        await last.result()
    assert sets.percents == {"exposure": [50, 10, 0], "index": [50, 10, 0]}


async def test_in_an_emergency_leases_that_cannot_be_read_keep_nobody_waiting(waiting: Client) -> None:
    async with running(waiting) as engine:
        engine.world.leases.refuses = "it is broken"
        two = await second(engine)
        view = await two.asked(Action.RESUME)
        assert view.held.startswith("revert failed: leases memory refused: it is broken")
        assert await two.events(ExposureSet) == []
        await two.act("bob", Action.EMERGENCY, reason="it harms people")
        assert (await two.result()).exposure == 0
        (over,) = await two.events(TargetsTakenOver)
    assert over.line.startswith(
        "exposure taken over: emergency by Bob; who else has them could not be read: leases memory refused"
    )


async def test_who_cannot_have_all_targets_gives_back_those_that_it_had(waiting: Client) -> None:
    async with set_running(waiting) as sets:
        engine = sets.engine
        engine.world.clock.pause()
        alone = playbook(DETECT, {**REVERT, "target": "index"}, POSTMORTEM)
        one = await engine.open(alone, alert("ProviderDown"))
        await engine.world.clock.reached(1)
        two = await engine.open(in_order("exposure", "index"), alert("ProviderDown"))
        view = await two.asked(Action.RESUME)
        assert view.held.startswith(f"index is being changed by incident {short(one)}")
        assert engine.world.leases.held == {("index", "chat"): one.handle.id}


async def test_everything_that_the_plan_changes_is_leased_in_the_order_of_the_names(waiting: Client) -> None:
    async with set_running(waiting) as sets:
        sets.engine.world.clock.pause()
        with_replicas(sets)
        incident = await sets.revert(baseline="r1", capacity=CAPACITY)
        await sets.world.clock.reached(1)
        held = sets.world.leases.held
    names = ("alias", "exposure", "index", "replicas")
    # In the order of the names, whatever the playbook says: so no two incidents wait for each other.
    assert list(held.items()) == [((name, "chat"), incident.handle.id) for name in names]


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


async def test_who_still_owes_a_last_word_keeps_nobody_from_the_targets(waiting: Client) -> None:
    async with running(waiting) as engine:
        told = playbook(DETECT, REVERT, VERIFY, POSTMORTEM, communications=[APPROVED])
        incident = await engine.open(told, alert("ProviderDown"))
        view = await incident.until(lambda view: view.postmortem and draft(view) is not None)
        held = dict(engine.world.leases.held)
        await incident.end()
    assert view.summary.outcome is IncidentOutcome.OPEN
    assert held == {}
