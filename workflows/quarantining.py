"""What was reverted may not be released again until a person lifts it."""

from __future__ import annotations

from functools import partial

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities.quarantining import QuarantineActivities
from backout.exposure import StagedPlan
from backout.quarantining import Quarantined, QuarantineRelease
from backout.releases import described
from backout.steps import Step
from backout.timeline_quarantine import QuarantineFailed, QuarantineFound, ReleaseQuarantined
from backout.view import IncidentOutcome
from workflows import options
from workflows.desk import Desk
from workflows.doing import do
from workflows.failures import reason

QUARANTINES = "a-complete-revert-quarantines-the-release"
"""A release that was reverted could once be released again at once."""


async def quarantine(desk: Desk, plan: StagedPlan, *, why: str = "") -> None:
    """Quarantine the artifacts of a release that was reverted completely, beside the steps that follow.

    So is one whose rollout turned back. `why` is what the signals said last where nothing is given.
    """
    case = desk.case
    went_down = plan.direction == "down" or case.ending is IncidentOutcome.TURNED_BACK
    is_gone = case.exposure == 0 and went_down and not plan.alternative
    if not is_gone or not workflow.patched(QUARANTINES):
        return
    # An effect: a step that ends, or a fresh history, leaves it under way, and closing waits for it.
    work = partial(_quarantine, desk, desk.step, why or desk.why_paged())
    desk.in_background(desk.once(f"quarantine/{case.reverts}", work))


async def _quarantine(desk: Desk, step: Step, why: str) -> None:
    opening = desk.opening
    request = QuarantineRelease(
        service=opening.service,
        release=opening.release,
        artifacts=opening.artifacts,
        baseline=desk.baseline,
        incident=opening.incident,
        why=why,
        at=workflow.now(),
    )
    try:
        found = await do(
            QuarantineActivities.quarantine_release,
            request,
            options.QUARANTINE,
            summary=f"{opening.release} must not be released again",
        )
    except ActivityError as failure:
        _tell(desk, step, reason(failure))
        return
    desk.write(_event(found, step, opening.release))


def _event(found: Quarantined, step: Step, release: str) -> ReleaseQuarantined | QuarantineFound:
    if found.before is not None:
        return QuarantineFound(at=workflow.now(), step=step.name, release=release, before=found.before)
    return ReleaseQuarantined(
        at=workflow.now(),
        step=step.name,
        release=release,
        artifacts=tuple(map(described, found.artifacts)),
        spared=tuple(map(described, found.spared)),
        good=found.good,
        unregistered=found.unregistered,
    )


def _tell(desk: Desk, step: Step, why: str) -> None:
    """Say what did not work, and call whoever owns the step."""
    place = f"{desk.opening.service}/{desk.opening.release}"
    event = QuarantineFailed(
        at=workflow.now(), step=step.name, release=desk.opening.release, place=place, why=why
    )
    desk.write(event)
    desk.page((step.owner,), event.line)
