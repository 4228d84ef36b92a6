"""How much traffic is on the candidate, before anything is changed: people decide on it."""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities.exposure import ExposureActivities
from backout.exposure import ReadExposure
from backout.steps import RevertStep
from workflows import options
from workflows.desk import Desk
from workflows.doing import do
from workflows.failures import reason

EARLY = "the exposure is read at the beginning"


def begin(desk: Desk) -> None:
    """Read the exposure beside the steps, where a step would change it."""
    step = next((step for step in desk.playbook.steps if isinstance(step, RevertStep)), None)
    if step is not None and workflow.patched(EARLY):
        desk.in_background(_read(desk, step.parts[0].target))


async def _read(desk: Desk, target: str) -> None:
    """Keep what is read, unless a stage was set meanwhile; without it nothing is lost but the sight of it."""
    # The first page and the first change come first.
    await workflow.sleep(options.GATHER, summary="before the exposure is read")
    request = ReadExposure(target=target, service=desk.opening.service, release=desk.opening.release)
    try:
        found = await do(
            ExposureActivities.read_exposure, request, options.READ_EXPOSURE, summary=f"{target}: who is hit?"
        )
    except ActivityError as failure:
        workflow.logger.warning("the exposure is not known yet: %s", reason(failure))
        return
    if desk.case.exposure is None:
        desk.case.exposure = found.percent
        desk.show()
