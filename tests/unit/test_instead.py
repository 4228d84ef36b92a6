"""What was done in the place of a revert is told until somebody has undone it, also behind a revert."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from backout.event import BaseEvent
from backout.instead import instead
from backout.timeline_exposure import ExposureSet
from backout.timeline_plans import PlanChosen
from cli import printing
from tests.unit.linted import changed
from tests.unit.views import OPENING, at, case_of, stage

STRICT = {"name": "strict", "about": "the strict guardrail", "targets": [{"target": "guardrail"}]}
BOOK = changed(
    {"steps.2.alternatives": [STRICT, {**STRICT, "name": "quiet", "targets": [{"target": "tools"}]}]}
)
CHOSEN = PlanChosen(at=at(3), chosen="strict", not_chosen=("quiet", "revert"), by=("Ann",))
THEN_REVERT = PlanChosen(at=at(20), chosen="revert", not_chosen=())


def guardrail(minutes: float, before: int, after: int) -> ExposureSet:
    return stage(minutes, before, after).model_copy(update={"target": "guardrail"})


@pytest.mark.parametrize(
    ("timeline", "told"),
    [
        ((CHOSEN,), []),
        ((CHOSEN, guardrail(4, 0, 0)), []),
        (
            (CHOSEN, guardrail(4, 100, 0), THEN_REVERT, stage(21, 100, 0)),
            ["strict, since 21:04:00 UTC, not undone: guardrail at 0 %"],
        ),
        (
            (CHOSEN, guardrail(4, 80, 0), guardrail(30, 0, 40)),
            ["strict, since 21:04:00 UTC, not undone: guardrail at 40 %"],
        ),
        (
            (CHOSEN, guardrail(4, 80, 0), guardrail(30, 0, 80)),
            ["strict, since 21:04:00 UTC, undone at 21:30:00 UTC"],
        ),
        (
            (CHOSEN, guardrail(4, 80, 0), guardrail(30, 0, 80), guardrail(40, 80, 0)),
            ["strict, since 21:40:00 UTC, not undone: guardrail at 0 %"],
        ),
    ],
    ids=["not yet changed", "there already", "a revert follows", "partly", "brought back", "done once more"],
)
def test_an_alternative_is_in_force_until_its_targets_are_back_where_they_were(
    timeline: tuple[BaseEvent, ...], told: list[str]
) -> None:
    assert [one.line for one in instead(BOOK, timeline)] == told


def test_show_says_that_it_is_still_in_force(capsys: pytest.CaptureFixture[str]) -> None:
    case = case_of(CHOSEN, guardrail(4, 100, 0), THEN_REVERT, stage(21, 100, 0))
    printing.incident(case.view(OPENING.model_copy(update={"playbook": BOOK})))
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("instead")]
    assert line.endswith("strict, since 21:04:00 UTC, not undone: guardrail at 0 %")


def test_a_machine_reads_what_is_still_in_force_beside_the_events(
    capsys: pytest.CaptureFixture[str],
) -> None:
    case = case_of(CHOSEN, guardrail(4, 100, 0), THEN_REVERT, stage(21, 100, 0))
    printing.as_json(case.view(OPENING.model_copy(update={"playbook": BOOK})))
    (told,) = json.loads(capsys.readouterr().out)["instead"]
    assert datetime.fromisoformat(told.pop("since")) == at(4)
    assert told == {"name": "strict", "at": {"guardrail": 0}, "undone": None}
