"""Climb an escalation policy, beside the steps: a hold does not stop it.

What ends a ladder: somebody owns the incident, its levels or its time are used up, the step that waits for it
was left, or the incident is ending.
"""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow

from backout.case import Directive
from backout.escalation import Ladder, Level
from backout.people import Action
from backout.steps import Move
from backout.timeline_paging import LadderEnded
from backout.view import Ask
from workflows import holding
from workflows.desk import Desk
from workflows.paging import Call, Page
from workflows.waiting import answer


def begin(desk: Desk, ladder: Ladder, *, after: timedelta = timedelta(0)) -> None:
    """Climb from the first level on."""
    desk.case.ladder = ladder
    go_on(desk, after=after)


def go_on(desk: Desk, *, after: timedelta = timedelta(0)) -> None:
    """Climb from where the case's ladder stands; `after` lets what is more urgent begin first."""
    desk.ladder = desk.start(_climb(desk, after))


async def _climb(desk: Desk, after: timedelta) -> None:
    """Page level after level, each with its own wait, until it is over, out of levels, or out of time."""
    if after:
        await workflow.sleep(after, summary="before people are paged")
    while ladder := desk.case.ladder:
        policy = desk.playbook.escalation[ladder.policy]
        call = await _paged(desk, ladder, policy.levels[ladder.level - 1])
        if call is None or not call.for_nobody:
            ladder = ladder.model_copy(update={"called": ladder.round})
        if _is_over(desk, ladder) or desk.case.ending is not None:
            desk.case.ladder = None
        elif workflow.now() >= ladder.until:
            _end(desk, ladder, why="its time is over")
        elif above := ladder.above(policy):
            desk.case.ladder = above
        else:
            _end(desk, ladder, why="" if ladder.called == ladder.round else "no level was for anybody")


async def _paged(desk: Desk, ladder: Ladder, level: Level) -> Call | None:
    """Page a level and wait for it; one that was paged in an earlier history is only waited for.

    Where the level is for nobody now, there is nothing to wait for.
    """
    waits_until = ladder.level_until or min(workflow.now() + level.wait, ladder.until)
    question = Ask(
        what="Do you own this incident?",
        actions=(Action.ACKNOWLEDGE,),
        roles=desk.playbook.holders(Action.ACKNOWLEDGE),
        until=waits_until,
    )
    call: Call | None = None
    with desk.asking("acknowledge", question):
        if ladder.level_until is None:
            desk.case.ladder = ladder.model_copy(update={"level_until": waits_until})
            call = desk.paging.begin(_page(desk, ladder, level))
        await answer(
            lambda: _is_over(desk, ladder) or (call is not None and call.for_nobody),
            until=waits_until,
            summary=f"waits for acknowledgement, level {ladder.level}",
        )
    return call


def _page(desk: Desk, ladder: Ladder, level: Level) -> Page:
    return Page(
        why=desk.why_paged(),
        roles=level.page if level.is_plain else (),
        levels=() if level.is_plain else (level,),
        policy=ladder.policy,
        level=ladder.level,
        round=ladder.round,
    )


def _is_over(desk: Desk, ladder: Ladder) -> bool:
    """Say whether nobody has to be called any more: somebody owns it, or the step that waits was left."""
    is_left = bool(ladder.step) and desk.step.name != ladder.step
    return bool(desk.owner()) or is_left


def _end(desk: Desk, ladder: Ladder, *, why: str) -> None:
    """End unanswered. A step that waits for the ladder says what comes next; else it is done from here."""
    desk.case.ladder = None
    move = desk.playbook.escalation[ladder.policy].unanswered
    ended = LadderEnded(at=workflow.now(), step=ladder.step, policy=ladder.policy, why=why, move=move or "")
    desk.write(ended)
    # A person who holds the incident decides, and users who recovered need nobody any more.
    if move and not ladder.step and not desk.case.interrupted and not desk.case.verified:
        _do(desk, move, f"escalation policy {ladder.policy} ended without an answer")


def _do(desk: Desk, move: Move, why: str) -> None:
    match move:
        case Move.ABORT:
            desk.case.directive = Directive.ABORT
        case Move.HOLD | Move.ESCALATE:
            desk.case.held, desk.case.held_by = why, "the escalation policy"
            if move is Move.ESCALATE:
                everyone, levels = holding.everyone(desk, desk.step), holding.by_name(desk)
                desk.page(everyone, f"held: {why}", levels=levels)
        case Move.PROCEED | Move.RETRY:
            pass
