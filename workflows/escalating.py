"""Page people up an escalation policy until one of them acknowledges."""

from __future__ import annotations

from datetime import datetime

from temporalio import workflow

from backout.people import Action
from backout.steps import EscalateStep
from backout.timeline import LadderEnded
from backout.view import Ask
from workflows.achieved import Achieved, Done, TimedOut
from workflows.desk import Desk
from workflows.waiting import answer


async def escalate(desk: Desk, step: EscalateStep, until: datetime) -> Achieved:
    """Page until somebody owns the incident. With automatic authority the revert does not wait for that."""
    if desk.owner():
        return Done(result=f"{desk.owner()} owns the incident")
    if desk.rule().authority == "auto":
        desk.in_background(_climb(desk, step, until))
        return Done(result="paging goes on while the revert runs: the rule has automatic authority")
    await _climb(desk, step, until)
    if not desk.owner():
        return TimedOut(missing="nobody acknowledged")
    return Done(result=f"{desk.owner()} owns the incident")


async def _climb(desk: Desk, step: EscalateStep, until: datetime) -> None:
    """Page level after level, each with its own wait, until acknowledged, out of levels, or out of time."""
    roles = desk.holders(Action.ACKNOWLEDGE)
    for number, level in enumerate(desk.playbook.escalation[step.policy], 1):
        waits_until = min(workflow.now() + level.wait, until)
        question = Ask(
            what="Do you own this incident?", actions=(Action.ACKNOWLEDGE,), roles=roles, until=waits_until
        )
        with desk.asking("acknowledge", question):
            await desk.page(level.page, desk.why_paged(), level=number)
            summary = f"waits for acknowledgement, level {number}"
            if await answer(lambda: bool(desk.owner()), until=waits_until, summary=summary):
                return
        if workflow.now() >= until:
            return
    desk.write(LadderEnded(at=workflow.now(), policy=step.policy))
