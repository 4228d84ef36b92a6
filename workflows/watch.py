"""The watch of a release: it guards one release from its first exposure until it is retired.

The ticks are in an activity that goes on for a day where nothing changes; this history holds transitions.
A rule that fires, and blindness that must not go unseen, open the incident or tell it.
"""

from __future__ import annotations

import asyncio

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, FailureError, WorkflowAlreadyStartedError
from temporalio.exceptions import TimeoutError as NoAnswerInTime
from temporalio.workflow import ChildWorkflowCancellationType, ParentClosePolicy

from activities.exposure import ExposureActivities
from activities.signals import SignalActivities
from backout import details, idleness, watch_page
from backout.causes import Cause
from backout.exposure import ReadExposure
from backout.guard_release import Follow, GuardRelease, Retire
from backout.guarding import Guarded
from backout.model import format_duration
from backout.releases import WatchState, WatchView
from backout.requests import Observation, Observe
from workflows import options, search_attributes
from workflows.doing import do
from workflows.failures import reason
from workflows.incident import Incident
from workflows.left_behind import left_behind
from workflows.waiting import answer, ended, stop, unless_stopped

DIGEST = "playbook_digest"
"""The memo that says by which snapshot of the playbook the release is guarded."""
LONGEST_WHY = 500
"""Characters of a reason."""
MOST_TRANSITIONS_IN_A_HISTORY = 100
"""After so many observations the watch goes on in a fresh history."""
MOST_TRIES = 20
"""So often an incident that ends in this very moment is opened anew."""
AIMS, SPARES, TELLS_FIRST = "the watch reads the exposure first", "rules need traffic", "the open are told"
"""Names of changes, which histories keep: those that were recorded before one replay without it."""


