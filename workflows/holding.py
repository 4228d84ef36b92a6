"""Hold: nothing moves until a person with the right decides; pages go out again and again meanwhile."""

from __future__ import annotations

from temporalio import workflow

from backout.case import Directive
from backout.people import Action
from backout.steps import Step
from backout.timeline import Held
from backout.view import Ask, Phase
from workflows import options
from workflows.desk import Desk

DECISIONS = (Action.RESUME, Action.RETRY, Action.SKIP, Action.ABORT, Action.CLOSE)


async def obey(desk: Desk) -> Directive:
    """Do what a person said: hold first if that was it, then whatever they decide."""
    if desk.case.directive is None:
        return await hold(desk, desk.case.held, page=())
    return _taken(desk)


async def hold(desk: Desk, why: str, *, page: tuple[str, ...]) -> Directive:
    """Hold until a person decides. Silence is answered with another page, after twice the pause each time."""
    case = desk.case
    by = "a person" if case.held else "the engine"
    case.held = case.held or why
    desk.enter(Phase.HELD)
    desk.write(Held(at=workflow.now(), by=by, why=why))
    pause, pages = desk.playbook.remind, 1
    if page:
        await desk.page(page, f"held: {why}")
    while case.directive is None:
        _carry_over_if_long(desk)
        until = workflow.now() + pause
        question = Ask(
            what=f"Held: {why}. Decide how to go on",
            actions=DECISIONS,
            roles=desk.holders(*DECISIONS),
            until=until,
        )
        if not await desk.ask("decide", question, lambda: case.directive is not None, until=until):
            pause, pages = min(pause * 2, options.LONGEST_REMINDER), pages + 1
            await desk.page(everyone(desk, desk.step), f"still held: {why}", level=pages)
    return _taken(desk)


def everyone(desk: Desk, step: Step) -> tuple[str, ...]:
    """Return the step's owner and every role of the escalation policies."""
    levels = (level for policy in desk.playbook.escalation.values() for level in policy)
    return tuple(dict.fromkeys((step.owner, *(role for level in levels for role in level.page))))


def _taken(desk: Desk) -> Directive:
    directive = desk.case.directive
    assert directive is not None  # noqa: S101  # both callers saw it
    desk.case.directive = None
    desk.case.held = ""
    return directive


def _carry_over_if_long(desk: Desk) -> None:
    """Go on in a fresh history where this one grew long: a held incident may wait for weeks."""
    if workflow.info().is_continue_as_new_suggested():
        workflow.continue_as_new(desk.opening.model_copy(update={"carried": desk.case}))
