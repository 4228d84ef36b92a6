"""An incident goes before a rollout: what goes up stops, and its targets are the incident's."""

from __future__ import annotations

from datetime import UTC, datetime

from temporalio.client import Client

from backout.case import Case, Directive, OpenIncident
from backout.model import digest_of
from backout.people import Action
from backout.playbook import Playbook
from backout.timeline import Held
from backout.timeline_fencing import TargetsTakenOver
from backout.view import IncidentOutcome, Phase, incident_id
from tests.workflows.engine import Engine, Incidents, alert, running
from tests.workflows.playbooks import DETECT, POSTMORTEM, REVERT, playbook
from tests.workflows.rolled import LOOKS, approved, begin, going_up, healthy, percents
from workflows.giving_way import GIVE_WAY, give_way
from workflows.incident import Incident


async def an_incident(engine: Engine, book: Playbook | None = None, name: str = "ProviderDown") -> Incidents:
    """Open the incident on the release that goes up."""
    world, book = engine.world, book or going_up()
    id_ = incident_id(world.service, world.release)
    opening = OpenIncident(
        incident=id_,
        service=world.service,
        release=world.release,
        playbook=book,
        digest=digest_of(book),
    )
    handle = await engine.client.start_workflow(
        Incident.run,
        opening,
        id=id_,
        task_queue=engine.queue,
        start_signal="alert",
        start_signal_args=[alert(name)],
    )
    return Incidents(handle)


async def at_fifty(engine: Engine) -> Incidents:
    """Begin a rollout, and stop its soak at 50 %."""
    clock = engine.world.clock
    clock.pause()
    clock.go_on(times=LOOKS)
    rollout = await approved(engine)
    await rollout.until(lambda view: view.summary.exposure == 50)
    return rollout


async def test_an_incident_on_the_release_stops_its_rollout_before_anything_fired(waiting: Client) -> None:
    async with running(waiting, healthy()) as engine:
        rollout = await at_fifty(engine)
        await an_incident(engine, name="SomethingElse")
        view = await rollout.asked(Action.RESUME)
        (held,) = await rollout.events(Held)
    assert (view.summary.phase, view.summary.exposure) == (Phase.HELD, 50)
    assert held.line == (f"Held by an incident: incident chat/{engine.world.release} is open and goes first")
    assert percents(engine) == [10, 50]


async def test_the_incident_takes_the_release_back_and_the_rollout_is_not_in_its_way(waiting: Client) -> None:
    async with running(waiting, healthy()) as engine:
        rollout = await at_fifty(engine)
        incident = await an_incident(engine)
        await rollout.asked(Action.RESUME)
        engine.world.clock.go_on()
        summary = await incident.result()
        taken = await incident.events(TargetsTakenOver)
    assert summary.exposure == 0
    assert [event.holder for event in taken] == [rollout.handle.id]
    assert percents(engine)[:2] == [10, 50]
    assert percents(engine)[-1] == 0


async def test_an_incident_of_a_playbook_without_a_way_up_takes_the_targets_over_all_the_same(
    waiting: Client,
) -> None:
    async with running(waiting, healthy()) as engine:
        rollout = await at_fifty(engine)
        incident = await an_incident(engine, playbook(DETECT, REVERT, POSTMORTEM))
        view = await rollout.asked(Action.RESUME)
        assert "goes first" in view.held
        engine.world.clock.go_on()
        assert (await incident.result()).exposure == 0


async def test_who_resumes_the_rollout_meanwhile_is_told_that_the_incident_is_open(waiting: Client) -> None:
    async with running(waiting, healthy()) as engine:
        rollout = await at_fifty(engine)
        incident = await an_incident(engine, name="SomethingElse")
        await rollout.asked(Action.RESUME)
        await rollout.act("bob", Action.RESUME)
        view = await rollout.until(lambda view: "resume once it is over" in view.held)
        assert view.held == (
            f"incident chat/{engine.world.release} is open on this release: resume once it is over"
        )
        await incident.end()
        engine.world.clock.go_on()
        await rollout.act("bob", Action.RESUME)
        assert (await rollout.result()).outcome is IncidentOutcome.RELEASED


async def test_a_rollout_does_not_begin_to_go_up_under_an_open_incident(waiting: Client) -> None:
    async with running(waiting, healthy()) as engine:
        engine.world.clock.pause()
        await an_incident(engine, playbook(DETECT, REVERT, POSTMORTEM), name="SomethingElse")
        rollout = await begin(engine)
        view = await rollout.asked(Action.RESUME)
    assert view.held.endswith("is open on this release: resume once it is over")
    assert percents(engine) == []


async def test_an_incident_does_not_stop_a_rollout_that_is_turning_back(waiting: Client) -> None:
    async with running(waiting, healthy()) as engine:
        target = engine.world.target
        rollout = await at_fifty(engine)
        target.pause()
        engine.world.sicken(candidate=0.6)
        engine.world.clock.go_on()
        await rollout.until(lambda view: view.fired.startswith("Signals judged: fired"))
        await rollout.handle.signal(GIVE_WAY, "incident/chat/r2")
        await rollout.view()  # it has come by now
        target.go_on()
        view = await rollout.asked(Action.ABORT)
        held = await rollout.events(Held)
    assert (view.summary.exposure, percents(engine)) == (0, [10, 50, 0])
    assert [event.by for event in held] == ["the engine"]


async def test_an_incident_does_not_keep_a_rollout_from_writing_its_record(waiting: Client) -> None:
    async with running(waiting, healthy()) as engine:
        clock, store = engine.world.clock, engine.world.store
        clock.pause()
        clock.go_on(times=3 * LOOKS - 1)
        rollout = await approved(engine)
        await rollout.until(lambda view: view.summary.exposure == 100)
        store.pause()
        clock.go_on()
        await rollout.until(lambda view: view.step == "postmortem")
        await rollout.handle.signal(GIVE_WAY, "incident/chat/r2")
        await rollout.view()  # it has come by now
        store.go_on()
        summary = await rollout.result()
    assert summary.outcome is IncidentOutcome.RELEASED


def test_what_a_person_decided_a_moment_before_an_incident_is_not_done_any_more() -> None:
    case = Case(run="r", opened_at=datetime(2026, 1, 5, tzinfo=UTC), directive=Directive.RETRY)
    give_way(case, "incident/chat/r2")
    assert (case.held, case.directive) == ("incident chat/r2 is open and goes first", None)


async def test_an_incident_after_the_rollout_finds_nobody_to_stop(waiting: Client) -> None:
    async with running(waiting, healthy()) as engine:
        rollout = await approved(engine)
        await rollout.result()
        incident = await an_incident(engine)
        summary = await incident.result()
    assert summary.exposure == 0
    assert summary.opened_at > datetime(2026, 1, 1, tzinfo=UTC)
