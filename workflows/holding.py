"""Hold: nothing moves until a person with the right decides; pages go out again and again meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

from temporalio import workflow

from backout.case import Directive
from backout.escalation import Level
from backout.people import Action
from backout.steps import Step
from backout.timeline import Held
from backout.view import Ask, Phase
from workflows import options
from workflows.desk import Desk

OF_A_HOLD = (Action.RESUME, Action.RETRY, Action.SKIP, Action.ABORT, Action.CLOSE)
"""What every held incident takes; where users recovered at a stage, exposure may come back too."""

CARRIES_OVER_LATER = "a-long-incident-carries-over-once-no-page-is-under-way"
"""A slow pager once held up the next step, or a person's decision, until its page was given up."""
LONGEST = 20_000
"""Events of a history at which whatever is under way is waited for; the engine ends it at 51,200."""


async def obey(desk: Desk) -> Directive:
    """Do what a person said: hold first if that was it, then whatever they decide."""
    if desk.case.directive is not None:
        return _taken(desk)
    if desk.case.phase is Phase.HELD:
        return await _decided(desk)  # carried over from an earlier history
    return await hold(desk, desk.case.held, page=())


async def hold(desk: Desk, why: str, *, page: tuple[str, ...], levels: tuple[Level, ...] = ()) -> Directive:
    """Hold until a person decides, and call these roles, and whom these levels are for now."""
    case = desk.case
    by = case.held_by or ("a person" if case.held else "the engine")
    case.held = case.held or why
    case.reminders = 0
    desk.enter(Phase.HELD)
    desk.write(Held(at=workflow.now(), by=by, why=why))
    if page:
        desk.page(page, f"held: {why}", levels=levels)
    return await _decided(desk)


async def _decided(desk: Desk) -> Directive:
    """Wait for a decision. Silence is answered with another page, after twice the pause each time."""
    case = desk.case
    what = f"Held: {case.held.removesuffix('.')}. Decide how to go on"
    actions = (*OF_A_HOLD, Action.COME_BACK) if case.recovered else OF_A_HOLD
    while case.directive is None:
        await carry_over_if_long(desk)
        until = workflow.now() + options.reminder(desk.playbook.remind, case.reminders)
        question = Ask(what=what, actions=actions, roles=desk.playbook.holders(*actions), until=until)
        if not await desk.ask("decide", question, lambda: _woken(desk), until=until):
            case.reminders += 1
            again = f"still held: {case.held}"
            desk.page(everyone(desk, desk.step), again, level=case.reminders + 1, levels=by_name(desk))
    return _taken(desk)


def _woken(desk: Desk) -> bool:
    is_long = workflow.info().is_continue_as_new_suggested()
    return desk.case.directive is not None or (is_long and not (desk.carries_over_later and desk.is_busy))


def everyone(desk: Desk, step: Step) -> tuple[str, ...]:
    """Return the step's owner and every role that the escalation policies call at any hour."""
    roles = (role for level in _levels(desk) if level.is_plain for role in level.page)
    return tuple(dict.fromkeys((step.owner, *roles)))


def by_name(desk: Desk) -> tuple[Level, ...]:
    """Return the levels of the escalation policies that call others than roles, or not at any hour."""
    return tuple(level for level in _levels(desk) if not level.is_plain)


def _levels(desk: Desk) -> Iterator[Level]:
    for policy in desk.playbook.escalation.values():
        yield from policy.levels


def _taken(desk: Desk) -> Directive:
    directive = desk.case.directive
    assert directive is not None  # noqa: S101  # both callers saw it
    desk.case.directive = None
    desk.case.held, desk.case.held_by = "", ""
    if directive is Directive.RETRY:
        desk.forget()
        if not desk.case.coming_back:
            desk.case.give_up_alternative()
    return directive


async def carry_over_if_long(desk: Desk) -> None:
    """Go on in a fresh history where this one grew long: a held incident may wait for weeks.

    A page that is under way, which may take minutes, would be lost. It is not waited for: whoever acts, and
    the next step, come first, and the history may grow a little longer.
    """
    info = workflow.info()
    if not info.is_continue_as_new_suggested():
        return
    if desk.is_busy and info.get_current_history_length() < LONGEST and workflow.patched(CARRIES_OVER_LATER):
        desk.carries_over_later = True
        return
    await desk.settle()
    await desk.publisher.last_word()
    await desk.stop_background()
    # What ran beside the steps may have begun an effect meanwhile.
    await desk.settle()
    # Who consented already to what waits has done so; every other question is asked anew.
    desk.case.asks = {kind: ask for kind, ask in desk.case.asks.items() if ask.carries_out}
    workflow.continue_as_new(desk.opening.model_copy(update={"carried": desk.case}))
