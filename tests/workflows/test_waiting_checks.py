"""A check that has not passed yet is looked at again as long as the step's window lasts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from temporalio.client import Client

from adapters.memory import MemoryCheck, MemoryWorld
from backout.messages import CheckResult
from backout.people import Action
from backout.requests import RunCheck
from backout.timeline import PostmortemWritten, StepFailed, StepFinished, StepTimedOut
from backout.timeline_exposure import CheckRun
from tests.workflows.engine import Engine, Incidents, running
from tests.workflows.playbooks import CHECK, POSTMORTEM, playbook

EVERY = timedelta(seconds=30)
PROCEED = {**CHECK, "on_timeout": "proceed", "on_failure": "proceed"}


class Draining(MemoryCheck):
    """A queue that has fewer at each look."""

    def __init__(self, *depths: int) -> None:
        super().__init__()
        self.again = EVERY
        self.depths = list(depths)

    async def run(self, *, asked: RunCheck) -> CheckResult:
        """Look at the next depth; the last one stays."""
        depth = self.depths.pop(0) if len(self.depths) > 1 else self.depths[0]
        self.passes, self.found = depth == 0, f"{depth} left"
        return await super().run(asked=asked)


def world_with(check: MemoryCheck) -> MemoryWorld:
    world = MemoryWorld()
    world.check = check
    return world


async def checked(engine: Engine, **changes: Any) -> Incidents:  # noqa: ANN401  # any field of the step
    return await engine.open(playbook({**PROCEED, **changes}, POSTMORTEM))


async def runs(incident: Incidents) -> list[tuple[bool, str, bool]]:
    return [(event.passed, event.found, event.again) for event in await incident.events(CheckRun)]


async def test_it_is_looked_at_again_until_it_passes_and_each_change_is_on_the_timeline(
    skipping: Client,
) -> None:
    async with running(skipping, world_with(Draining(7, 7, 7, 3, 0))) as engine:
        incident = await checked(engine)
        await incident.result()
        events = await incident.events(CheckRun)
        assert await runs(incident) == [
            (False, "7 left", True),
            (False, "3 left", True),
            (True, "0 left", False),
        ]
        (finished, _) = await incident.events(StepFinished)
    assert len(engine.world.check.asked) == 5
    assert finished.result == "1 checks passed"
    assert [round((event.at - events[0].at) / EVERY) for event in events] == [0, 3, 4]
    assert events[0].line == "Integrity check consistent has not passed yet: 7 left"


async def test_the_windows_end_says_what_is_missing(skipping: Client) -> None:
    async with running(skipping, world_with(Draining(9, 4))) as engine:
        incident = await checked(engine, within="5m")
        await incident.result()
        (overdue,) = await incident.events(StepTimedOut)
    assert overdue.missing == "the world is not consistent yet: consistent: 4 left"
    assert overdue.move == "proceed"
    assert len(engine.world.check.asked) in range(10, 13)


async def test_it_is_looked_at_a_last_time_before_the_window_ends(skipping: Client) -> None:
    async with running(skipping, world_with(Draining(9, 0))) as engine:
        engine.world.check.again = timedelta(days=1)
        incident = await checked(engine, within="5m")
        await incident.result()
        assert not await incident.events(StepTimedOut)
    assert len(engine.world.check.asked) == 2


async def test_a_long_window_has_an_end_of_looks(skipping: Client) -> None:
    async with running(skipping, world_with(Draining(9))) as engine:
        engine.world.check.again = timedelta(seconds=1)
        incident = await checked(engine, within="2h")
        await incident.result()
    assert len(engine.world.check.asked) in range(95, 105)


async def test_without_that_wish_one_look_decides(skipping: Client) -> None:
    world = MemoryWorld()
    world.check.passes, world.check.found = False, "12 stale"
    async with running(skipping, world) as engine:
        incident = await checked(engine)
        await incident.result()
        (failed,) = await incident.events(StepFailed)
    assert failed.error == "the world is not consistent: consistent: 12 stale"
    assert len(world.check.asked) == 1


async def test_a_world_that_cannot_be_seen_fails_the_step_and_is_no_failed_check(skipping: Client) -> None:
    world = world_with(Draining(7))
    world.check.unreachable = True
    async with running(skipping, world) as engine:
        incident = await checked(engine)
        await incident.result()
        (failed,) = await incident.events(StepFailed)
        assert await incident.events(CheckRun) == []
    assert "check memory did not answer" in failed.error


async def test_a_person_who_skips_ends_the_waiting(waiting: Client) -> None:
    async with running(waiting, world_with(Draining(7))) as engine:
        incident = await checked(engine, within="1h")
        await incident.until(lambda view: any(isinstance(e, CheckRun) for e in view.timeline))
        await incident.act("alice", Action.SKIP, reason="the queue is another team's")
        await incident.result()
    assert len(engine.world.check.asked) == 1


async def test_a_hold_stops_a_check_that_is_under_way(waiting: Client) -> None:
    async with running(waiting) as engine:
        engine.world.check.pause()
        incident = await checked(engine, within="1h")
        await engine.world.check.reached(1)
        await incident.act("alice", Action.HOLD, reason="wait for the team")
        await incident.until(lambda view: view.held)
        engine.world.check.go_on()
        await incident.act("alice", Action.RESUME)
        await incident.result()
        assert await runs(incident) == [(True, "as it should be", False)]


async def test_a_check_knows_its_baseline_its_incident_and_the_key_of_its_attempt(skipping: Client) -> None:
    world = MemoryWorld()
    world.check.passes = False
    async with running(skipping, world) as engine:
        incident = await checked(engine, on_failure="retry", on_timeout="abort")
        await incident.asked(Action.RETRY)
        await incident.end()
        summary = (await incident.view()).summary
    keys = [asked.key.removeprefix(f"{summary.incident}@{summary.run}/") for asked in world.check.asked]
    assert keys == [f"check/{attempt}/consistent" for attempt in (1, 2, 3, 4)]
    assert {asked.baseline for asked in world.check.asked} == {""}
    assert {asked.incident for asked in world.check.asked} == {summary.incident}


async def test_the_ids_that_the_candidate_produced_are_evidence_on_the_timeline_and_in_the_postmortem(
    skipping: Client,
) -> None:
    world = MemoryWorld()
    world.check.outputs = tuple(f"o-{number:03}" for number in range(130))
    async with running(skipping, world) as engine:
        incident = await checked(engine)
        await incident.result()
        (event,) = await incident.events(CheckRun)
        (written,) = await incident.events(PostmortemWritten)
    assert event.evidence
    assert (event.evidence.count, len(event.evidence.ids)) == (130, 100)
    assert event.line.endswith(f"; evidence: 130 ids, {event.evidence.digest}")
    texts = {name: text for (_, name), text in world.store.documents.items()}
    postmortem = next(text for name, text in texts.items() if name.startswith("postmortem"))
    assert written.location.endswith(next(name for name in texts if name.startswith("postmortem")))
    assert f"`{event.evidence.digest}`" in postmortem
    assert "o-000, o-001" in postmortem
    assert "and 30 more" in postmortem
    assert event.evidence.location in postmortem
