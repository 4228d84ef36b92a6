"""A whole playbook, from the first alert to the postmortem."""

from __future__ import annotations

from temporalio.client import Client

from backout.view import IncidentOutcome
from tests.workflows.engine import running
from tests.workflows.playbooks import playbook


async def test_an_automatic_rule_takes_the_release_back_and_shows_that_users_recovered(
    skipping: Client,
) -> None:
    async with running(skipping) as engine:
        incident = await engine.open(playbook())
        summary = await incident.result()
        events = await incident.events()
        print("\n".join(f"{e.at:%H:%M:%S} {e.step} {e.line}" for e in events))
    assert summary.outcome is IncidentOutcome.RECOVERED
    assert [change.percent for change in engine.world.target.changes] == [50, 10, 0]
