"""How much traffic is on the candidate, before anything is changed: people decide on it."""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities.exposure import ExposureActivities
from backout.exposure import ReadExposure
from backout.steps import StagedStep
from workflows import options
from workflows.desk import Desk
from workflows.doing import do
from workflows.failures import reason

EARLY = "the exposure is read at the beginning"


def begin(desk: Desk) -> None:
    """Read the exposure beside the steps, where a step would change it."""
    step = next((step for step in desk.playbook.steps if isinstance(step, StagedStep)), None)
    if step is not None and workflow.patched(EARLY):
        desk.in_background(_look(desk, [part.target for part in step.parts]))


async def _look(desk: Desk, targets: list[str]) -> None:
    # The first page and the first change come first.
    await workflow.sleep(options.GATHER, summary="before the exposure is read")
    for target in targets:
        await _read(desk, target)


async def _read(desk: Desk, target: str) -> None:
    """Keep what is read, unless a stage was set meanwhile; without it nothing is lost but the sight of it."""
    request = ReadExposure(target=target, service=desk.opening.service, release=desk.opening.release)
    try:
        found = await do(
            ExposureActivities.read_exposure, request, options.READ_EXPOSURE, summary=f"{target}: who is hit?"
        )
    except ActivityError as failure:
        workflow.logger.warning("the exposure is not known yet: %s", reason(failure))
        return
    if not desk.case.reverts:
        desk.keep({target: found.percent})
        desk.show()
