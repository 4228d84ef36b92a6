"""Every wait has a deadline, every silence and every failure a named outcome with its own next step."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from backout.people import Action
from backout.timeline import (
    Held,
    MessageFailed,
    PeoplePaged,
    StepFailed,
    StepFinished,
    StepStarted,
    StepTimedOut,
)
from backout.timeline_paging import LadderEnded
from backout.view import IncidentOutcome, Phase
from tests.workflows.engine import Engine, Incidents, running
from tests.workflows.playbooks import (
    CHECK,
    DETECT,
    ESCALATE,
    MANUAL,
    NOTIFY,
    POSTMORTEM,
    REVERT,
    VERIFY,
    playbook,
    rules,
)

APPROVAL: dict[str, Any] = {"rules": rules("approve", approve_by=["commander"])}
SILENT: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "detect": ({**DETECT}, {}, "the signals said neither yes nor no"),
    "escalate": ({**ESCALATE}, {"rules": rules("ack")}, "nobody acknowledged"),
    "revert": ({**REVERT}, APPROVAL, "no quorum of 1 from commander"),
    "verify": ({**VERIFY}, {}, "recovery was not shown"),
    "notify": ({**NOTIFY, "needs_approval": True}, {}, "no quorum of 1 from commander or product"),
    "manual": ({**MANUAL}, {}, "0 of 2 items are done"),
}


async def stepped(engine: Engine, step: dict[str, Any], **changes: Any) -> Incidents:  # noqa: ANN401  # any field
    """Open an incident whose playbook is this step and the postmortem."""
    return await engine.open(playbook(step, POSTMORTEM, **changes))


@pytest.mark.parametrize("kind", SILENT)
async def test_silence_then_proceed_goes_on_and_the_timeline_says_what_is_missing(
    skipping: Client, kind: str
) -> None:
    step, changes, missing = SILENT[kind]
    async with running(skipping) as engine:
        engine.world.source.blind = True
        incident = await stepped(engine, {**step, "on_timeout": "proceed"}, **changes)
        summary = await incident.result()
        (overdue,) = await incident.events(StepTimedOut)
    assert overdue.missing in {missing, "its time window ended"}
    assert (overdue.step, overdue.move) == (kind, "proceed")
    assert summary.outcome is IncidentOutcome.UNVERIFIED


@pytest.mark.parametrize("kind", SILENT)
async def test_silence_then_abort_ends_in_a_postmortem(skipping: Client, kind: str) -> None:
    step, changes, _ = SILENT[kind]
    async with running(skipping) as engine:
        engine.world.source.blind = True
        incident = await stepped(engine, {**step, "on_timeout": "abort"}, **changes)
        summary = await incident.result()
        finished = await incident.events(StepFinished)
    assert summary.outcome is IncidentOutcome.ABORTED
    assert [event.step for event in finished] == ["postmortem"]


@pytest.mark.parametrize("move", ["hold", "escalate"])
@pytest.mark.parametrize("kind", SILENT)
async def test_silence_then_hold_or_escalate_waits_for_a_person(
    waiting: Client, kind: str, move: str
) -> None:
    step, changes, _ = SILENT[kind]
    async with running(waiting) as engine:
        engine.world.source.blind = True
        quick = {**step, "on_timeout": move, "within": "1s", "window": "1s"}
        if "window" not in step:
            del quick["window"]
        incident = await stepped(engine, quick, **changes)
        view = await incident.until(lambda view: view.summary.phase is Phase.HELD and view.asks)
        await incident.until(lambda view: any(isinstance(e, PeoplePaged) for e in view.timeline))
        await incident.act("bob", Action.SKIP, reason="we know enough")
        await incident.result()
        paged = await incident.events(PeoplePaged)
    assert view.held
    whole_ladder = {role for event in paged if event.why.startswith("held") for role in event.roles}
    assert ("commander" in whole_ladder) == (move == "escalate" or step["owner"] == "commander")


async def test_silence_then_retry_tries_three_times_more_and_then_holds(
    server: WorkflowEnvironment, waiting: Client
) -> None:
    async with running(waiting) as engine:
        engine.world.source.blind = True
        step = {**VERIFY, "on_timeout": "retry", "window": "15s", "within": "15s"}
        incident = await stepped(engine, step)
        await server.fast_forward(incident.handle, timedelta(seconds=30))
        await incident.until(lambda view: view.summary.phase is Phase.HELD)
        attempts = [event.attempt for event in await incident.events(StepStarted)]
        await incident.act("bob", Action.ABORT, reason="blind")
        await incident.result()
    assert attempts == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("move", "outcome"),
    [("proceed", IncidentOutcome.UNVERIFIED), ("abort", IncidentOutcome.ABORTED)],
    ids=["then proceed", "then abort"],
)
async def test_a_failed_check(skipping: Client, move: str, outcome: IncidentOutcome) -> None:
    async with running(skipping) as engine:
        engine.world.check.passes = False
        engine.world.check.found = "12 stale entries"
        incident = await stepped(engine, {**CHECK, "on_failure": move})
        summary = await incident.result()
        (failed,) = await incident.events(StepFailed)
    assert "not consistent: consistent: 12 stale entries" in failed.error
    assert failed.move == move
    assert summary.outcome is outcome


@pytest.mark.parametrize("move", ["hold", "escalate", "retry"])
async def test_a_failing_step_never_ends_the_incident_it_holds_and_asks(
    server: WorkflowEnvironment, waiting: Client, move: str
) -> None:
    async with running(waiting) as engine:
        engine.world.check.refuses = "no such table"
        incident = await stepped(engine, {**CHECK, "on_failure": move})
        await server.fast_forward(incident.handle, timedelta(seconds=30))
        view = await incident.asked(Action.RETRY)
        engine.world.check.refuses = ""
        await incident.act("alice", Action.RETRY)
        await incident.result()
        (held,) = await incident.events(Held)
        finished = await incident.events(StepFinished)
    assert "no such table" in held.why
    assert view.summary.outcome is IncidentOutcome.OPEN
    assert [event.step for event in finished] == ["check", "postmortem"]


async def test_a_stage_that_cannot_be_set_holds_and_goes_on_from_there(waiting: Client) -> None:
    async with running(waiting) as engine:
        engine.world.target.refuses = "wrong token"
        incident = await engine.open(playbook(DETECT, REVERT, POSTMORTEM))
        await incident.asked(Action.RESUME)
        engine.world.target.refuses = ""
        await incident.act("bob", Action.RESUME)
        await incident.result()
    assert [change.percent for change in engine.world.target.changes] == [50, 10, 0]


async def test_a_read_back_that_differs_is_no_success(waiting: Client) -> None:
    async with running(waiting) as engine:
        engine.world.target.lies = 100
        incident = await engine.open(playbook(DETECT, REVERT, POSTMORTEM))
        view = await incident.asked(Action.RESUME)
        await incident.act("bob", Action.ABORT, reason="look at the target")
        await incident.result()
    assert "was set to 50 % but reads 100 %" in view.held


async def test_an_unreachable_target_is_tried_again_and_changed_once(skipping: Client) -> None:
    async with running(skipping) as engine:
        engine.world.target.fail_times = 2
        engine.world.target.loses_answers = 1
        incident = await engine.open(playbook(DETECT, REVERT, POSTMORTEM))
        await incident.result()
    assert [change.percent for change in engine.world.target.changes] == [50, 10, 0]


async def test_the_ladder_pages_level_after_level_and_its_end_is_named(skipping: Client) -> None:
    async with running(skipping) as engine:
        incident = await stepped(engine, {**ESCALATE, "on_timeout": "proceed"}, rules=rules("ack"))
        await incident.result()
        paged = await incident.events(PeoplePaged)
        (ended,) = await incident.events(LadderEnded)
    assert [(event.level, event.roles) for event in paged] == [(1, ("on_call",)), (2, ("commander",))]
    assert round((paged[1].at - paged[0].at) / timedelta(minutes=1)) == 5
    assert ended.policy == "model"


async def test_acknowledging_stops_the_ladder(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await stepped(engine, ESCALATE, rules=rules("ack"))
        await incident.asked(Action.ACKNOWLEDGE)
        await incident.act("alice", Action.ACKNOWLEDGE)
        await incident.result()
        paged = await incident.events(PeoplePaged)
    assert [event.level for event in paged] == [1]


async def test_a_held_incident_pages_again_with_doubled_pauses(
    server: WorkflowEnvironment, waiting: Client
) -> None:
    async with running(waiting) as engine:
        engine.world.check.passes = False
        incident = await stepped(engine, CHECK)
        await incident.asked(Action.RETRY)
        for _ in range(3):
            await server.fast_forward(incident.handle, timedelta(hours=2))
        paged = await incident.events(PeoplePaged)
        await incident.act("bob", Action.ABORT, reason="enough")
        await incident.result()
    pauses = [later.at - earlier.at for earlier, later in pairwise(paged)]
    assert [round(pause / timedelta(minutes=30)) for pause in pauses] == [1, 2, 4]
    assert paged[-1].roles == ("platform", "on_call", "commander")


async def test_a_channel_that_is_down_stops_nothing_and_is_on_the_timeline(skipping: Client) -> None:
    async with running(skipping) as engine:
        engine.world.channel.unreachable = True
        incident = await stepped(engine, {**ESCALATE, "on_timeout": "proceed"}, rules=rules("ack"))
        summary = await incident.result()
        failed = await incident.events(MessageFailed)
    assert summary.outcome is IncidentOutcome.UNVERIFIED
    assert [event.audience for event in failed] == ["on_call", "commander"]
    assert "switched off" in failed[0].error


async def test_a_store_that_is_down_stops_nothing(skipping: Client) -> None:
    async with running(skipping) as engine:
        engine.world.store.unreachable = True
        incident = await engine.open(playbook(DETECT, REVERT, {**POSTMORTEM, "on_timeout": "proceed"}))
        await incident.until(lambda view: view.summary.exposure == 0)
        engine.world.store.unreachable = False
        summary = await incident.result()
    assert summary.exposure == 0


async def test_healthy_signals_stand_the_incident_down_without_touching_the_release(
    skipping: Client,
) -> None:
    async with running(skipping) as engine:
        engine.world.heal()
        incident = await engine.open(playbook())
        summary = await incident.result()
    assert summary.outcome is IncidentOutcome.FALSE_ALARM
    assert engine.world.target.changes == []
    assert summary.exposure is None


async def test_blind_signals_neither_revert_nor_stand_down(waiting: Client) -> None:
    async with running(waiting) as engine:
        engine.world.source.unreachable = True
        incident = await engine.open(playbook())
        view = await incident.asked(Action.SKIP)
        await incident.act("bob", Action.ABORT, reason="nothing to see")
        await incident.result()
    assert "neither yes nor no" in view.held
    assert engine.world.target.changes == []
