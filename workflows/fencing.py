"""One incident at a time changes a target: leases, taken before a walk and given back at the end.

A lease never outlives its incident: who finds a target leased asks the other one whether it still runs.
"""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

from activities.leasing import LeaseActivities
from backout.exposure import StagedPlan
from backout.leasing import Leased, LeaveLeases, TakeLeases
from backout.naming import called
from backout.timeline_fencing import TargetsTakenOver
from backout.view import is_rollout
from workflows import giving_way, options
from workflows.achieved import Stopped
from workflows.desk import Desk
from workflows.doing import do
from workflows.failures import reason

TAKES_LEASES = "a-walk-takes-the-leases-of-its-targets"
"""Two incidents on one target once both changed it."""
STILL_THERE = "still_there"
"""The message that asks an incident whether it runs: it does nothing, and only who runs can take it."""
MOST_HOLDERS = 20
"""So many other incidents are looked at in one go."""


async def alone(desk: Desk, plan: StagedPlan, *, again: str = "resume") -> Stopped | None:
    """Return None once no other incident may change the plan's targets; else say which one it waits for.

    `again` is what people do then, once that one is over.
    """
    if not workflow.patched(TAKES_LEASES):
        return None
    targets = _targets(plan)
    # Kept before they are taken: who is interrupted in between gives them back all the same.
    desk.case.leased = tuple(sorted({*desk.case.leased, *targets}))
    try:
        found = await _taken(desk, targets)
    except ActivityError as failure:
        if not desk.case.emergency:
            raise
        why = f"emergency by {desk.case.emergency}; who else has them could not be read: {reason(failure)}"
        desk.write(TargetsTakenOver(at=workflow.now(), targets=targets, holder="", why=why))
        return None
    if not found.holder:
        return None
    if desk.settling is None or desk.settling.done():
        await leave(desk)  # else they are ours until what a stage has changed is put back
    other = called(found.holder)
    return Stopped(
        why=f"{found.target} is being changed by {other}: {again} once that one is over, or take everything "
        "off at once with emergency"
    )


async def leave(desk: Desk) -> None:
    """Let other incidents change the targets again."""
    if not desk.case.leased:
        return
    desk.case.leased = ()
    request = LeaveLeases(incident=desk.opening.incident)
    try:
        await do(
            LeaseActivities.leave_leases, request, options.LEAVE_LEASES, summary="targets are given back"
        )
    except ActivityError as failure:
        # It is in nobody's way: the next one sees that this incident is over.
        workflow.logger.warning("leases were not given back: %s", reason(failure))


def _targets(plan: StagedPlan) -> tuple[str, ...]:
    """Return everything that the plan changes, in the order in which everybody takes it."""
    capacity = (plan.capacity.target,) if plan.capacity else ()
    return tuple(sorted({*(part.target for part in plan.parts), *capacity}))


async def _taken(desk: Desk, targets: tuple[str, ...]) -> Leased:
    """Take the targets, also from incidents that are over, in an emergency from any; say what came of it."""
    emergency = desk.case.emergency
    found = await _take(desk, targets)
    for _ in range(MOST_HOLDERS):
        if not found.holder:
            return found
        why = f"emergency by {emergency}" if emergency else await _hindrance_gone(desk, found.holder)
        if not why:
            return found
        holder = found.holder
        found = await _take(desk, targets, instead_of=holder)
        if found.taken_over:
            desk.write(TargetsTakenOver(at=workflow.now(), targets=found.taken_over, holder=holder, why=why))
    return found


async def _take(desk: Desk, targets: tuple[str, ...], *, instead_of: str = "") -> Leased:
    request = TakeLeases(
        targets=targets,
        service=desk.opening.service,
        incident=desk.opening.incident,
        at=workflow.now(),
        instead_of=instead_of,
    )
    at_once = options.TAKE_LEASES_AT_ONCE if desk.case.emergency else options.TAKE_LEASES
    return await do(
        LeaseActivities.take_leases, request, at_once, summary=f"one incident at a time: {', '.join(targets)}"
    )


async def _hindrance_gone(desk: Desk, holder: str) -> str:
    """Say why another case is in the way no longer; empty where it is. A rollout gives way to an incident."""
    if is_rollout(holder) and not is_rollout(desk.opening.incident):
        await giving_way.tell(desk, holder)
        return "an incident goes before a rollout"
    return "that one is over" if await is_over(holder) else ""


async def is_over(incident: str) -> bool:
    """Ask an incident whether it still runs. Whatever else keeps the question from it counts as running."""
    try:
        await workflow.get_external_workflow_handle(incident).signal(STILL_THERE)
    except ApplicationError as refused:
        return "not found" in refused.message
    return False
