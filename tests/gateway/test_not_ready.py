"""An act and an alert in the moment in which an incident goes on in a fresh history: the act is done."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import ClassVar, TypeVar

import pytest
from temporalio import workflow
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Worker

from gateway.incidents import Incidents
from tests.gateway.running import eventually
from tests.gateway.world import an_act, an_alert, an_opening
from workflows.incident import TASK_QUEUE

Answer = TypeVar("Answer")


@workflow.defn(name="Incident", sandboxed=False)
class GoingOn:
    """It goes on in a fresh history with the first act, and says when it is about to."""

    is_about_to: ClassVar = threading.Event()
    may: ClassVar = threading.Event()

    def __init__(self) -> None:
        self._goes_on = False

    @workflow.run
    async def run(self, opening: dict[str, object]) -> None:
        """Wait for the act, and go on."""
        await workflow.wait_condition(lambda: self._goes_on and workflow.all_handlers_finished())
        workflow.continue_as_new(opening)

    @workflow.signal
    async def alert(self, _: dict[str, object]) -> None:
        """Be told of an alert."""

    @workflow.update
    async def act(self, _: dict[str, object]) -> dict[str, str]:
        """Stop in the midst of the task, so that something can come in meanwhile."""
        GoingOn.is_about_to.set()
        GoingOn.may.wait()
        self._goes_on = True
        return {"text": "taken"}


@pytest.fixture
async def incidents(client: Client) -> Incidents:
    """Return the incidents, of which one is open."""
    GoingOn.is_about_to.clear()
    GoingOn.may.clear()
    incidents = Incidents(client=client)
    await incidents.open(opening=an_opening(), alert=an_alert())
    return incidents


async def in_that_moment(client: Client, act: Callable[[], Awaitable[Answer]]) -> Answer:
    """Let somebody act, and an alert come in while the incident is about to go on."""
    handle = client.get_workflow_handle("incident/chat/r2")

    async def is_about_to() -> bool:
        return GoingOn.is_about_to.is_set()

    async with Worker(client, task_queue=TASK_QUEUE, workflows=[GoingOn]):
        acting = asyncio.ensure_future(act())
        try:
            await eventually(is_about_to)
            await handle.signal("alert", an_alert(2))
        finally:
            GoingOn.may.set()
        return await acting


async def test_the_engine_gives_such_an_act_up(client: Client, incidents: Incidents) -> None:
    del incidents
    handle = client.get_workflow_handle("incident/chat/r2")
    with pytest.raises(RPCError, match="unexpected workflow task failure") as refused:
        await in_that_moment(client, lambda: handle.execute_update("act", {}, id="t1"))
    assert refused.value.status is RPCStatusCode.FAILED_PRECONDITION


async def test_whoever_acts_is_answered_all_the_same(client: Client, incidents: Incidents) -> None:
    receipt = await in_that_moment(
        client, lambda: incidents.act(incident="incident/chat/r2", act=an_act("t1"))
    )
    assert receipt.text == "taken"
