"""Page people up an escalation policy until one of them acknowledges."""

from __future__ import annotations

from datetime import datetime, timedelta

from temporalio import workflow

from backout.case import Ladder
from backout.escalation import Level
from backout.people import Action
from backout.steps import EscalateStep
from backout.timeline import LadderEnded
from backout.view import Ask
from workflows import options
from workflows.achieved import Achieved, Done, TimedOut
from workflows.desk import Desk
from workflows.waiting import answer


async def escalate(desk: Desk, step: EscalateStep, until: datetime) -> Achieved:
    """Page until somebody owns the incident. With automatic authority the revert does not wait for that."""
    if desk.owner():
        return Done(result=f"{desk.owner()} owns the incident")
    desk.case.ladder = Ladder(policy=step.policy, level=1, until=until)
    if desk.mandate().authority == "auto":
        desk.in_background(climb(desk, after=options.GATHER))
        return Done(result="paging goes on while the revert runs: the rule has automatic authority")
    await climb(desk)
    if not desk.owner():
        return TimedOut(missing="nobody acknowledged")
    return Done(result=f"{desk.owner()} owns the incident")


async def climb(desk: Desk, *, after: timedelta = timedelta(0)) -> None:
    """Page level after level, each with its own wait, until acknowledged, out of levels, or out of time.

    `after` lets what is more urgent begin first. The case knows where the ladder stands.
    """
    if after:
        await workflow.sleep(after, summary="before people are paged")
    while ladder := desk.case.ladder:
        levels = desk.playbook.escalation[ladder.policy].levels
        if await _answered(desk, ladder, levels[ladder.level - 1]) or workflow.now() >= ladder.until:
            desk.case.ladder = None
        elif ladder.level == len(levels):
            desk.case.ladder = None
            desk.write(LadderEnded(at=workflow.now(), policy=ladder.policy))
        else:
            desk.case.ladder = ladder.model_copy(update={"level": ladder.level + 1, "level_until": None})


async def _answered(desk: Desk, ladder: Ladder, level: Level) -> bool:
    """Page a level and wait for it; one that was paged in an earlier history is only waited for."""
    waits_until = ladder.level_until or min(workflow.now() + level.wait, ladder.until)
    question = Ask(
        what="Do you own this incident?",
        actions=(Action.ACKNOWLEDGE,),
        roles=desk.holders(Action.ACKNOWLEDGE),
        until=waits_until,
    )
    with desk.asking("acknowledge", question):
        if ladder.level_until is None:
            desk.case.ladder = ladder.model_copy(update={"level_until": waits_until})
            desk.page(level.page, desk.why_paged(), level=ladder.level)
        summary = f"waits for acknowledgement, level {ladder.level}"
        return await answer(lambda: bool(desk.owner()), until=waits_until, summary=summary)
