"""Temporal's UI shows a page for each incident: where it stands now, and whom it waits for."""

from __future__ import annotations

from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import Client

from backout.people import Action
from tests.workflows.engine import Incidents, alert, running
from tests.workflows.playbooks import DETECT, POSTMORTEM, REVERT, playbook, rules


async def page(incident: Incidents) -> str:
    """Return the page as Temporal's UI asks for it."""
    told: WorkflowMetadata = await incident.handle.query(
        "__temporal_workflow_metadata", result_type=WorkflowMetadata
    )
    return told.current_details


async def test_the_page_is_the_one_of_now_at_every_stop_and_at_the_end(waiting: Client) -> None:
    async with running(waiting) as engine:
        asking = rules("approve", approve_by=["commander"])
        incident = await engine.open(
            playbook(DETECT, REVERT, POSTMORTEM, rules=asking), alert("ProviderDown")
        )
        await incident.asked(Action.APPROVE)
        asks = await page(incident)
        await incident.act("alice", Action.ACKNOWLEDGE)
        owned = await page(incident)
        await incident.act("bob", Action.APPROVE)
        await incident.result()
        over = await page(incident)
    assert "## Waits for people" in asks
    assert "- **Owned by:** nobody yet" in asks
    assert "- **Owned by:** Alice" in owned
    assert "- **Outcome:** unverified" in over
    assert "- **Exposure:** 0 % on the candidate" in over
    assert "## Waits for people" not in over
