"""Ask a quorum to authorise a plan or a notice; the approvals are bound to its digest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import datetime

from temporalio import workflow

from backout.people import Action
from backout.timeline_decisions import ApprovalAsked
from backout.view import Ask
from workflows.achieved import Stopped, TimedOut
from workflows.desk import Desk
from workflows.waiting import answer


async def authorised(
    desk: Desk,
    ask: Ask,
    until: datetime,
    *,
    kind: str = "approve",
    given_up: Callable[[], bool] = lambda: False,
) -> Stopped | TimedOut | None:
    """Return None once the quorum authorised the ask's subject; else what came instead.

    What was authorised stays so: a resumed step does not ask again for the same digest. `kind` tells the
    questions apart that wait at the same time; there is one of each kind. What is `given_up` is not asked any
    more. Where the ask itself says by when, an answer still counts later, until `until`.
    """
    case, ask = desk.case, offered(desk, ask)
    if ask.subject in case.authorised:
        return None
    _begin(desk, ask, until)
    # The question is open before the page calls people to answer it.
    with desk.asking(kind, ask):
        desk.page(ask.roles, f"approval needed from {ask.quorum}: {ask.headline}")
        await answer(
            lambda: ask.subject in case.authorised or ask.subject in case.rejections or given_up(),
            until=until,
            summary=f"waits for approval by {ask.quorum} of {', '.join(ask.roles)}",
        )
    if rejected := case.rejections.get(ask.subject):
        return Stopped(why=rejected)
    if ask.subject not in case.authorised:
        return TimedOut(missing=f"no quorum of {ask.quorum} from {' or '.join(ask.roles)}")
    return None


async def one_authorised(desk: Desk, asks: Mapping[str, Ask], until: datetime) -> str | Stopped | TimedOut:
    """Return the subject of the question that a quorum authorised first, of several by their kinds.

    They exclude each other: the others are not asked any more. Who rejects one leaves those that still wait.
    """
    case, asks = desk.case, {kind: offered(desk, ask) for kind, ask in asks.items()}
    subjects, first = [ask.subject for ask in asks.values()], next(iter(asks.values()))

    def authorised_first() -> str:
        return next((one for one in case.authorised if one in subjects), "")

    if not authorised_first():
        with ExitStack() as questions:
            for kind, ask in asks.items():
                _begin(desk, ask, until)
                questions.enter_context(desk.asking(kind, ask))
            which = ", or ".join(ask.headline for ask in asks.values())
            desk.page(first.roles, f"approval needed from {first.quorum} of one of these: {which}")
            await answer(
                lambda: bool(authorised_first()) or all(one in case.rejections for one in subjects),
                until=until,
                summary=f"waits for approval by {first.quorum} of {', '.join(first.roles)}, of one plan",
            )
    if found := authorised_first():
        return found
    if all(one in case.rejections for one in subjects):
        return Stopped(why="; ".join(case.rejections[one] for one in subjects))
    return TimedOut(missing=f"no quorum of {first.quorum} from {' or '.join(first.roles)}")


def _begin(desk: Desk, ask: Ask, until: datetime) -> None:
    """Write down that people are asked; what was rejected before is asked anew."""
    desk.case.rejections.pop(ask.subject, None)
    desk.write(
        ApprovalAsked(
            at=workflow.now(),
            what=ask.headline,
            subject=ask.subject,
            quorum=ask.quorum,
            roles=ask.roles,
            until=ask.until or until,
            roles_needed=ask.roles_needed,
            must=ask.must,
            required=ask.required,
        )
    )


def offered(desk: Desk, ask: Ask) -> Ask:
    """Return the question with the ways past its quorum that this playbook has."""
    glass = desk.playbook.break_glass.roles if desk.playbook.break_glass else ()
    ways = ((Action.OVERRIDE, desk.playbook.holders(Action.OVERRIDE)), (Action.BREAK_GLASS, glass))
    actions = (*ask.actions, *(action for action, roles in ways if roles))
    return ask.model_copy(update={"actions": actions, "glass": glass})
