"""A rollout: approved by people, up in stages, guarded at each; where nothing shows health it asks."""

from __future__ import annotations

import pytest
from temporalio.client import Client, WorkflowUpdateFailedError

from backout.people import Action
from backout.timeline import Held, IncidentEnded, PeoplePaged, SignalsJudged, StepTimedOut
from backout.timeline_exposure import RevertStopped
from backout.view import IncidentOutcome, Phase
from tests.workflows.engine import running
from tests.workflows.playbooks import POSTMORTEM, VERIFY, rules
from tests.workflows.rolled import (
    LOOKS,
    ROLLOUT,
    approved,
    begin,
    going_up,
    healthy,
    percents,
    stages,
)


async def test_a_healthy_release_goes_up_stage_by_stage_once_it_is_approved(waiting: Client) -> None:
    async with running(waiting, healthy()) as engine:
        rollout = await begin(engine)
        view = await rollout.asked(Action.APPROVE)
        (ask,) = [one for one in view.asks if Action.APPROVE in one.actions]
        assert ask.headline == (
            f"Roll out {engine.world.release} on exposure: 10 % -> 50 % -> 100 %, soak 10m, "
            "begun by Bob (cli): the prompt is mended"
        )
        assert percents(engine) == []
        await rollout.act("bob", Action.APPROVE)
        summary = await rollout.result()
        view = await rollout.view()
    assert (summary.outcome, summary.exposure) == (IncidentOutcome.RELEASED, 100)
    assert stages(view) == [(0, 10), (10, 50), (50, 100)]
    judged = [event for event in view.timeline if isinstance(event, SignalsJudged)]
    assert [(event.sense, event.evaluation.outcome.value) for event in judged] == [("breach", "clear")] * 3
    (ended,) = [event for event in view.timeline if isinstance(event, IncidentEnded)]
    assert ended.line == "Rollout ended: released"


async def test_people_approve_it_by_the_strictest_rule_although_nothing_fired(waiting: Client) -> None:
    book = going_up(rules=rules("approve", quorum=2))
    async with running(waiting, healthy()) as engine:
        rollout = await begin(engine, book)
        await rollout.asked(Action.APPROVE)
        await rollout.act("bob", Action.APPROVE)
        assert percents(engine) == []
        await rollout.act("carol", Action.APPROVE)
        assert (await rollout.result()).outcome is IncidentOutcome.RELEASED


async def test_who_shipped_the_release_does_not_let_it_go_up(waiting: Client) -> None:
    async with running(waiting, healthy()) as engine:
        rollout = await begin(engine, shipped_by="Bob")
        await rollout.asked(Action.APPROVE)
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await rollout.act("bob", Action.APPROVE)
        assert "shipped this release" in str(refused.value.cause)
        assert percents(engine) == []


async def test_a_rejected_rollout_changes_nothing_and_ends_as_people_say(waiting: Client) -> None:
    async with running(waiting, healthy()) as engine:
        rollout = await begin(engine)
        await rollout.asked(Action.REJECT)
        await rollout.act("bob", Action.REJECT, reason="the evaluation is old")
        view = await rollout.asked(Action.ABORT)
        assert view.held == "rejected by Bob: the evaluation is old"
        await rollout.act("bob", Action.ABORT, reason="next week")
        summary = await rollout.result()
    assert (summary.outcome, percents(engine)) == (IncidentOutcome.ABORTED, [])


async def test_silence_approves_nothing(skipping: Client) -> None:
    book = going_up({**ROLLOUT, "on_timeout": "abort"}, POSTMORTEM)
    async with running(skipping, healthy()) as engine:
        rollout = await begin(engine, book)
        summary = await rollout.result()
        (late,) = await rollout.events(StepTimedOut)
    assert (summary.outcome, percents(engine)) == (IncidentOutcome.ABORTED, [])
    assert late.missing == "no quorum of 1 from commander or product"


async def test_without_data_it_does_not_go_up_but_asks_and_resume_watches_the_stage_again(
    waiting: Client,
) -> None:
    async with running(waiting, healthy()) as engine:
        world = engine.world
        world.source.blind = True
        rollout = await approved(engine)
        view = await rollout.asked(Action.RESUME)
        assert (view.summary.phase, view.summary.exposure) == (Phase.HELD, 10)
        assert view.held.startswith(f"nothing shows that {world.release} is healthy at 10 %")
        assert percents(engine) == [10]
        world.source.blind = False
        await rollout.act("bob", Action.RESUME)
        summary = await rollout.result()
        (stopped,) = await rollout.events(RevertStopped)
        looked = await rollout.events(SignalsJudged)
    assert stopped.line.startswith("Way up stopped, exposure 10 %: nothing shows")
    assert [event.evaluation.outcome.value for event in looked] == ["inconclusive", *["clear"] * 3]
    assert (summary.outcome, percents(engine)) == (IncidentOutcome.RELEASED, [10, 50, 100])


async def test_too_few_judged_answers_are_no_health_either(waiting: Client) -> None:
    criteria = [
        {
            "id": "error_rate",
            "signal": "errors",
            "test": {"compare": "limit", "max": "1%"},
            "min_sample": 1_000_000,
        },
        {"id": "provider", "test": {"compare": "alert", "named": "ProviderDown"}},
    ]
    async with running(waiting, healthy()) as engine:
        rollout = await approved(engine, going_up(criteria=criteria))
        view = await rollout.asked(Action.RESUME)
    assert (view.summary.phase, percents(engine)) == (Phase.HELD, [10])


