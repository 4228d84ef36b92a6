"""Is the baseline proven? It must have served users well, and its artifacts must be there."""

from __future__ import annotations

import asyncio
from datetime import datetime
from functools import partial

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities.baselines import BaselineActivities
from activities.checks import CheckActivities
from backout.messages import CheckResult
from backout.people import Action
from backout.playbook import Proven
from backout.proof import Doubt, Proof, ProveBaseline, question, waiver, way_out
from backout.requests import RunCheck
from backout.timeline_baseline import BaselineProven, BaselineUnproven
from backout.view import Ask
from workflows import options
from workflows.achieved import Stopped, TimedOut
from workflows.authorising import authorised, offered
from workflows.desk import Desk
from workflows.doing import do
from workflows.failures import reason
from workflows.waiting import ended, stop

KIND = "baseline"
"""The kind of the question, beside the one whether the plan may run."""


async def proven(desk: Desk, until: datetime) -> Stopped | TimedOut | None:
    """Return None where the baseline is proven, or somebody with the right overrides that it is not.

    While nobody answers it is looked at again: a baseline that is named meanwhile needs no override. An
    emergency waits for none of this; what is seen beside it is on the timeline.
    """
    wanted = desk.playbook.release.proven
    if wanted is None:
        return None
    looking = _Looking(desk, wanted)
    if desk.case.emergency:
        note = partial(looking.note, f"an emergency, by {desk.case.emergency}")
        desk.in_background(desk.once(f"{KIND}/{desk.case.reverts}", note))
        return None
    proof = await looking.proof()
    while not proof.is_proven:
        answered = await looking.asked(proof, until)
        if not isinstance(answered, Proof):
            return answered
        proof = answered
    looking.write(proof)
    return None


class _Looking:
    """Looks whether the baseline of one incident is proven, as often as need be."""

    def __init__(self, desk: Desk, wanted: Proven) -> None:
        self._desk = desk
        self._wanted = wanted
        self._step = desk.step.name
        self._key = f"{desk.key}/{desk.attempt}/baseline"
        self._looks = 0

    async def note(self, went_on: str) -> None:
        """Write down what is seen, for a revert that does not wait for it."""
        self.write(await self.proof(), went_on)

    def write(self, proof: Proof, went_on: str = "") -> None:
        """Write down what was seen."""
        now, which = workflow.now(), proof.baseline
        if proof.is_proven:
            event = BaselineProven(at=now, step=self._step, baseline=which, shown=proof.shown)
            self._desk.write(event)
            return
        self._desk.write(
            BaselineUnproven(
                at=now,
                step=self._step,
                baseline=which,
                doubts=tuple(doubt.text for doubt in proof.doubts),
                choices=() if went_on else tuple(choice.line for choice in proof.choices),
                went_on=went_on,
            )
        )

    async def asked(self, proof: Proof, until: datetime) -> Proof | Stopped | TimedOut | None:
        """Ask whether to go on all the same; return what came of it, or the proof once it is another."""
        desk, opening = self._desk, self._desk.opening
        subject = self._waiver(proof)
        if subject in desk.case.authorised:
            self.write(proof, "it was overridden before")
            return None
        self.write(proof)
        ask = Ask(
            what=question(proof, service=opening.service, candidate=opening.release),
            actions=(Action.REJECT,),
            subject=subject,
            quorum=1,
            roles=desk.playbook.holders(Action.OVERRIDE),
            until=until,
        )
        instead = way_out(proof, service=opening.service)
        if offered(desk, ask).actions == ask.actions:
            return Stopped(why=instead)
        answered = await self._answered(ask, until, instead)
        if answered is None:
            self.write(proof, "it was overridden")
        return answered

    def _waiver(self, proof: Proof) -> str:
        return waiver(proof, incident=self._desk.opening.incident, step=self._step)

    async def _answered(self, ask: Ask, until: datetime, instead: str) -> Proof | Stopped | TimedOut | None:
        other = asyncio.create_task(self._other(ask.subject))
        try:
            # Just before the step's own end, so that what is missing can be said.
            ends = until - options.SAYS_WHAT_IS_MISSING
            refusal = await authorised(self._desk, ask, ends, kind=KIND, given_up=other.done)
        except asyncio.CancelledError:
            stop(other)
            raise
        stop(other)
        await ended(other)
        match refusal:
            case None:
                return None
            case Stopped(why=why):
                return Stopped(why=f"{instead} ({why})")
            case TimedOut() if not other.cancelled():
                return other.result()
            case TimedOut():
                return TimedOut(missing=f"nobody overrode it. {instead}")

    async def _other(self, subject: str) -> Proof:
        """Look again and again, after longer and longer pauses, until the proof is another."""
        while True:
            self._looks += 1
            pause = options.before_another_look(self._looks)
            await workflow.sleep(pause, summary="before the baseline is looked at again")
            proof = await self.proof()
            if self._waiver(proof) != subject:
                return proof

    async def proof(self) -> Proof:
        """Look now. What cannot be seen is no proof."""
        opening, wanted = self._desk.opening, self._wanted
        request = ProveBaseline(
            service=opening.service,
            release=opening.release,
            baseline=opening.baseline,
            known_at=self._desk.case.opened_at,
            wanted=wanted,
            count=self._desk.playbook.release.requests,
        )
        try:
            proof = await do(
                BaselineActivities.prove_baseline,
                request,
                options.PROVE_BASELINE,
                summary="is the last known good release proven?",
            )
        except ActivityError as failure:
            why = f"nobody could say what it served: {reason(failure)}"
            doubt = Doubt(kind="unseen", text=why.removesuffix("."))
            return Proof(baseline=opening.baseline, doubts=(doubt,))
        results = [await self._check(check, proof.baseline) for check in wanted.checks if proof.baseline]
        return proof.checked(results)

    async def _check(self, check: str, baseline: str) -> CheckResult:
        key = f"{self._key}/{self._looks}/{check}"
        request = RunCheck(check=check, service=self._desk.opening.service, release=baseline, key=key)
        try:
            result = await do(
                CheckActivities.run_check, request, options.RUN_CHECK, summary=f"check {check} of {baseline}"
            )
        except ActivityError as failure:
            return CheckResult(check=check, passed=False, found=reason(failure))
        return result.model_copy(update={"check": check})
