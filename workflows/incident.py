"""The incident: one bad release, from alert to postmortem, as one durable workflow. Start reading here.

`run` goes through the playbook's steps. Each is performed in a race against its time window and against
people; what it came to decides what comes next, as the playbook says. A failing step never ends the incident.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import assert_never

from temporalio import workflow
from temporalio.exceptions import ApplicationError, FailureError

from backout import authority
from backout.alerts import Alert
from backout.authority import Allowed
from backout.case import Case, Directive, OpenIncident
from backout.people import Act, Receipt
from backout.steps import Move, PostmortemStep, Step
from backout.timeline import (
    ExposureSet,
    IncidentEnded,
    IncidentOpened,
    SignalsJudged,
    StepFailed,
    StepFinished,
    StepStarted,
    StepTimedOut,
)
from backout.view import IncidentOutcome, IncidentSummary, IncidentView, Phase
from workflows import holding, options, reverting, steps
from workflows.achieved import Achieved, Done, Stopped, TimedOut
from workflows.desk import Desk
from workflows.failures import reason
from workflows.waiting import Finished, Interrupted, Overdue, race

TASK_QUEUE = "backout"


@workflow.defn(name="Incident")
class Incident:
    """One incident on one release."""

    @workflow.init
    def __init__(self, opening: OpenIncident) -> None:
        """Keep the state: messages may come before `run`."""
        info = workflow.info()
        self._case = opening.carried or Case(run=info.first_execution_run_id, opened_at=workflow.now())
        self._desk = Desk(opening, self._case)
        if opening.carried is None:
            self._open(opening)

    @workflow.run
    async def run(self, opening: OpenIncident) -> IncidentSummary:
        """Go through the playbook's steps, then close."""
        self._desk.begin_publishing()
        if opening.carried is None:
            self._desk.in_background(reverting.count_requests(self._desk))
        for position, step in enumerate(opening.playbook.steps):
            left_out = self._case.ending is not None and not isinstance(step, PostmortemStep)
            if position < self._case.position or left_out:
                continue
            self._case.position = position
            await self._take(step)
        return await self._close(opening)

    def _open(self, opening: OpenIncident) -> None:
        playbook = opening.playbook
        self._desk.write(
            IncidentOpened(
                at=workflow.now(), playbook=playbook.playbook, version=playbook.version, digest=opening.digest
            )
        )

    async def _close(self, opening: OpenIncident) -> IncidentSummary:
        await self._desk.stop_background()
        self._desk.close(self._desk.final_outcome())
        self._desk.write(IncidentEnded(at=workflow.now(), outcome=self._case.outcome.value))
        await self._desk.last_word()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self._case.view(opening).summary

    async def _take(self, step: Step) -> None:
        """Take one step, again and again if need be, until the playbook may go on behind it."""
        attempt = 0
        while True:
            attempt += 1
            try:
                directive = await self._attempt(step, attempt)
            except asyncio.CancelledError:
                self._case.held = self._case.held or "somebody cancelled the workflow in Temporal"
                continue
            match directive:
                case Directive.RETRY | Directive.RESUME:
                    continue
                case Directive.ABORT:
                    self._case.ending = IncidentOutcome.ABORTED
                case Directive.CLOSE:
                    self._case.ending = IncidentOutcome.CLOSED
                case Directive.SKIP | None:
                    self._leave()
            return

    def _leave(self) -> None:
        """Drop what was said in the step's last moment: it was for this step. Only an abort is for all."""
        if self._case.directive is Directive.ABORT:
            self._case.ending = IncidentOutcome.ABORTED
        self._case.directive = None

    async def _attempt(self, step: Step, attempt: int) -> Directive | None:
        """Perform the step once; return what a person or the playbook wants then, None where it is done."""
        if self._case.interrupted:
            return await holding.obey(self._desk)
        until = self._begin(step, attempt)
        try:
            ended = await race(
                steps.perform(self._desk, step, until),
                until=until + steps.grace(step),
                interrupted=lambda: self._case.interrupted,
                summary=f"time window of {step.name}",
            )
        except FailureError as failure:
            return await self._failed(step, reason(failure), attempt)
        match ended:
            case Finished(value=achieved):
                return await self._achieved(step, achieved, attempt)
            case Interrupted():
                return await holding.obey(self._desk)
            case Overdue():
                return await self._timed_out(step, "its time window ended", attempt)
            case _:
                assert_never(ended)

    def _begin(self, step: Step, attempt: int) -> datetime:
        until = workflow.now() + step.within
        self._case.step_until = until
        self._desk.enter(Phase(step.step))
        self._desk.write(
            StepStarted(at=workflow.now(), kind=step.step, owner=step.owner, until=until, attempt=attempt)
        )
        return until

    async def _achieved(self, step: Step, achieved: Achieved, attempt: int) -> Directive | None:
        match achieved:
            case Done(result=result):
                self._desk.write(StepFinished(at=workflow.now(), result=result))
                return None
            case TimedOut(missing=missing):
                return await self._timed_out(step, missing, attempt)
            case Stopped(why=why):
                return await holding.hold(self._desk, why, page=(step.owner,))
            case _:
                assert_never(achieved)

    async def _timed_out(self, step: Step, missing: str, attempt: int) -> Directive | None:
        self._desk.write(StepTimedOut(at=workflow.now(), move=step.on_timeout.value, missing=missing))
        return await self._move(step, step.on_timeout, f"{step.name} ran out of time: {missing}", attempt)

    async def _failed(self, step: Step, error: str, attempt: int) -> Directive | None:
        self._desk.write(StepFailed(at=workflow.now(), move=step.on_failure.value, error=error))
        return await self._move(step, step.on_failure, f"{step.name} failed: {error}", attempt)

    async def _move(self, step: Step, move: Move, why: str, attempt: int) -> Directive | None:
        """Do what the playbook says about silence or failure."""
        match move:
            case Move.PROCEED:
                return None
            case Move.ABORT:
                return Directive.ABORT
            case Move.RETRY if attempt <= options.MOST_RETRIES:
                await workflow.sleep(options.pause_before_retry(attempt), summary=f"before {step.name} again")
                return Directive.RETRY
            case Move.ESCALATE:
                return await holding.hold(self._desk, why, page=holding.everyone(self._desk, step))
            case Move.HOLD | Move.RETRY:
                return await holding.hold(self._desk, why, page=(step.owner,))
            case _:
                assert_never(move)

    @workflow.signal
    async def alert(self, alert: Alert) -> None:
        """Take in an alert, new or repeated."""
        self._case.take_alert(alert, now=workflow.now())
        self._desk.count("AlertReceived")
        self._desk.show()

    @workflow.signal
    async def report(self, event: ExposureSet | SignalsJudged) -> None:
        """Take in what the staged revert did."""
        if isinstance(event, ExposureSet):
            self._case.exposure = event.after
        self._desk.write(event)

    @workflow.update
    async def act(self, act: Act) -> Receipt:
        """Take in a person's act. It is written down before anything is awaited."""
        if act.id in self._case.receipts:
            return self._case.receipts[act.id]
        # The validator said yes in this very workflow task; asking again only fetches the right's name.
        decision = self._decide(act)
        right = decision.right if isinstance(decision, Allowed) else ""
        receipt = self._case.take_act(act, right=right, now=workflow.now(), step=self._desk.step.name)
        self._desk.count("ActionTaken")
        self._desk.show()
        return receipt

    @act.validator
    def _may_act(self, act: Act) -> None:
        if act.id in self._case.receipts:
            return
        decision = self._decide(act)
        if not isinstance(decision, Allowed):
            raise ApplicationError(decision.reason, type="ActionRefused", non_retryable=True)

    def _decide(self, act: Act) -> authority.Allowed | authority.Refused:
        opening = self._desk.opening
        return authority.decide(act, self._case.brief(opening), opening.playbook.roles)

    @workflow.query
    def view(self) -> IncidentView:
        """Return everything about the incident."""
        return self._case.view(self._desk.opening)
