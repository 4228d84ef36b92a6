"""The workflow engine as the gateway calls it: every call has a deadline, and its failures our words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TypeVar

from temporalio.api.errordetails.v1 import NamespaceNotFoundFailure, WorkflowNotReadyFailure
from temporalio.client import (
    Client,
    RPCTimeoutOrCancelledError,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
)
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from backout.errors import (
    ActionRefused,
    BackoutError,
    EngineDown,
    EngineNotSetUp,
    RejectedBySystem,
    Unanswered,
)

Answer = TypeVar("Answer")

READY_LOOK_S = 0.05
"""Seconds between attempts at a workflow that is not ready for a request."""
WITHIN_S = 2.5
"""Seconds that a call may take unless its caller says otherwise: Slack wants an answer within 3."""

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

_CLOSED = "aborted by closing workflow"
"""What the engine says of an update that came in the moment of the end: nothing of it was done."""


class Engine:
    """The engine behind a client, with a deadline for every call.

    Every call begins with a probe that is not retried: the client itself goes on for about 6 s while the
    engine is down. After the probe a request may be carried out even if its answer is late, which is why
    `EngineDown` (nothing was done) and `Unanswered` (it may be) are two errors.
    """

    def __init__(self, client: Client) -> None:
        """Call through this client; it may be a lazy one."""
        self.client = client
        self._connected = False

    @asynccontextmanager
    async def calling(self, within_s: float, *, probed: bool = True) -> AsyncIterator[None]:
        """Bound a call that has no effect before its answer, or one that may be made twice.

        What is made again anyway need not be probed, once the client is connected.

        Raises:
            EngineDown: the engine did not answer in time.
            RejectedBySystem: the engine cannot take it as it is.
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

    async def ask(
        self,
        workflow: str,
        request: Callable[[], Awaitable[Answer]],
        within_s: float,
        *,
        unknown: BackoutError,
        over: BackoutError,
    ) -> Answer:
        """Make a request of one workflow, and say in our words what came of it.

        The engine says 'not found' to what has ended, to what never was, and to what begins in this moment:
        what it knows after that is asked once more. A request that was not found had no effect.

        Raises:
            BackoutError: `unknown` where there never was such a workflow, `over` where it has ended.
            ActionRefused: the workflow refused it, with the reason.
            EngineDown: the engine did not answer; nothing was done.
            Unanswered: no answer came in time; it may still be done.
        """
        deadline = asyncio.get_running_loop().time() + within_s
        async with self.calling(within_s):
            pass
        for _ in range(2):
            try:
                with _in_our_words(workflow, within_s, over):
                    async with asyncio.timeout_at(deadline):
                        return await _once_ready(request)
            except RPCError as not_found:
                if not await self.knows(workflow, within_s):
                    raise unknown from not_found
        raise over

    async def knows(self, workflow: str, within_s: float) -> bool:
        """Say whether there is such a workflow, running or not.

        Raises:
            EngineNotSetUp: there is no such namespace, or not yet.
        """
        async with self.calling(within_s):
            try:
                await self.client.get_workflow_handle(workflow).describe()
            except RPCError as error:
                # An engine that starts has no namespace for a moment.
                is_gone = _says(error, NamespaceNotFoundFailure)
                if error.status is not RPCStatusCode.NOT_FOUND or is_gone:
                    raise
                return False
            return True

    async def _probe(self) -> None:
        """See that the engine answers, without retries."""
        try:
            await self.client.service_client.check_health()
            self._connected = True
        except RuntimeError as error:
            # A lazy client whose first connection fails has no status to tell.
            raise RPCError(str(error), RPCStatusCode.UNAVAILABLE, b"") from error


async def _once_ready(request: Callable[[], Awaitable[Answer]]) -> Answer:
    """Make a request again for as long as its workflow takes none, without any effect.

    It is so for a moment where a history passes into a fresh one, or something comes in while it does.
    """
    while True:
        try:
            return await request()
        except RPCError as error:
            if not _says(error, WorkflowNotReadyFailure):
                raise
        await asyncio.sleep(READY_LOOK_S)


@contextmanager
def _in_our_words(workflow: str, within_s: float, over: BackoutError) -> Iterator[None]:
    """Say in our words what came of a request; that the engine did not find it stays as it is."""
    try:
        yield
    except (TimeoutError, RPCTimeoutOrCancelledError) as error:
        raise Unanswered(incident=workflow, seconds=within_s) from error
    except (WorkflowUpdateFailedError, WorkflowQueryFailedError) as error:
        raise _answer(error) from error
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise
        if _CLOSED in error.message:
            raise over from error
        raise _problem(error) or Unanswered(incident=workflow, seconds=within_s) from error


def _says(error: RPCError, detail: type[NamespaceNotFoundFailure | WorkflowNotReadyFailure]) -> bool:
    """Say whether the engine gives this detail with its status, which may stand for several things."""
    return any(one.Is(detail.DESCRIPTOR) for one in error.grpc_status.details)


def _problem(error: RPCError) -> BackoutError | None:
    """Return what is wrong with the request or with the set-up; None where the engine is not well."""
    if error.status in _NOT_THE_REQUEST:
        return None
    # A namespace without our search attributes calls the request wrong, but no other would be right.
    if error.status in _NOT_SET_UP or "no mapping defined for search attribute" in error.message:
        return EngineNotSetUp(why=error.message)
    return RejectedBySystem(what="The workflow engine", why=error.message)


def _answer(error: WorkflowUpdateFailedError | WorkflowQueryFailedError) -> ActionRefused:
    """Return the workflow's own words, without a stack."""
    cause = error.cause if isinstance(error, WorkflowUpdateFailedError) else error
    return ActionRefused(reason=cause.message if isinstance(cause, ApplicationError) else str(cause))
