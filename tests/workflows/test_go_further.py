"""A verification has its own outcomes: no proof is silence, a breach a failure, and either may go further."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from temporalio.client import Client

from backout.people import Action
from backout.timeline import SignalsJudged, StepFailed, StepStarted, StepTimedOut
from backout.timeline_decisions import ApprovalAsked
from backout.timeline_exposure import ExposureSet
from backout.timeline_plans import PlanChosen
from backout.view import IncidentOutcome, IncidentView, Phase
from tests.workflows.engine import Engine, Incidents, alert, running
from tests.workflows.playbooks import CHECK, DETECT, POSTMORTEM, REVERT, VERIFY, playbook, rules
from tests.workflows.rolled import LOOKS
from tests.workflows.test_alternatives import choosing, vote
from tests.workflows.test_people import percents

FURTHER = {**VERIFY, "on_failure": "go_further", "on_timeout": "hold"}
HOLDS = {**REVERT, "on_recovery": "hold", "soak": "10m", "within": "8h"}
APPROVAL: dict[str, Any] = {"rules": rules("approve", approve_by=["commander"])}


async def stayed(
    engine: Engine,
    *behind: dict[str, Any],
    then: Callable[[], None] = lambda: None,
    **changes: Any,  # noqa: ANN401  # any field of a playbook
) -> Incidents:
    """Let users recover at 50 %, let a person stay there, and let the release answer badly again.

    What happens `then` has happened when the step behind the revert begins.
    """
    clock = engine.world.clock
    clock.pause()
    incident = await engine.open(
        playbook(DETECT, HOLDS, *behind, POSTMORTEM, **changes), alert("ProviderDown")
    )
    if changes:
        await incident.asked(Action.APPROVE)
        await incident.act("bob", Action.APPROVE)
    await clock.reached(1)
    engine.world.heal()
    clock.go_on(times=LOOKS)
    await incident.asked(Action.SKIP)
    clock.go_on()
    engine.world.sicken()
    then()
    await incident.act("bob", Action.SKIP, reason="well here")
    return incident


def _fails_again(before: int, view: IncidentView) -> bool:
    """Say whether it is held, and the revert or the verification failed more often than that."""
    failures = sum(isinstance(event, StepFailed) for event in view.timeline)
    return bool(view.held and view.asks) and failures > before


async def test_users_who_have_not_recovered_are_a_failure_and_no_silence(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await engine.open(playbook({**VERIFY, "on_failure": "abort"}, POSTMORTEM))
        summary = await incident.result()
        (failed,) = await incident.events(StepFailed)
    assert failed.error.startswith("users have not recovered: error_rate: ")
    assert "still above" in failed.error
    assert summary.outcome is IncidentOutcome.ABORTED


@pytest.mark.parametrize("blind", [True, False], ids=["blind", "too little sample"])
async def test_what_shows_neither_is_silence(waiting: Client, *, blind: bool) -> None:
    async with running(waiting) as engine:
        engine.world.heal()
        engine.world.source.blind = blind
        few = [
            {"id": "few", "signal": "errors", "test": {"compare": "limit", "max": "1%"}, "min_sample": 10**7}
        ]
        rule = [{"id": "critical", "when": {"any_of": ["few"]}, "authority": "auto"}]
        changes = {} if blind else {"criteria": few, "rules": rule}
        verify = {**VERIFY, "on_failure": "go_further", "on_timeout": "abort"}
        incident = await engine.open(playbook(verify, POSTMORTEM, **changes))
        await incident.result()
        (late,) = await incident.events(StepTimedOut)
        failed = await incident.events(StepFailed)
    assert late.missing == "recovery was not shown"
    assert failed == []


async def test_it_goes_on_by_the_stages_that_are_left_and_then_through_the_steps_again(
    waiting: Client,
) -> None:
    async with running(waiting) as engine:
        incident = await stayed(engine, CHECK, FURTHER)
        summary = await incident.result()
        steps = [event.step for event in await incident.events(StepStarted)]
        (failed,) = await incident.events(StepFailed)
        stages = [event.stage for event in await incident.events(ExposureSet)]
    assert percents(engine) == [50, 10, 0]
    assert stages == [50, 10, 0]
    assert failed.move == "go_further"
    assert steps == ["detect", "revert", "check", "verify", "revert", "check", "verify", "postmortem"]
    assert (summary.outcome, summary.exposure) == (IncidentOutcome.RECOVERED, 0)


async def test_the_authority_that_the_plan_has_is_enough(waiting: Client) -> None:
    async with running(waiting) as engine:
        incident = await stayed(engine, FURTHER, **APPROVAL)
        await incident.result()
        asked = await incident.events(ApprovalAsked)
    assert percents(engine) == [50, 10, 0]
    assert len(asked) == 1


async def test_where_nothing_is_left_it_escalates(waiting: Client) -> None:
    async with running(waiting) as engine:
        engine.world.source.change("bad", baseline=0.3, candidate=0.3)
        incident = await engine.open(playbook(DETECT, REVERT, FURTHER, POSTMORTEM), alert("ProviderDown"))
        view = await incident.until(lambda view: view.summary.phase is Phase.HELD and view.asks)
        await incident.end()
    assert percents(engine) == [50, 10, 0]
    assert view.held.startswith("verify failed: users have not recovered")


async def test_silence_may_go_further_too(waiting: Client) -> None:
    verify = {**VERIFY, "on_failure": "hold", "on_timeout": "go_further"}
    async with running(waiting) as engine:

        def blinded() -> None:
            engine.world.source.blind = True

        incident = await stayed(engine, verify, then=blinded)
        await incident.until(lambda _: percents(engine) == [50, 10, 0])
        engine.world.source.blind = False
        await incident.end()


async def test_a_verification_goes_further_no_more_often_than_there_are_stages(waiting: Client) -> None:
    """Whoever stays at a stage again and again is asked in the end, and not sent round for ever."""
    async with running(waiting) as engine:

        def closed() -> None:
            engine.world.target.refuses = "maintenance"

        incident = await stayed(engine, FURTHER, then=closed)
        for round_ in range(3):
            await incident.until(partial(_fails_again, 2 * round_))
            await incident.act("bob", Action.SKIP, reason="it cannot be changed now")
        view = await incident.until(lambda view: view.step == "verify" and view.held and view.asks)
        await incident.end()
    assert view.step == "verify"
    assert view.held.startswith("verify failed: users have not recovered")


async def test_after_an_alternative_the_revert_itself_is_next_and_no_alternative_is_offered(
    waiting: Client,
) -> None:
    async with choosing(waiting) as world:
        incident = await world.open(FURTHER)
        await vote(incident, "bob", "strict")
        view = await incident.until(
            lambda view: any(isinstance(e, StepFailed) for e in view.timeline) and view.asks
        )
        assert [ask.headline.partition(":")[0] for ask in view.asks] == ["Revert r2 on exposure"]
        assert world.changed == {"exposure": [], "guardrail": [0], "tools": []}
        await incident.act("bob", Action.APPROVE)
        summary = await incident.result()
        chosen = await incident.events(PlanChosen)
        judged = [event.sense for event in await incident.events(SignalsJudged)]
    assert world.changed == {"exposure": [50, 10, 0], "guardrail": [0], "tools": []}
    assert [event.chosen for event in chosen] == ["strict"]
    assert judged[-1] == "recovery"
    assert summary.outcome is IncidentOutcome.RECOVERED
