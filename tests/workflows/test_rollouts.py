"""A rollout: approved by people, up in stages, guarded at each."""

from __future__ import annotations

from temporalio.client import Client

from backout.people import Action
from backout.timeline import IncidentEnded, SignalsJudged
from backout.view import IncidentOutcome, Phase
from tests.workflows.engine import running
from tests.workflows.playbooks import POSTMORTEM
from tests.workflows.rolled import approved, begin, healthy, percents, stages


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
