"""Ask a quorum to authorise a plan or a notice; the approvals are bound to its digest."""

from __future__ import annotations

from collections.abc import Callable
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
    case.rejections.pop(ask.subject, None)
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


def offered(desk: Desk, ask: Ask) -> Ask:
    """Return the question with the ways past its quorum that this playbook has."""
    glass = desk.playbook.break_glass.roles if desk.playbook.break_glass else ()
    ways = ((Action.OVERRIDE, desk.holders(Action.OVERRIDE)), (Action.BREAK_GLASS, glass))
    actions = (*ask.actions, *(action for action, roles in ways if roles))
    return ask.model_copy(update={"actions": actions, "glass": glass})
