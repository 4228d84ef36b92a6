"""What an observation leaves with the engine, heartbeat by heartbeat."""

from __future__ import annotations

import asyncio
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHandle

from backout.requests import Observe
from backout.watch import Watch

PATIENCE_S = 40


async def left_behind(handle: WorkflowHandle[Any, Any]) -> Watch | None:
    """Return the state that the engine has from the last heartbeat."""
    for pending in (await handle.describe()).raw_description.pending_activities:
        if pending.HasField("heartbeat_details"):
            return Watch.model_validate_json(pending.heartbeat_details.payloads[0].data)
    return None


async def reached(handle: WorkflowHandle[Any, Any], ticks: int) -> Watch:
    """Wait until the engine has the evidence of so many ticks, and return it."""
    async with asyncio.timeout(PATIENCE_S):
        while not ((left := await left_behind(handle)) and left.ticks >= ticks):  # noqa: ASYNC110  # in a server
            await asyncio.sleep(0.01)
    return left


async def observations(handle: WorkflowHandle[Any, Any], number: int) -> list[Observe]:
    """Wait until it observed so often, and return what was asked each time."""
    async with asyncio.timeout(PATIENCE_S):
        while len(asked := await _observations(handle)) < number:  # noqa: ASYNC110  # it is in a server
            await asyncio.sleep(0.01)
    return asked


async def _observations(handle: WorkflowHandle[Any, Any]) -> list[Observe]:
    return [
        Observe.model_validate_json(event.activity_task_scheduled_event_attributes.input.payloads[0].data)
        async for event in handle.fetch_history_events()
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
        and event.activity_task_scheduled_event_attributes.activity_type.name == "observe"
    ]
