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
    if desk.case.directive is not None:
        return _taken(desk)
    if desk.case.phase is Phase.HELD:
        return await _decided(desk)  # carried over from an earlier history
    return await hold(desk, desk.case.held, page=())


async def hold(desk: Desk, why: str, *, page: tuple[str, ...]) -> Directive:
    """Hold until a person decides, and call these roles."""
    case = desk.case
    by = "a person" if case.held else "the engine"
    case.held = case.held or why
    case.reminders = 0
    desk.enter(Phase.HELD)
    desk.write(Held(at=workflow.now(), by=by, why=why))
    if page:
        desk.page(page, f"held: {why}")
    return await _decided(desk)


async def _decided(desk: Desk) -> Directive:
    """Wait for a decision. Silence is answered with another page, after twice the pause each time."""
    case = desk.case
    what = f"Held: {case.held.removesuffix('.')}. Decide how to go on"
    while case.directive is None:
        await carry_over_if_long(desk)
        until = workflow.now() + options.reminder(desk.playbook.remind, case.reminders)
        question = Ask(what=what, actions=DECISIONS, roles=desk.holders(*DECISIONS), until=until)
        if not await desk.ask("decide", question, lambda: _woken(desk), until=until):
            case.reminders += 1
            desk.page(everyone(desk, desk.step), f"still held: {case.held}", level=case.reminders + 1)
    return _taken(desk)


def _woken(desk: Desk) -> bool:
    return desk.case.directive is not None or workflow.info().is_continue_as_new_suggested()


def everyone(desk: Desk, step: Step) -> tuple[str, ...]:
    """Return the step's owner and every role of the escalation policies."""
    levels = (level for policy in desk.playbook.escalation.values() for level in policy.levels)
    return tuple(dict.fromkeys((step.owner, *(role for level in levels for role in level.page))))


def _taken(desk: Desk) -> Directive:
    directive = desk.case.directive
    assert directive is not None  # noqa: S101  # both callers saw it
    desk.case.directive = None
    desk.case.held = ""
    if directive is Directive.RETRY:
        desk.forget()
    return directive


async def carry_over_if_long(desk: Desk) -> None:
    """Go on in a fresh history where this one grew long: a held incident may wait for weeks."""
    if not workflow.info().is_continue_as_new_suggested():
        return
    await desk.settle()
    await desk.publisher.last_word()
    await desk.stop_background()
    # Who consented already to what waits has done so; every other question is asked anew.
    desk.case.asks = {kind: ask for kind, ask in desk.case.asks.items() if ask.carries_out}
    workflow.continue_as_new(desk.opening.model_copy(update={"carried": desk.case}))
