"""The incidents, as the doors and the command line see them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

from opentelemetry import trace
from temporalio.client import (
    Client,
    WorkflowHandle,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from backout import details
from backout.addressing import ListedIncident, find, full_id
from backout.alerts import Alert
from backout.case import OpenIncident
from backout.errors import (
    BackoutError,
    IncidentOver,
    IncidentUnknown,
)
from backout.people import Act, Receipt
from backout.view import IncidentSummary, IncidentView, is_rollout
from gateway.engine import WITHIN_S, Engine
from gateway.showing import RUNNING, listed, told_apart, whose_status
from workflows import search_attributes
from workflows.incident import TASK_QUEUE, Incident
from workflows.options import WORKFLOW_TASK

HEALTHY_S = 1.0
"""Seconds after which an engine that does not answer is called down."""
SETTLE_S, SETTLE_LOOK_S = 1.3, 0.02
"""How long an act waits at most for what is pending (a killed worker's task: 1 s); how often it looks."""
RESOLVE_AMONG = 1000
"""How many incidents a name is looked up among; the engine lists the open ones first."""

Answer = TypeVar("Answer")
Handle = WorkflowHandle[Incident, IncidentSummary]

_tracer = trace.get_tracer("backout.gateway")


class Incidents:
    """Opens, lists and shows incidents, and carries people's acts to them; each call has its own deadline."""

    def __init__(self, *, client: Client) -> None:
        """Use a client that has the pydantic data converter; it may be a lazy one."""
        self._client = client
        self._engine = Engine(client)

    async def open(self, *, opening: OpenIncident, alert: Alert, within_s: float = WITHIN_S) -> str:
        """Give an alert to the open incident on its release, or open one with it; return its id.

        Raises:
            EngineDown: the engine did not take it.
            RejectedBySystem: the engine cannot take it as it is.
        """
        async with self._engine.calling(within_s, probed=False):
            await self._start(opening, WorkflowIDConflictPolicy.USE_EXISTING, alert)
        return opening.incident

    async def begin(self, *, opening: OpenIncident, within_s: float = WITHIN_S) -> bool:
        """Begin a rollout; return False where it runs already.

        Raises:
            EngineDown: the engine did not take it.
            RejectedBySystem: the engine cannot take it as it is.
        """
        try:
            async with self._engine.calling(within_s):
                await self._start(opening, WorkflowIDConflictPolicy.FAIL)
        except WorkflowAlreadyStartedError:
            return False
        return True

    async def _start(
        self, opening: OpenIncident, conflict: WorkflowIDConflictPolicy, alert: Alert | None = None
    ) -> None:
        await self._client.start_workflow(
            Incident.run,
            opening,
            id=opening.incident,
            task_queue=TASK_QUEUE,
            task_timeout=WORKFLOW_TASK,
            id_conflict_policy=conflict,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            start_signal=Incident.alert.__name__ if alert else None,
            start_signal_args=[alert] if alert else [],
            search_attributes=search_attributes.of_incident(opening),
            static_summary=details.summary(opening),
            static_details=details.about(opening),
        )

    async def tell(self, *, incident: str, alert: Alert, within_s: float = WITHIN_S) -> bool:
        """Give an alert to an incident only if it is open; return whether it was.

        Raises:
            EngineDown: the engine did not answer.
            Unanswered: the engine's answer was late.
        """
        try:
            await self._ask(incident, lambda handle: handle.signal(Incident.alert, alert), within_s)
        except (IncidentUnknown, IncidentOver):
            return False
        return True

    async def act(self, *, incident: str, act: Act, run: str = "", within_s: float = WITHIN_S) -> Receipt:
        """Carry a person's act to the incident; the same id twice is one act.

        With `run`, the summary's, it is for that incident alone, and for none on the same release after it.

        Raises:
            ActionRefused: the incident refused it, with the reason.
            IncidentUnknown: there is no such incident.
            IncidentOver: it has ended.
            EngineDown: the engine did not answer; nothing was done.
            Unanswered: no answer came in time; it may still be done.
        """
        place = {"backout.incident": incident, "backout.action": act.action.value}

        async def request(handle: Handle) -> Receipt:
            await _settled(handle)
            return await handle.execute_update(Incident.act, act, id=act.id)

        with _tracer.start_as_current_span("act", attributes=place):
            return await self._ask(incident, request, within_s, run)

    async def view(self, *, incident: str, within_s: float = WITHIN_S) -> IncidentView:
        """Return everything about an incident, open or not; a worker answers.

        Raises:
            IncidentUnknown: there is no such incident.
            EngineDown: the engine did not answer.
            Unanswered: no worker answered.
        """
        return await self._ask(incident, lambda handle: handle.query(Incident.view), within_s)

    async def listing(
        self, *, limit: int, open_only: bool, within_s: float = WITHIN_S
    ) -> tuple[ListedIncident, ...]:
        """Return a line for each incident, the open ones first; no worker is needed.

        Raises:
            EngineDown: the engine did not answer.
        """
        async with self._engine.calling(within_s):
            return (await self._listed(open_only=open_only, limit=limit))[:limit]

    async def running(self, *, service: str, within_s: float = WITHIN_S) -> tuple[ListedIncident, ...]:
        """Return the incidents of a service that are open now, the newest first, each as old as it is.

        No rollout is one.

        Raises:
            EngineDown: the engine did not answer.
        """
        async with self._engine.calling(within_s):
            found = await self._running(service)
            return tuple(await asyncio.gather(*map(self._since_the_first, found)))

    async def running_ids(self, *, service: str, within_s: float = WITHIN_S) -> tuple[str, ...]:
        """Return the ids of what `running` returns: one question, however many there are.

        Raises:
            EngineDown: the engine did not answer.
        """
        async with self._engine.calling(within_s):
            return tuple(one.incident for one in await self._running(service))

    async def _running(self, service: str) -> list[ListedIncident]:
        found = await self._listed(f"{search_attributes.SERVICE.name} = '{service}'", open_only=True)
        return [one for one in found if not is_rollout(one.incident)]

    async def _listed(
        self, *conditions: str, open_only: bool, limit: int | None = None
    ) -> tuple[ListedIncident, ...]:
        """Return the engine's list, each open incident once, whichever of its histories the list shows."""
        status = whose_status(open_only=open_only, now=datetime.now(UTC))
        query = " AND ".join((f"WorkflowType = '{Incident.__name__}'", status, *conditions))
        runs = [listed(run) async for run in self._client.list_workflows(query, limit=limit)]
        lines, ended = told_apart(runs)
        now = [listed(await self._client.get_workflow_handle(one).describe()) for one in ended]
        return (*(one for one in now if one.status == RUNNING), *lines)

    async def _since_the_first(self, line: ListedIncident) -> ListedIncident:
        """Return a line with the time at which the incident opened: a long one goes on in fresh histories."""
        shown = await self._client.get_workflow_handle(line.incident, run_id=line.run).describe()
        first = shown.raw_description.workflow_execution_info.first_run_id
        if first in {"", line.run}:
            return line
        try:
            begun = await self._client.get_workflow_handle(line.incident, run_id=first).describe()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return line  # Its first history is not kept any more.
        return line.model_copy(update={"opened_at": begun.start_time})

    async def resolve(self, *, text: str, within_s: float = WITHIN_S) -> str:
        """Return the id of the incident that people mean by `chat/r2`, `r2` or the beginning of either.

        Empty text means the only open incident.

        Raises:
            IncidentUnknown: there is no such incident.
            IncidentAmbiguous: there are several.
            NoOpenIncident: the text is empty and nothing is open.
            EngineDown: the engine did not answer.
        """
        named = full_id(text)
        if named is None:
            return find(text, await self.listing(limit=RESOLVE_AMONG, open_only=False, within_s=within_s))
        if not await self._engine.knows(named, within_s):
            raise IncidentUnknown(incident=text)
        return named

    async def healthy(self, *, within_s: float = HEALTHY_S) -> bool:
        """Say whether the engine answers now."""
        try:
            async with self._engine.calling(within_s):
                return True
        except BackoutError:
            return False

    async def _ask(
        self,
        incident: str,
        request: Callable[[Handle], Awaitable[Answer]],
        within_s: float,
        run: str = "",
    ) -> Answer:
        handle: Handle = self._client.get_workflow_handle_for(
            Incident.run, incident, first_execution_run_id=run or None
        )
        absent = {"unknown": IncidentUnknown(incident=incident), "over": IncidentOver(incident=incident)}
        return await self._engine.ask(incident, lambda: request(handle), within_s, **absent)


async def _settled(handle: Handle) -> None:
    """Wait a moment while the incident has something to work off.

    An update that joins the task of a killed worker, with a timer or a result in it, is written into the
    history in an order in which the SDK (1.35) cannot replay it: the next worker would be stuck there.
    """
    for _ in range(round(SETTLE_S / SETTLE_LOOK_S)):
        if not (await handle.describe()).raw_description.HasField("pending_workflow_task"):
            return
        await asyncio.sleep(SETTLE_LOOK_S)
