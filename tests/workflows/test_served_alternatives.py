"""Where something milder was chosen in the revert's place, the candidate still serves: nothing is asked."""

from __future__ import annotations

from temporalio.client import Client

from backout.timeline import StepFinished
from backout.timeline_served import ServedChecked
from tests.workflows.test_alternatives import choosing, vote
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
