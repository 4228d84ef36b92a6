"""Alerts that wait in the outbox, and what became of their incidents."""

from __future__ import annotations

from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
)

from backout.outbox import OutboxEntry
from tests.gateway.world import NINE, an_alert


def pending(number: int, release: str, *, playbook: str = "chat-agent", traceparent: str = "") -> OutboxEntry:
    return OutboxEntry(
        key=f"k{number}",
        received_at=NINE,
        source="alertmanager",
        alert=an_alert(number),
        playbook=playbook,
        service="chat",
        release=release,
        traceparent=traceparent,
    )


async def status_of(client: Client, incident: str) -> WorkflowExecutionStatus | None:
    return (await client.get_workflow_handle(incident).describe()).status
