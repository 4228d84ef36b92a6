"""An incident goes before a rollout: nothing goes up while people look into what is wrong."""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from backout.addressing import short_of
from backout.case import Case
from backout.evaluation import Outcome
from backout.timeline import SignalsJudged
from backout.view import is_rollout, rollout_id
from workflows.desk import Desk

GIVE_WAY = "give_way"
"""The message that stops a rollout; it carries the incident that it gives way to."""


def begin(desk: Desk) -> None:
    """Stop the rollout of the release, beside the steps, where its playbook has one and it runs."""
    opening = desk.opening
    if opening.playbook.rollout and not is_rollout(opening.incident):
        desk.in_background(tell(desk, rollout_id(opening.service, opening.release)))


async def tell(desk: Desk, rollout: str) -> None:
    """Tell a rollout to give way. One that does not run is in nobody's way."""
    try:
        await workflow.get_external_workflow_handle(rollout).signal(GIVE_WAY, desk.opening.incident)
    except ApplicationError as refused:
        workflow.logger.info("%s gives way: %s", rollout, refused.message)


def give_way(case: Case, incident: str) -> None:
    """Hold a rollout until people decide; who resumes it is told if the incident is still open."""
    if case.held or case.emergency or case.ending is not None or _turns_back(case):
        return  # Nothing goes up any more; what goes down, and the record, need not wait.
    case.held, case.held_by = f"incident {short_of(incident)} is open and goes first", "an incident"
    # Said last, and nothing moves: what was decided a moment before is not done any more.
    case.directive = None


def _turns_back(case: Case) -> bool:
    """Say whether a rule fired at a stage: then everything comes off already."""
    judged = next((event for event in reversed(case.timeline) if isinstance(event, SignalsJudged)), None)
    return judged is not None and judged.evaluation.outcome is Outcome.FIRED
