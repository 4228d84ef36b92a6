"""The incident: one bad release, from alert to postmortem, as one durable workflow. Start reading here.

`run` goes through the playbook's steps. Each is performed in a race against its time window and against
people; what it came to decides what comes next, as the playbook says. A failing step never ends the incident.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Literal, assert_never

from temporalio import workflow
from temporalio.exceptions import ApplicationError, FailureError

from backout import authority, case_acts
from backout.alerts import Alert
from backout.authority import Allowed
from backout.case import Case, Directive, OpenIncident
from backout.consents import CAN_WAIT, DECISIONS
from backout.escalation import Level
from backout.people import Act, Action, Receipt
from backout.steps import Move, PostmortemStep, Step
from backout.timeline import (
    Held,
    IncidentEnded,
    IncidentOpened,
    IncidentReopened,
    SignalsJudged,
    StepFailed,
    StepFinished,
    StepStarted,
    StepTimedOut,
)
from backout.timeline_exposure import ExposureSet, StagePutBack
from backout.view import IncidentOutcome, IncidentSummary, IncidentView, Phase, is_rollout
from workflows import (
    communicating,
    consenting,
    escalating,
    fencing,
    giving_way,
    going_further,
    holding,
    options,
    reverting,
    settling,
    sighting,
    steps,
)
from workflows.achieved import Achieved, Done, Stopped, TimedOut
from workflows.desk import Desk
from workflows.failures import reason
from workflows.search_attributes import OUTCOME
from workflows.waiting import Finished, Interrupted, Overdue, answer, race, unless_stopped

TASK_QUEUE = "backout"
Ahead = Directive | Literal[Move.GO_FURTHER] | None
"""What a person or the playbook wants after a step; None where it is done."""
TELLS_ANEW = "a-reopened-incident-tells-anew"
"""An incident that began again once took what it had sent before as sent."""


@workflow.defn(name="Incident")
class Incident:
    """One incident on one release."""

    @workflow.init
    def __init__(self, opening: OpenIncident) -> None:
        """Keep the state: messages may come before `run`."""
        info = workflow.info()
        self._case = opening.carried or Case(run=info.first_execution_run_id, opened_at=workflow.now())
        self._desk = Desk(opening, self._case)
        self._rights = authority.rights(opening.playbook)
        self._retries = 0
        self._is_closing = False
        if opening.carried is None:
            self._open(opening)

    @workflow.run
    async def run(self, opening: OpenIncident) -> IncidentSummary:
        """Go through the playbook's steps, then close."""
        self._desk.publisher.begin()
        if opening.carried is None:
            self._desk.in_background(reverting.count_requests(self._desk, after=options.GATHER))
            sighting.begin(self._desk)
            giving_way.begin(self._desk)
        else:
            escalating.go_on(self._desk)
        consenting.go_on(self._desk)
        communicating.begin(self._desk)
        while True:
            await self._go_through()
            self._is_closing = True
            # A cancel in Temporal does not keep an incident from closing in order.
            closing = asyncio.create_task(self._close())
            if await unless_stopped(closing):
                return self._case.brief(opening).summary
            self._reopen()

    async def _go_through(self) -> None:
        """Take step after step. An emergency, and a verification that goes further, lead to the revert."""
        ahead = self._case.position
        while (position := self._next(ahead)) is not None:
            self._case.position = position
            ahead = await self._take(self._desk.step)
            if self._next(ahead) is None and self._case.interrupted:  # said in the last step's last moment
                directive = await self._said_last()
                ahead = self._beyond(directive) if directive is Directive.EMERGENCY else ahead

    async def _said_last(self) -> Directive:
        """Obey what was said in the last step's last moment."""
        while True:
            try:
                return await holding.obey(self._desk)
            except asyncio.CancelledError:
                self._cancelled()

    def _next(self, ahead: int) -> int | None:
        """Return the position of the next step; of the postmortem, where it is settled how the case ends."""
        for position, step in enumerate(self._desk.playbook.steps):
            if position >= ahead and (self._case.ending is None or isinstance(step, PostmortemStep)):
                return position
        return None

    def _open(self, opening: OpenIncident) -> None:
        playbook = opening.playbook
        self._desk.write(
            IncidentOpened(
                at=workflow.now(),
                playbook=playbook.playbook,
                version=playbook.version,
                digest=opening.digest,
                by_watch=opening.found is not None,
                because=opening.because,
            )
        )

    async def _close(self) -> bool:
        """Close; say whether it is closed. It is not where an alert began meanwhile that nobody looked at."""
        await settling.over(self._desk)
        # What is still owed to customers may take hours, and is no reason to keep others from the targets.
        await fencing.leave(self._desk)
        await communicating.last_words(self._desk)
        await self._desk.stop_background()
        await self._desk.settle()
        consenting.give_up(self._desk, CAN_WAIT, "the playbook is over")
        if self._case.overtaken:
            return False
        communicating.give_up(self._desk)
        self._desk.close(self._desk.final_outcome())
        self._desk.write(
            IncidentEnded(
                at=workflow.now(),
                outcome=self._case.outcome.value,
                is_rollout=is_rollout(self._desk.opening.incident),
            )
        )
        await self._desk.publisher.last_word()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return not self._case.overtaken

    def _reopen(self) -> None:
        """Begin again with the alert that came while the incident was closing."""
        self._is_closing = False
        self._case.start_over()
        self._desk.forget()
        if workflow.patched(TELLS_ANEW):
            self._desk.forget_effects()
        self._desk.enter(Phase.DETECT)
        workflow.upsert_search_attributes([OUTCOME.value_set(IncidentOutcome.OPEN.value)])
        newest = list(self._case.firing.values())[-1]
        self._desk.write(IncidentReopened(at=workflow.now(), alert=newest.name))
        self._desk.publisher.begin()
        communicating.begin(self._desk)

    async def _take(self, step: Step) -> int:
        """Take one step, again and again if need be; return where the playbook goes on."""
        attempt = self._retries = 0
        while True:
            attempt += 1
            try:
                if attempt == 1:
                    await holding.carry_over_if_long(self._desk)
                directive = await self._attempt(step, attempt)
            except asyncio.CancelledError:
                self._cancelled()
                continue
            if directive not in {Directive.RETRY, Directive.RESUME, Directive.COME_BACK}:
                return self._leave(directive)

    def _cancelled(self) -> None:
        """Take a cancel in Temporal as a hold: an operator of the engine is no person with a right here."""
        why = "somebody cancelled the workflow in Temporal"
        if self._case.held:
            self._desk.write(Held(at=workflow.now(), by="an operator", why=why))
        self._case.held = self._case.held or why

    def _leave(self, directive: Ahead) -> int:
        """Leave a step; return where the playbook goes on.

        What was said in its last moment was for this step: it is dropped. An abort and an emergency are for
        all of them.
        """
        last, self._case.directive = self._case.directive, None
        ahead = self._beyond(directive)
        if last in {Directive.ABORT, Directive.EMERGENCY}:
            ahead = self._beyond(last)
        consenting.give_up(self._desk, DECISIONS, "the step is over")
        return ahead

    def _beyond(self, directive: Ahead) -> int:
        """Return the position at which the playbook goes on, and settle how it ends where that is said."""
        case = self._case
        match directive:
            case Directive.EMERGENCY | Move.GO_FURTHER:
                case.unsettle()
                return self._desk.playbook.way_down or 0
            case Directive.ABORT:
                case.settle(IncidentOutcome.ABORTED)
            case Directive.CLOSE:
                case.settle(IncidentOutcome.CLOSED)
            case Directive.SKIP if case.recovered:
                case.stayed = True
            case _:
                pass
        # An emergency is over once its step is left, whichever way.
        case.emergency, case.recovered, case.coming_back = "", False, ""
        return case.position + 1

    async def _attempt(self, step: Step, attempt: int) -> Ahead:
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
            return await self._failed(step, reason(failure))
        match ended:
            case Finished(value=achieved):
                return await self._achieved(step, achieved)
            case Interrupted():
                return await holding.obey(self._desk)
            case Overdue():
                return await self._timed_out(step, "its time window ended")
            case _:
                assert_never(ended)

    def _begin(self, step: Step, attempt: int) -> datetime:
        until = workflow.now() + step.within
        self._case.step_until = until
        self._desk.on_silence = None
        self._desk.enter(Phase(step.step))
        self._desk.write(
            StepStarted(at=workflow.now(), kind=step.step, owner=step.owner, until=until, attempt=attempt)
        )
        return until

    async def _achieved(self, step: Step, achieved: Achieved) -> Ahead:
        match achieved:
            case Done(result=result):
                self._desk.write(StepFinished(at=workflow.now(), result=result))
                return None
            case TimedOut(missing=missing):
                return await self._timed_out(step, missing)
            case Stopped(why=why, call=call):
                return await self._hold(why, page=call or (step.owner,))
            case _:
                assert_never(achieved)

    async def _timed_out(self, step: Step, missing: str) -> Ahead:
        move = self._desk.on_silence or step.on_timeout
        self._desk.write(StepTimedOut(at=workflow.now(), move=move.value, missing=missing))
        return await self._move(step, move, f"{step.name} ran out of time: {missing}")

    async def _failed(self, step: Step, error: str) -> Ahead:
        self._desk.write(StepFailed(at=workflow.now(), move=step.on_failure.value, error=error))
        return await self._move(step, step.on_failure, f"{step.name} failed: {error}")

    async def _move(self, step: Step, move: Move, why: str) -> Ahead:
        """Do what the playbook says about silence or failure."""
        match move:
            case Move.PROCEED:
                return None
            case Move.ABORT:
                return Directive.ABORT
            case Move.RETRY if self._retries < options.MOST_RETRIES:
                self._retries += 1
                again = workflow.now() + options.pause_before_retry(self._retries)
                await answer(self._is_emergency, until=again, summary=f"before {step.name} again")
                return Directive.RETRY
            case Move.GO_FURTHER if going_further.goes_further(self._desk, step):
                return Move.GO_FURTHER
            case Move.ESCALATE | Move.GO_FURTHER:
                levels = holding.by_name(self._desk)
                return await self._hold(why, page=holding.everyone(self._desk, step), levels=levels)
            case Move.HOLD | Move.RETRY:
                return await self._hold(why, page=(step.owner,))
            case _:
                assert_never(move)

    def _is_emergency(self) -> bool:
        return self._case.directive is Directive.EMERGENCY

    async def _hold(self, why: str, *, page: tuple[str, ...], levels: tuple[Level, ...] = ()) -> Directive:
        """Hold until a person decides; the step has its own retries again after that."""
        self._retries = 0
        return await holding.hold(self._desk, why, page=page, levels=levels)

    @workflow.signal
    async def alert(self, alert: Alert) -> None:
        """Take in an alert, new or repeated."""
        self._case.take_alert(alert, now=workflow.now())
        self._desk.count("AlertReceived")
        self._desk.show()

    @workflow.signal
    async def report(self, event: ExposureSet | StagePutBack | SignalsJudged) -> None:
        """Take in what the staged revert did."""
        if not isinstance(event, SignalsJudged):
            self._desk.keep({event.target: event.after})
        self._desk.write(event)

    @workflow.signal
    async def still_there(self) -> None:
        """Take the question of another incident whether this one still runs: who runs can be told it."""

    @workflow.signal
    async def give_way(self, incident: str) -> None:
        """Hold, as an incident has begun on what this rollout changes."""
        giving_way.give_way(self._case, incident)
        self._desk.show()

    @workflow.update
    async def act(self, act: Act) -> Receipt:
        """Take in a person's act. It is written down before anything is awaited."""
        if act.id in self._case.receipts:
            return self._case.receipts[act.id]
        # The validator said yes in this very workflow task; asking again only fetches the right's name.
        decision = self._decide(act)
        right = decision.right if isinstance(decision, Allowed) else ""
        now, step = workflow.now(), self._desk.step.name
        if ask := consenting.question(self._desk, act):
            receipt = case_acts.ask_consent(self._case, act, ask, right=right, now=now, step=step)
            consenting.wait(self._desk, ask)
        else:
            asked, judgment = case_acts.asked(self._case, act), self._desk.judgment(act)
            receipt = case_acts.take_act(self._case, act, right=right, now=now, step=step, judgment=judgment)
            consenting.follow(self._desk, act, asked)
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
        opening, directive = self._desk.opening, self._case.directive
        is_closing = self._is_closing and self._case.outcome is IncidentOutcome.OPEN
        if is_closing and act.action in {Action.HOLD, Action.EMERGENCY, *DECISIONS}:
            why = "the playbook is over and the incident is closing: no step is left to"
            return authority.Refused(reason=f"{why} {act.action.value}")
        brief = self._case.brief(opening)
        if directive is not None:
            # Taken, and not yet carried out: an emergency may come before it, and so may a hold, which takes
            # it back. Only an emergency that was called a moment ago is not taken back by a hold.
            stands = directive is Directive.EMERGENCY and act.action is Action.HOLD
            if stands or act.action in DECISIONS:
                return authority.Refused(reason=f"{directive.value} was taken a moment ago; look again")
            brief = brief.model_copy(update={"held": ""})
        return authority.decide(act, brief, self._rights)

    @workflow.query
    def view(self) -> IncidentView:
        """Return everything about the incident."""
        return self._case.view(self._desk.opening)
