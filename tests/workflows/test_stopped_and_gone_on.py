"""Who stops and goes on at once: what was under way when it stopped says nothing of what came after it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from temporalio.client import Client
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from backout.exposure import Exposure
from backout.people import Action
from backout.timeline_exposure import ExposureSet, RevertStopped
from tests.workflows.engine import alert, running
from tests.workflows.release_sets import set_running
from tests.workflows.test_stop_now import BOOK, Hanging, how_calls_ended
from worker import sandbox
from workflows import options

LONG = timedelta(minutes=2)


class Late(Hanging):
    """Its next look says what it saw only once it is let go."""

    late: asyncio.Event | None = None
    looked = False

    async def read(self, *, service: str, release: str) -> Exposure:
        """Look at once, and say it late."""
        found = await super().read(service=service, release=release)
        if self.late and not self.looked:
            self.looked = True
            await self.late.wait()
        return found


@pytest.fixture
def long_looks(monkeypatch: pytest.MonkeyPatch) -> SandboxedWorkflowRunner:
    """Let a look last as long as a busy machine needs; the runner's workflows share the options with us."""
    monkeypatch.setattr(options, "LOOK_AFTER_A_STOP", LONG)
    monkeypatch.setattr(options, "READ_EXPOSURE", replace(options.READ_EXPOSURE, start_to_close=LONG))
    return sandbox()


async def test_a_look_at_what_was_stopped_does_not_outlive_a_resume(
    waiting: Client, long_looks: SandboxedWorkflowRunner
) -> None:
    async with running(waiting, workflow_runner=long_looks) as engine:
        engine.world.clock.pause()
        engine.targets["exposure"] = target = Late(engine.world, at=50)
        incident = await engine.open(BOOK, alert("ProviderDown"))
        await target.hangs.wait()
        target.late, target.at = asyncio.Event(), -1
        await incident.act("alice", Action.HOLD, reason="let me see")
        await incident.until(lambda _: target.looked)
        await incident.act("bob", Action.RESUME)
        await incident.until(lambda view: any(isinstance(event, ExposureSet) for event in view.timeline))
        target.late.set()
        history = await incident.handle.fetch_history()
        (look,) = [
            event.event_id
            for event in history.events
            if event.activity_task_scheduled_event_attributes.schedule_to_close_timeout.ToTimedelta()
            == options.LOOK_AFTER_A_STOP
            and event.activity_task_scheduled_event_attributes.activity_type.name == "read_exposure"
        ]
        await incident.recorded(
            lambda event: event.activity_task_completed_event_attributes.scheduled_event_id == look
        )
        view = await incident.view()
        await incident.end()
    assert view.summary.exposure == 50
    assert not any(isinstance(event, RevertStopped) for event in view.timeline)


async def test_a_hold_while_a_target_is_put_back_leaves_it_to_whoever_goes_on(waiting: Client) -> None:
    async with set_running(waiting) as engine:
        engine.engine.targets["exposure"] = target = Hanging(engine.world, at=100)
        engine.index.refuses_below = 60
        incident = await engine.revert(on_target_failure="put_back")
        await target.hangs.wait()
        await incident.act("alice", Action.HOLD, reason="let me see")
        view = await incident.until(
            lambda view: view.asks and any(isinstance(event, RevertStopped) for event in view.timeline)
        )
        ends = await how_calls_ended(engine.engine, incident.handle.id)
        target.at, engine.index.refuses_below = -1, 0
        await incident.act("bob", Action.RESUME)
        summary = await incident.result()
    (stopped,) = [event for event in view.timeline if isinstance(event, RevertStopped)]
    assert "MIXED since" in stopped.why
    assert ends == ["cancelled"]
    assert [change.percent for change in target.changes] == [50, 10, 0]
    assert set(summary.exposures.values()) == {0}
