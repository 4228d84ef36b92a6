"""Is the world consistent? Integrity checks, looked at again as long as the step's window lasts."""

from __future__ import annotations

from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from activities.checks import CheckActivities
from backout.messages import CheckResult
from backout.requests import RunCheck
from backout.steps import CheckStep
from backout.timeline_exposure import CheckRun
from workflows import options
from workflows.achieved import Achieved, Done, TimedOut
from workflows.desk import Desk
from workflows.doing import do
from workflows.waiting import answer


async def check(desk: Desk, step: CheckStep, until: datetime) -> Achieved:
    """Run every check; those that want it are looked at again until they pass, or the window is over."""
    told: dict[str, CheckRun] = {}
    waiting = await _look(desk, step.checks, told)
    last = until - options.last_look(step.within)
    while waiting:
        begins = min(workflow.now() + options.between_looks(_soonest(waiting), step.within), last)
        is_last = begins >= last
        await answer(lambda: False, until=begins, summary=f"before {', '.join(waiting)} again")
        waiting = await _look(desk, tuple(waiting), told)
        if waiting and is_last:
            missing = "; ".join(f"{name}: {result.found}" for name, result in waiting.items())
            return TimedOut(missing=f"the world is not consistent yet: {missing}")
    return Done(result=f"{len(step.checks)} checks passed")


async def _look(desk: Desk, checks: tuple[str, ...], told: dict[str, CheckRun]) -> dict[str, CheckResult]:
    """Run these checks; return those that have not passed yet.

    Raises:
        ApplicationError: one did not pass, and does not want to be looked at again.
    """
    missed: dict[str, CheckResult] = {}
    for name in checks:
        result = await _run(desk, name)
        _tell(desk, name, result, told)
        if not result.passed:
            missed[name] = result
    if any(result.again is None for result in missed.values()):
        found = "; ".join(f"{name}: {result.found}" for name, result in missed.items())
        msg = f"the world is not consistent: {found}"
        raise ApplicationError(msg, type="CheckFailed")
    return missed


async def _run(desk: Desk, name: str) -> CheckResult:
    opening = desk.opening
    return await do(
        CheckActivities.run_check,
        RunCheck(
            check=name,
            service=opening.service,
            release=opening.release,
            baseline=desk.baseline,
            incident=opening.incident,
            key=f"{desk.key}/{desk.attempt}/{name}",
        ),
        options.RUN_CHECK,
        summary=f"check {name}",
    )


def _tell(desk: Desk, name: str, result: CheckResult, told: dict[str, CheckRun]) -> None:
    """Write down what a look found, unless the look before found the same."""
    event = CheckRun(
        at=workflow.now(),
        check=name,
        passed=result.passed,
        found=result.found,
        again=result.again is not None,
        evidence=result.evidence,
    )
    before = told.get(name)
    if before is None or before.model_copy(update={"at": event.at}) != event:
        desk.write(event)
    told[name] = event


def _soonest(waiting: dict[str, CheckResult]) -> timedelta:
    return min(result.again for result in waiting.values() if result.again is not None)