@workflow.defn(name="ReleaseWatch")
class ReleaseWatch:
    """The guard of one release."""

    @workflow.init
    def __init__(self, guard: GuardRelease) -> None:
        """Keep the state: messages may come before `run`."""
        self._guard = guard
        self._guarded = guard.carried or Guarded(since=workflow.now())
        self._change: Follow | None = None
        self._seen: Observation | None = None
        self._observations = 0
        self._aims = False
        self._state: WatchState = self._guarded.state(guard.playbook.rearm)
        self._show()

    @workflow.run
    async def run(self, guard: GuardRelease) -> WatchView:  # noqa: ARG002  # `__init__` has it
        """Observe again and again until the release is retired."""
        self._aims = workflow.patched(AIMS)
        if self._aims and self._guard.carried is None:
            await unless_stopped(asyncio.create_task(self._is_unexposed()))
            self._show()
        while not self._guarded.retired:
            self._carry_over_if_long()
            # A cancel in Temporal is no retirement: an operator of the engine does not end the guard unseen.
            await unless_stopped(asyncio.create_task(self._observe()))
            self._observations += 1
        self._show()
        # Who retires it is answered first: an update in the very task that ends a workflow may be lost.
        await workflow.sleep(options.GATHER, summary="answers who retired the release")
        return self._guard.view(self._guarded)

    async def _observe(self) -> None:
        """Observe until something changes, and do what follows from it."""
        self._follow()
        request = self._guard.observe(self._guarded)
        looking = asyncio.create_task(self._look(request))
        until = workflow.now() + request.lasting + 2 * options.WATCH_GRACE
        await answer(lambda: looking.done() or self._is_told(), until=until, summary="the observation's end")
        if looking.done():
            await self._result(looking)
        else:
            stop(looking)
            if not self._guarded.retired:  # nobody waits for what a retired release's watch has seen
                await ended(looking)
        seen, self._seen = self._seen, None
        if seen is not None:
            await self._call(seen)
        self._show()

    async def _result(self, looking: asyncio.Task[None]) -> None:
        try:
            await looking
        except ActivityError as failure:
            await self._failed(failure)

    async def _look(self, request: Observe) -> None:
        """Observe once. Where it is cancelled, it hands over how far it came; what died left that behind."""
        try:
            seen = await do(
                SignalActivities.observe,
                request,
                options.observe_release(request.lasting, request.tick),
                summary=f"watch the release, {format_duration(request.lasting)} at most",
            )
        except (asyncio.CancelledError, ActivityError) as failure:
            self._guarded = self._guarded.resuming(left_behind(failure))
            raise
        self._guarded = self._guarded.heard(seen, now=workflow.now())
        self._seen = seen

    async def _failed(self, failure: ActivityError) -> None:
        """Go on where a watch without workers stood; of one that cannot observe at all, say so and wait."""
        if isinstance(failure.cause, NoAnswerInTime):
            return
        why, playbook = reason(failure), self._guard.playbook
        self._guarded = self._guarded.blinded(why, playbook, now=workflow.now())
        await self._call(Observation(evaluation=self._guarded.blind(why, playbook), ticks=0))
        self._show()
        until = workflow.now() + options.pause_without_sight(self._guarded.troubles)
        await answer(self._is_told, until=until, summary="nothing can be observed; trying again")

    def _is_told(self) -> bool:
        """Say whether somebody wants the observation to stop."""
        return bool(self._guarded.retired) or self._change is not None

    async def _call(self, seen: Observation) -> None:
        """Call people, by the incident, for what they were not called for yet.

        A source that is blind, and a rule that fired on what others do too, call nobody for a release without
        traffic, until it has traffic again.
        """
        causes = self._guarded.causes(seen, now=workflow.now())
        idle = self._idle(seen, causes)
        unexposed = self._needs_traffic(seen, idle) and await self._is_unexposed()
        if unexposed:
            causes = tuple(cause for cause in causes if cause not in idle)
        if not causes or await self._open_or_tell(self._guarded.evidence(seen), causes):
            after = self._guarded.calling(causes, seen.evaluation)
        else:
            after = self._guarded.owing(causes, seen)
        self._guarded = (
            after.sparing(idle, self._guard.playbook.rearm) if unexposed else after.exposed(causes)
        )

    def _idle(self, seen: Observation, causes: tuple[Cause, ...]) -> tuple[Cause, ...]:
        idle = idleness.idle(causes, seen, self._guard.playbook.guard)
        spares = not any(cause.rule for cause in idle) or workflow.patched(SPARES)
        return idle if spares else tuple(cause for cause in idle if not cause.rule)

    def _needs_traffic(self, seen: Observation, idle: tuple[Cause, ...]) -> bool:
        """Say whether it matters if the release has traffic, and its own signals do not tell so."""
        spared, guard = self._guarded.spared, self._guard.playbook.guard
        if not (idle or spared or self._guarded.unread):
            return False
        return not idleness.tells_of_traffic(spared, seen, guard)

    async def _is_unexposed(self) -> bool:
        """Say whether the release has no traffic at all; what cannot be read is taken for traffic."""
        if self._guard.target is None:
            return False
        place = self._guard.place
        try:
            exposure = await do(
                ExposureActivities.read_exposure,
                ReadExposure(target=self._guard.target, service=place.service, release=place.release),
                options.READ_EXPOSURE,
                summary="is the release exposed?",
            )
        except ActivityError as failure:
            workflow.logger.warning("the exposure cannot be read: %s", reason(failure))
            self._tell_unread(reason(failure))
            return False
        self._tell_unread("")
        return exposure.percent == 0

    def _tell_unread(self, why: str) -> None:
        if self._aims:
            self._guarded = self._guarded.model_copy(update={"unread": why})

    async def _open_or_tell(self, seen: Observation, causes: tuple[Cause, ...]) -> bool:
        """Open the incident, or tell it where it is open already; say whether one of the two went well."""
        # A child that cannot start is a failure in Temporal's UI, although nothing is wrong.
        tells_first = bool(self._guarded.incident) and workflow.patched(TELLS_FIRST)
        for _ in range(MOST_TRIES):
            is_told = tells_first and await self._told(causes)
            if is_told or await self._opened(seen) or await self._told(causes):
                self._guarded = self._guarded.model_copy(update={"incident": self._guard.incident})
                return True
            await workflow.sleep(options.BETWEEN_INCIDENTS, summary="the incident ends in this moment")
        workflow.logger.warning("incident %s is open, and takes no more alerts", self._guard.incident)
        return False

    async def _opened(self, seen: Observation) -> bool:
        """Open the incident; say whether it was not open before."""
        opening = self._guard.opening(seen)
        try:
            _ = await workflow.start_child_workflow(
                Incident.run,
                opening,
                id=opening.incident,
                task_timeout=options.WORKFLOW_TASK,
                parent_close_policy=ParentClosePolicy.ABANDON,
                cancellation_type=ChildWorkflowCancellationType.ABANDON,
                search_attributes=search_attributes.of_incident(opening),
                static_summary=details.summary(opening),
                static_details=details.about(opening),
            )
        except WorkflowAlreadyStartedError:
            return False
        return True

    async def _told(self, causes: tuple[Cause, ...]) -> bool:
        """Tell the open incident; say whether it still was."""
        incident: workflow.ExternalWorkflowHandle[Incident] = workflow.get_external_workflow_handle_for(
            Incident.run, self._guard.incident
        )
        try:
            for cause in causes:
                await incident.signal(Incident.alert, self._guard.alert(cause))
        except FailureError as failure:
            workflow.logger.info("incident %s is not open any more: %s", incident.id, reason(failure))
            return False
        return True

    def _follow(self) -> None:
        """Go on by another playbook, where there is one."""
        if self._change is not None:
            self._guard, self._guarded = self._guard.following(self._change, self._guarded)
            self._change = None
            workflow.upsert_memo({DIGEST: self._guard.digest})
            self._show()

    def _carry_over_if_long(self) -> None:
        """Go on in a fresh history where this one grew long. No handler awaits, so none is cut off."""
        info = workflow.info()
        if not info.is_continue_as_new_suggested() and self._observations < MOST_TRANSITIONS_IN_A_HISTORY:
            return
        self._follow()
        carried = self._guard.model_copy(update={"carried": self._guarded.fitting()})
        # Left alone, the memo would be that of the first history again.
        workflow.continue_as_new(carried, memo={DIGEST: self._guard.digest})

    def _show(self) -> None:
        """Bring what Temporal's UI and lists show up to date."""
        view = self._guard.view(self._guarded)
        workflow.set_current_details(watch_page.page(self._guard, view))
        if view.state != self._state:
            self._state = view.state
            workflow.upsert_search_attributes([search_attributes.PHASE.value_set(view.state)])

    @workflow.update
    def retire(self, retire: Retire) -> WatchView:
        """End the watch. Said again, it changes nothing."""
        self._guarded = self._guarded.retiring(retire.why)
        self._show()
        return self._guard.view(self._guarded)

    @retire.validator
    def _may_retire(self, retire: Retire) -> None:
        if not retire.why.strip():
            refuse("retiring a release needs a reason")
        if len(retire.why) > LONGEST_WHY:
            refuse(f"the reason is longer than {LONGEST_WHY} characters; say it in fewer")

    @workflow.update
    def follow(self, change: Follow) -> WatchView:
        """Go on by another snapshot of a playbook, with the evidence of what both say alike."""
        self._change = change if change.digest != self._guard.digest else None
        return self._guard.view(self._guarded)

    @follow.validator
    def _may_follow(self, change: Follow) -> None:
        service = change.playbook.release.service
        if service != self._guard.place.service:
            refuse(f"playbook {change.playbook.playbook} is for service {service}")
        if self._guarded.retired:
            refuse(f"the release is retired: {self._guarded.retired}")

    @workflow.query
    def view(self) -> WatchView:
        """Return where the watch stands, as of the last observation."""
        return self._guard.view(self._guarded)


def refuse(why: str) -> None:
    """Refuse a request with the reason."""
    raise ApplicationError(why, type="ActionRefused", non_retryable=True)
