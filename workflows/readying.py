"""Capacity first: the baseline is given what it needs and seen to be ready, before traffic comes back."""

from __future__ import annotations

from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities.checks import CheckActivities
from backout.exposure import StagedPlan
from backout.messages import CheckResult
from backout.model import format_duration
from backout.release_sets import Capacity, SetTarget
from backout.requests import RunCheck
from backout.timeline_exposure import CapacitySet, CheckRun
from workflows import options
from workflows.desk import Desk
from workflows.doing import do
from workflows.failures import reason
from workflows.setting import Change, set_part

# Where the named one is the candidate itself, there is none to go back to either.
NO_BASELINE = (
    "no last known good release is known to go back to, so nothing can be made ready for its traffic"
)


async def ready(desk: Desk, plan: StagedPlan, *, walk: str) -> str:
    """Give the baseline its capacity and see that it is ready; return why it is not, empty where it is."""
    capacity, baseline = plan.capacity, desk.baseline
    if capacity is None or plan.direction == "up":
        return ""
    if not baseline:
        return f"{NO_BASELINE}; name one with 'backout release baseline'"
    until = workflow.now() + capacity.within
    try:
        await _give(desk, plan, capacity, walk=walk, baseline=baseline)
    except ActivityError as failure:
        return f"the capacity of {baseline} could not be set: {reason(failure)}"
    missing = await _missing(desk, capacity, until, baseline=baseline)
    within = format_duration(capacity.within)
    return f"{baseline} was not ready within {within}: {missing}" if missing else ""


async def _give(desk: Desk, plan: StagedPlan, capacity: Capacity, *, walk: str, baseline: str) -> None:
    of_baseline = plan.model_copy(update={"release": baseline, "targets": (), "conversations": None})
    change = Change(percent=capacity.percent, place="capacity", direction="up")
    limits = options.shared(options.SET_EXPOSURE, capacity.within, among=1)
    part = SetTarget(target=capacity.target)
    done = await set_part(of_baseline, part, change, walk=walk, expected=None, limits=limits)
    desk.write(
        CapacitySet(
            at=workflow.now(),
            target=capacity.target,
            release=baseline,
            before=done.before,
            after=done.after,
            key=f"{walk}/{change.place}",
            changed=done.changed,
        )
    )


async def _missing(desk: Desk, capacity: Capacity, until: datetime, *, baseline: str) -> str:
    """Look until every check passes or the time is over; write down how it ended, return what is missing."""
    results: dict[str, CheckResult] = {}
    for check in capacity.checks:
        results[check] = await _look(desk, check, until, baseline=baseline)
    while any(not result.passed for result in results.values()) and workflow.now() < until:
        # A long time is not looked through more often than a short one: a history has an end.
        usual = options.between_looks(options.CHECK_AGAIN, capacity.within)
        pause = min(usual, until - workflow.now())
        await workflow.sleep(pause, summary=f"before {baseline} is looked at again")
        # All of them again: one that passed a minute ago says little of now.
        for check in capacity.checks:
            results[check] = await _look(desk, check, until, baseline=baseline)
    for check, result in results.items():
        desk.write(CheckRun(at=workflow.now(), check=check, passed=result.passed, found=result.found))
    return "; ".join(f"{check}: {result.found}" for check, result in results.items() if not result.passed)


async def _look(desk: Desk, check: str, until: datetime, *, baseline: str) -> CheckResult:
    """Run a check for the baseline; one that cannot be run has not passed."""
    left = max(until - workflow.now(), timedelta(0))
    try:
        return await do(
            CheckActivities.run_check,
            RunCheck(check=check, service=desk.opening.service, release=baseline),
            options.shared(options.RUN_CHECK, left, among=1),
            summary=f"check {check}: is {baseline} ready?",
        )
    except ActivityError as failure:
        return CheckResult(check=check, passed=False, found=reason(failure))
