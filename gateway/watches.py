"""The watches of releases, as the doors and the command line see them."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar, cast

from temporalio.client import Client, WorkflowExecutionDescription, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from backout import watch_page
from backout.errors import NothingWatches, WatchOver
from backout.guard_release import Follow, GuardRelease, ListedWatch, Retire, guard_release
from backout.guarding import MOST_CARRIED
from backout.playbook import Playbook
from backout.releases import ReleaseRecord, WatchView, watch_id
from backout.watch import Watch
from gateway.engine import WITHIN_S, Engine
from gateway.showing import listed_watch
from workflows import search_attributes
from workflows.incident import TASK_QUEUE
from workflows.options import WORKFLOW_TASK
from workflows.watch import DIGEST, ReleaseWatch

Answer = TypeVar("Answer")
Handle = WorkflowHandle[ReleaseWatch, WatchView]

_log = logging.getLogger(__name__)


class Watches:
    """Starts, shows and retires the watches of releases; each call has its own deadline."""

    def __init__(self, *, client: Client) -> None:
        """Use a client that has the pydantic data converter; it may be a lazy one."""
        self._client = client
        self._engine = Engine(client)

    async def start(
        self, *, record: ReleaseRecord, playbook: Playbook, digest: str, within_s: float = WITHIN_S
    ) -> bool:
        """Guard a release by a playbook; say whether nothing guarded it before.

        A watch that runs by another snapshot of a playbook goes on by this one. A retired release is not
        guarded again.

        Raises:
            EngineDown: the engine did not answer; nothing was done.
            RejectedBySystem: the engine cannot take it as it is.
            Unanswered: the running watch did not say whether it goes on by this playbook; it may still.
            ActionRefused: the running watch cannot go on by this playbook.
        """
        if record.retired_at is not None:
            return False
        guard = guard_release(record, playbook, digest)
        if await self._begins(guard, within_s):
            return True
        await self._hand_over(guard, within_s)
        return False

    async def retire(self, *, service: str, release: str, why: str, within_s: float = WITHIN_S) -> bool:
        """End the watch of a release; say whether there was one. Said again, it changes nothing.

        Raises:
            ActionRefused: the watch refused it, with the reason.
            EngineDown: the engine did not answer; nothing was done.
            Unanswered: no worker answered in time; it may still be done.
        """
        try:
            await self._ask(
                service,
                release,
                lambda handle: handle.execute_update(ReleaseWatch.retire, Retire(why=why)),
                within_s,
            )
        except (NothingWatches, WatchOver):
            return False
        return True

    async def view(self, *, service: str, release: str, within_s: float = WITHIN_S) -> WatchView:
        """Return where the watch of a release stands, running or not; a worker answers.

        Raises:
            NothingWatches: nothing has watched it.
            EngineDown: the engine did not answer.
            Unanswered: no worker answered.
        """
        return await self._ask(service, release, lambda handle: handle.query(ReleaseWatch.view), within_s)

    async def listing(self, *, limit: int, within_s: float = WITHIN_S) -> tuple[ListedWatch, ...]:
        """Return a line for each watch that runs, the newest first; no worker is needed.

        Raises:
            EngineDown: the engine did not answer.
        """
        query = f"WorkflowType = '{ReleaseWatch.__name__}' AND ExecutionStatus = 'Running'"
        async with self._engine.calling(within_s):
            return tuple([listed_watch(run) async for run in self._client.list_workflows(query, limit=limit)])

    async def _begins(self, guard: GuardRelease, within_s: float) -> bool:
        try:
            async with self._engine.calling(within_s):
                await self._client.start_workflow(
                    ReleaseWatch.run,
                    guard,
                    id=guard.watch,
                    task_queue=TASK_QUEUE,
                    task_timeout=WORKFLOW_TASK,
                    id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                    memo={DIGEST: guard.digest},
                    search_attributes=search_attributes.of_watch(guard),
                    static_summary=watch_page.summary(guard),
                    static_details=watch_page.about(guard),
                )
        except WorkflowAlreadyStartedError:
            return False
        return True

    async def _hand_over(self, guard: GuardRelease, within_s: float) -> None:
        """Let the running watch go on by another snapshot; no worker is needed where it is the same."""

        async def request(handle: Handle) -> None:
            shown = await handle.describe()
            if (before := await shown.memo_value(DIGEST, "")) != guard.digest:
                left = await self._left(shown)
                change = Follow(playbook=guard.playbook, digest=guard.digest, before=before, left=left)
                await handle.execute_update(ReleaseWatch.follow, change)

        try:
            await self._ask(guard.place.service, guard.place.release, request, within_s)
        except WatchOver:
            return  # retired in this moment: whoever asks again starts it anew

    async def _left(self, shown: WorkflowExecutionDescription) -> Watch | None:
        """Return what the running observation left in its last heartbeat, if it can be read.

        An observation that no worker has, as after a restart, can hand nothing over when it is stopped, and
        the engine forgets its heartbeat then.
        """
        for pending in shown.raw_description.pending_activities:
            if pending.HasField("heartbeat_details") and pending.heartbeat_details.ByteSize() <= MOST_CARRIED:
                try:
                    (watch,) = await self._client.data_converter.decode(
                        pending.heartbeat_details.payloads, [Watch]
                    )
                except (ValueError, RuntimeError) as error:  # a worker of another version left it
                    _log.warning("the heartbeat of %s cannot be read: %s", shown.id, error)
                    continue
                return cast("Watch", watch)
        return None

    async def _ask(
        self,
        service: str,
        release: str,
        request: Callable[[Handle], Awaitable[Answer]],
        within_s: float,
    ) -> Answer:
        watch, of = watch_id(service, release), {"service": service, "release": release}
        handle: Handle = self._client.get_workflow_handle_for(ReleaseWatch.run, watch)
        absent = {"unknown": NothingWatches(**of), "over": WatchOver(**of)}
        return await self._engine.ask(watch, lambda: request(handle), within_s, **absent)