async def test_who_skips_an_undecided_stage_leaves_the_release_there_and_that_is_told(
    waiting: Client,
) -> None:
    async with running(waiting, healthy()) as engine:
        engine.world.source.blind = True
        rollout = await approved(engine)
        await rollout.asked(Action.SKIP)
        await rollout.act("bob", Action.SKIP, reason="stays with the sandbox")
        summary = await rollout.result()
    assert (summary.outcome, summary.exposure) == (IncidentOutcome.UNVERIFIED, 10)


async def test_a_hold_stops_it_where_it_is_and_resume_goes_on_from_there(waiting: Client) -> None:
    async with running(waiting, healthy()) as engine:
        clock = engine.world.clock
        clock.pause()
        clock.go_on(times=LOOKS)
        rollout = await approved(engine)
        await rollout.until(lambda view: view.summary.exposure == 50)
        await rollout.act("alice", Action.HOLD, reason="lunch")
        await rollout.asked(Action.RESUME)
        clock.go_on()
        await rollout.act("bob", Action.RESUME)
        summary = await rollout.result()
    assert (summary.outcome, percents(engine)) == (IncidentOutcome.RELEASED, [10, 50, 100])


async def test_somebody_else_who_moves_the_exposure_stops_it(waiting: Client) -> None:
    async with running(waiting, healthy()) as engine:
        world = engine.world
        world.clock.pause()
        rollout = await approved(engine)
        await world.clock.reached(1)
        world.target.put(service=world.service, release=world.release, percent=30)
        world.clock.go_on()
        view = await rollout.asked(Action.RESUME)
        assert view.summary.exposure == 30
        assert "moved by somebody else: it was 10 % and is 30 %" in view.held
        assert percents(engine) == [10]
        await rollout.act("bob", Action.RESUME)
        summary = await rollout.result()
    assert (summary.outcome, percents(engine)) == (IncidentOutcome.RELEASED, [10, 50, 100])


async def test_an_operator_who_cancels_the_workflow_holds_it(waiting: Client) -> None:
    async with running(waiting, healthy()) as engine:
        rollout = await begin(engine)
        await rollout.asked(Action.APPROVE)
        await rollout.handle.cancel()
        view = await rollout.asked(Action.RESUME)
        assert view.held == "somebody cancelled the workflow in Temporal"
        await rollout.act("bob", Action.RESUME)
        await rollout.asked(Action.APPROVE)
        await rollout.act("bob", Action.APPROVE)
        assert (await rollout.result()).outcome is IncidentOutcome.RELEASED


async def test_the_release_is_looked_at_once_more_when_everybody_has_it(waiting: Client) -> None:
    book = going_up(ROLLOUT, VERIFY, POSTMORTEM)
    async with running(waiting, healthy()) as engine:
        rollout = await approved(engine, book)
        summary = await rollout.result()
        looked = await rollout.events(SignalsJudged)
    assert [event.sense for event in looked] == ["breach"] * 3 + ["recovery"]
    assert summary.outcome is IncidentOutcome.RELEASED


async def test_a_release_whose_verification_shows_nothing_is_not_called_released(waiting: Client) -> None:
    book = going_up(ROLLOUT, {**VERIFY, "on_timeout": "hold"}, POSTMORTEM)
    async with running(waiting, healthy()) as engine:
        clock, source = engine.world.clock, engine.world.source
        clock.pause()
        clock.go_on(times=3 * LOOKS)
        rollout = await approved(engine, book)
        await rollout.until(lambda view: view.step == "verify")
        source.blind = True
        clock.go_on()
        await rollout.asked(Action.SKIP)
        await rollout.act("bob", Action.SKIP, reason="the source is down for the weekend")
        summary = await rollout.result()
    assert (summary.outcome, summary.exposure) == (IncidentOutcome.UNVERIFIED, 100)


async def test_its_record_and_its_messages_call_it_a_rollout(waiting: Client) -> None:
    book = going_up(ROLLOUT, {**POSTMORTEM, "template": "rollout"})
    async with running(waiting, healthy()) as engine:
        rollout = await approved(engine, book)
        await rollout.result()
        world = engine.world
        (record,) = world.store.documents.values()
        paged = await rollout.events(PeoplePaged)
        held = await rollout.events(Held)
    assert record.startswith(f"# Rollout: chat {world.release}\n")
    assert "| 10 % | 0 % | 10 % | yes |" in record
    assert "| Outcome | **released** |" in record
    titles = [message.title for message in world.channel.posted if message.title]
    assert titles
    assert all(title.startswith("ROLLOUT: chat") for title in titles)
    assert paged
    assert held == []


async def test_a_hold_during_the_first_write_says_which_way_it_went(waiting: Client) -> None:
    async with running(waiting, healthy()) as engine:
        target = engine.world.target
        target.writes.pause()
        rollout = await approved(engine)
        await target.writes.reached(1)
        await rollout.act("alice", Action.HOLD, reason="wait")
        view = await rollout.until(lambda view: any(isinstance(e, RevertStopped) for e in view.timeline))
        await rollout.end()
    (stopped,) = [event for event in view.timeline if isinstance(event, RevertStopped)]
    assert stopped.line.startswith("Way up stopped, exposure")
