"""Where something milder was chosen, or exposure came back or stayed, the candidate serves: none is asked."""

from __future__ import annotations

from temporalio.client import Client

from backout.people import Action
from backout.timeline import StepFinished
from backout.timeline_served import ServedChecked
from tests.workflows.engine import running
from tests.workflows.test_alternatives import choosing, vote
from tests.workflows.test_come_back import WHY, recovered
from tests.workflows.test_served import SERVED, probe


async def test_a_served_step_says_what_was_chosen_instead_and_asks_nobody(waiting: Client) -> None:
    async with choosing(waiting) as world:
        asked = probe(world.engine)
        incident = await world.open(SERVED)
        await vote(incident, "bob", "strict")
        await incident.result()
        finished = [one.result for one in await incident.events(StepFinished) if one.step == "served"]
        assert await incident.events(ServedChecked) == []
    assert finished == ["not asked: strict was chosen, which leaves the candidate to users"]
    assert asked.asked == []


async def test_after_exposure_came_back_nobody_asks_whether_the_baseline_alone_answers(
    waiting: Client,
) -> None:
    async with running(waiting) as engine:
        asked = probe(engine)
        incident = await recovered(engine, {**SERVED, "lag": "1m"})
        await incident.act("bob", Action.COME_BACK, **WHY)
        await incident.result()
        (done,) = [e for e in await incident.events(StepFinished) if e.step == "served"]
    assert done.result == "not asked: exposure was brought back, which leaves the candidate to users"
    assert asked.asked == []


async def test_who_stays_where_users_recovered_knows_that_the_candidate_answers(waiting: Client) -> None:
    async with running(waiting) as engine:
        asked = probe(engine)
        incident = await recovered(engine, {**SERVED, "lag": "1m"})
        await incident.act("bob", Action.SKIP, reason="well here")
        await incident.result()
        (done,) = [e for e in await incident.events(StepFinished) if e.step == "served"]
    assert done.result == "not asked: exposure was left where users recovered, so the candidate still answers"
    assert asked.asked == []
