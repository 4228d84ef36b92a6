"""The incidents, as the doors and the command line see them: the only Temporal client of the product."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from opentelemetry import trace
from temporalio.client import (
    Client,
    RPCTimeoutOrCancelledError,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from backout.addressing import ListedIncident, find, full_id
from backout.alerts import Alert
from backout.case import OpenIncident
from backout.errors import (
    ActionRefused,
    BackoutError,
    EngineDown,
    EngineNotSetUp,
    IncidentOver,
    IncidentUnknown,
    RejectedBySystem,
    Unanswered,
)
from backout.people import Act, Receipt
from backout.view import IncidentSummary, IncidentView
from gateway.showing import attributes_of, details_of, listed, summary_of
from workflows.incident import TASK_QUEUE, Incident
from workflows.options import WORKFLOW_TASK

WITHIN_S = 2.5
"""Seconds that a call may take unless its caller says otherwise: Slack wants an answer within 3."""
HEALTHY_S = 1.0
"""Seconds after which an engine that does not answer is called down."""
SETTLE_S, SETTLE_LOOK_S = 1.3, 0.02
"""How long an act waits at most for what is pending (a killed worker's task: 1 s); how often it looks."""
RESOLVE_AMONG = 1000
"""How many incidents a name is looked up among; the engine lists the open ones first."""

_NOT_THE_REQUEST = frozenset(
    {
        RPCStatusCode.ABORTED,
        RPCStatusCode.CANCELLED,
        RPCStatusCode.DATA_LOSS,
        RPCStatusCode.DEADLINE_EXCEEDED,
        RPCStatusCode.FAILED_PRECONDITION,  # No worker has asked for work for a while.
        RPCStatusCode.INTERNAL,
        RPCStatusCode.RESOURCE_EXHAUSTED,
        RPCStatusCode.UNAVAILABLE,
        RPCStatusCode.UNKNOWN,
    }
)
"""Statuses that say that the engine is not well, rather than that the request is wrong."""

_NOT_SET_UP = frozenset(
    {
        RPCStatusCode.NOT_FOUND,  # There is no such namespace.
        RPCStatusCode.PERMISSION_DENIED,
        RPCStatusCode.UNAUTHENTICATED,
        RPCStatusCode.UNIMPLEMENTED,
    }
)
"""Statuses that say that the engine would take no request at all."""

_tracer = trace.get_tracer("backout.gateway")


class Incidents:
    """Opens, lists and shows incidents, and carries people's acts to them.

    Every call has its own deadline, and begins with a probe that is not retried: the client itself goes on
    for about 6 s while the engine is down. After the probe a request may be carried out even if its answer
    is late, which is why `EngineDown` (nothing was done) and `Unanswered` (it may be) are two errors.
    """

    def __init__(self, *, client: Client) -> None:
        """Use a client that has the pydantic data converter; it may be a lazy one."""
        self._client = client
        self._connected = False

    async def open(self, *, opening: OpenIncident, alert: Alert, within_s: float = WITHIN_S) -> str:
        """Give an alert to the open incident on its release, or open one with it; return its id.

        Raises:
            EngineDown: the engine did not take it.
            RejectedBySystem: the engine cannot take it as it is.
        """
        async with self._calling(within_s, probed=False):
            await self._client.start_workflow(
                Incident.run,
                opening,
                id=opening.incident,
                task_queue=TASK_QUEUE,
                task_timeout=WORKFLOW_TASK,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                start_signal=Incident.alert.__name__,
                start_signal_args=[alert],
                search_attributes=attributes_of(opening),
                static_summary=summary_of(opening),
                static_details=details_of(opening),
            )
        return opening.incident

    async def tell(self, *, incident: str, alert: Alert, within_s: float = WITHIN_S) -> bool:
        """Give an alert to an incident only if it is open; return whether it was.

        Raises:
            EngineDown: the engine did not answer.
            Unanswered: the engine's answer was late.
        """
        try:
            async with self._asking(incident, within_s) as handle:
                await handle.signal(Incident.alert, alert)
        except (IncidentUnknown, IncidentOver):
            return False
        return True

    async def act(self, *, incident: str, act: Act, within_s: float = WITHIN_S) -> Receipt:
        """Carry a person's act to the incident; the same id twice is one act.

        Raises:
            ActionRefused: the incident refused it, with the reason.
            IncidentUnknown: there is no such incident.
            IncidentOver: it has ended.
            EngineDown: the engine did not answer; nothing was done.
            Unanswered: no answer came in time; it may still be done.
        """
        place = {"backout.incident": incident, "backout.action": act.action.value}
        with _tracer.start_as_current_span("act", attributes=place):
            async with self._asking(incident, within_s) as handle:
                await _settled(handle)
                return await handle.execute_update(Incident.act, act, id=act.id)

    async def view(self, *, incident: str, within_s: float = WITHIN_S) -> IncidentView:
        """Return everything about an incident, open or not; a worker answers.

        Raises:
            IncidentUnknown: there is no such incident.
            EngineDown: the engine did not answer.
            Unanswered: no worker answered.
        """
        async with self._asking(incident, within_s) as handle:
            return await handle.query(Incident.view)

    async def listing(
        self, *, limit: int, open_only: bool, within_s: float = WITHIN_S
    ) -> tuple[ListedIncident, ...]:
        """Return a line for each incident, the open ones first; no worker is needed.

        Raises:
            EngineDown: the engine did not answer.
        """
        status = "= 'Running'" if open_only else "!= 'ContinuedAsNew'"
        query = f"WorkflowType = '{Incident.__name__}' AND ExecutionStatus {status}"
        async with self._calling(within_s):
            return tuple([listed(run) async for run in self._client.list_workflows(query, limit=limit)])

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
        async with self._calling(within_s):
            if not await self._exists(named):
                raise IncidentUnknown(incident=text)
        return named

    async def healthy(self, *, within_s: float = HEALTHY_S) -> bool:
        """Say whether the engine answers now."""
        try:
            async with self._calling(within_s):
                return True
        except BackoutError:
            return False

    @asynccontextmanager
    async def _calling(self, within_s: float, *, probed: bool = True) -> AsyncIterator[None]:
        """Bound a call that has no effect before its answer, or one that may be made twice.

        What is made again anyway need not be probed, once the client is connected.
        """
        try:
            async with asyncio.timeout(within_s):
                if probed or not self._connected:
                    await self._probe()
                yield
        except TimeoutError as error:
            raise EngineDown(seconds=within_s) from error
        except RPCError as error:
            raise _problem(error) or EngineDown(seconds=within_s) from error

    @asynccontextmanager
    async def _asking(
        self, incident: str, within_s: float
    ) -> AsyncIterator[WorkflowHandle[Incident, IncidentSummary]]:
        """Bound a request to one incident, and say in our words what came of it."""
        deadline = asyncio.get_running_loop().time() + within_s
        async with self._calling(within_s):
            pass
        try:
            async with asyncio.timeout_at(deadline):
                yield self._client.get_workflow_handle_for(Incident.run, incident)
        except (TimeoutError, RPCTimeoutOrCancelledError) as error:
            raise Unanswered(incident=incident, seconds=within_s) from error
        except (WorkflowUpdateFailedError, WorkflowQueryFailedError) as error:
            raise _answer(error) from error
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                raise await self._absence(incident, within_s) from error
            raise _problem(error) or Unanswered(incident=incident, seconds=within_s) from error

    async def _probe(self) -> None:
        """See that the engine answers, without retries."""
        try:
            await self._client.service_client.check_health()
            self._connected = True
        except RuntimeError as error:
            # A lazy client whose first connection fails has no status to tell.
            raise RPCError(str(error), RPCStatusCode.UNAVAILABLE, b"") from error

    async def _absence(self, incident: str, within_s: float) -> IncidentUnknown | IncidentOver:
        """Tell an incident that has ended from one that never was: the engine says 'not found' to both."""
        async with self._calling(within_s):
            known = await self._exists(incident)
        return IncidentOver(incident=incident) if known else IncidentUnknown(incident=incident)

    async def _exists(self, incident: str) -> bool:
        try:
            await self._client.get_workflow_handle(incident).describe()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return False
        return True


async def _settled(handle: WorkflowHandle[Incident, IncidentSummary]) -> None:
    """Wait a moment while the incident has something to work off.

    An update that joins the task of a killed worker, with a timer or a result in it, is written into the
    history in an order in which the SDK (1.35) cannot replay it: the next worker would be stuck there.
    """
    for _ in range(round(SETTLE_S / SETTLE_LOOK_S)):
        if not (await handle.describe()).raw_description.HasField("pending_workflow_task"):
            return
        await asyncio.sleep(SETTLE_LOOK_S)


def _problem(error: RPCError) -> BackoutError | None:
    """Return what is wrong with the request or with the set-up; None where the engine is not well."""
    if error.status in _NOT_THE_REQUEST:
        return None
    # A namespace without our search attributes calls the request wrong, but no other would be right.
    if error.status in _NOT_SET_UP or "no mapping defined for search attribute" in error.message:
        return EngineNotSetUp(why=error.message)
    return RejectedBySystem(what="The workflow engine", why=error.message)


def _answer(error: WorkflowUpdateFailedError | WorkflowQueryFailedError) -> ActionRefused:
    """Return the incident's own words, without a stack."""
    cause = error.cause if isinstance(error, WorkflowUpdateFailedError) else error
    return ActionRefused(reason=cause.message if isinstance(cause, ApplicationError) else str(cause))
