"""What is told of a release's exposure counts the targets of its set, and no others."""

from __future__ import annotations

from backout.evaluation import Outcome, Verdict
from backout.explaining import explained
from backout.postmortem import facts
from backout.steps import RevertStep
from backout.timeline import Event
from backout.view import IncidentView
from tests.unit.views import OPENING, case_of, factor, judged, stage

STEP = next(step for step in OPENING.playbook.steps if isinstance(step, RevertStep))
ILL = factor(Verdict.BREACHED, 80, 4000)


def on(target: str, minutes: float, before: int, after: int) -> Event:
    return stage(minutes, before, after).model_copy(update={"target": target})


def view(*events: Event) -> IncidentView:
    """Return the view of an incident whose release is on a flag and an index."""
    parts = [{"target": "chat-exposure"}, {"target": "chat-index"}]
    step = RevertStep.model_validate(
        STEP.model_dump(mode="json", exclude={"target"}) | {"targets": parts, "mixed_for": "90s"}
    )
    steps = tuple(step if one is STEP else one for one in OPENING.playbook.steps)
    playbook = OPENING.playbook.model_copy(update={"steps": steps})
    return case_of(*events).view(OPENING.model_copy(update={"playbook": playbook}))


def test_the_exposure_before_the_revert_is_the_most_on_any_target_of_the_set() -> None:
    moved = (on("safe-mode", 1, 100, 0), on("chat-exposure", 2, 10, 0), on("chat-index", 3, 25, 0))
    assert facts(view(*moved)).exposure_before == 25


def test_what_an_alternative_set_alone_is_no_exposure_of_the_release() -> None:
    assert facts(view(on("safe-mode", 1, 100, 0))).exposure_before is None


def test_a_decision_is_explained_by_the_exposure_of_the_set() -> None:
    said = judged(1, "breach", Outcome.FIRED, ILL)
    moved = (on("safe-mode", 2, 100, 0), on("chat-exposure", 3, 10, 0), on("chat-index", 4, 25, 0))
    decision = explained(view(said, *moved)).decision
    assert decision is not None
    assert decision.exposure == 25
