"""Going further: a verification that sees no recovery sends the playbook back to the revert."""

from __future__ import annotations

from backout import way_back
from backout.steps import RevertStep, Step
from workflows.desk import Desk


def goes_further(desk: Desk, step: Step) -> bool:
    """Say whether something is left to revert, and keep it for the revert step.

    After an alternative that is the revert itself. A verification goes further at most once for each stage
    and alternative: whoever stays at a stage is asked again, not for ever.
    """
    case, position = desk.case, desk.playbook.way_down
    revert = desk.playbook.steps[position] if position is not None else None
    if not isinstance(revert, RevertStep):
        return False
    case.give_up_alternative()
    # A pointer that flips at the last stage says nothing of the stages before it.
    at = way_back.most(revert.parts, case.exposures)
    left = way_back.left_below(revert.stages, case.exposure if at is None else at)
    went = case.further.get(step.name, 0)
    if not left or went >= len(revert.stages) + len(case.tried):
        return False
    case.further = {**case.further, step.name: went + 1}
    case.remaining = left
    return True
