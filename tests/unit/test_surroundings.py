"""What stands beside the numbers: the release and its artifacts, its exposure, the inputs, events outside."""

from __future__ import annotations

import json

import pytest

from adapters.memory import START
from backout.evaluation import Evaluation, Outcome, Verdict
from backout.explaining import explained
from backout.guarding import Guarded
from backout.releases import Registration, ReleaseRecord, Transition
from backout.timeline import Event, SignalsJudged
from backout.view import IncidentView
from backout.watch_page import MOST_FACTORS, page
from cli import explaining, printing, releasing
from gateway.registering import Shown
from tests.unit.test_postmortem_document import document
from tests.unit.views import at, factor, stage, view_of
from tests.workflows.guarding import MODEL, a_world, guard_of

SHIFTED = factor(Verdict.SUSPECT, 30, 100).model_copy(
    update={"criterion": "topics", "shift": 0.123, "mode": "observe", "cohort": "travel"}
)
DEPLOY = "deploy since 2026-11-20 20:50 UTC: search"
SAID = Evaluation(
    outcome=Outcome.FIRED,
    rule="critical",
    factors=(factor(Verdict.BREACHED, 80, 4000), SHIFTED),
    reasons=("error-limit is breached",),
    context=(DEPLOY,),
)
SHIFT = "inputs by topics: total variation distance 12.30% from their reference (only observed)"


def judged(minutes: float = 3, said: Evaluation = SAID) -> SignalsJudged:
    return SignalsJudged(at=at(minutes), step="detect", sense="breach", evaluation=said)


def incident(*events: Event, exposure: int | None = 0) -> IncidentView:
    view = view_of(*events, exposure=exposure)
    return view.model_copy(update={"baseline": "r1", "artifacts": (MODEL,)})


def test_the_shift_of_the_inputs_and_what_goes_on_outside_are_told_together() -> None:
    assert SAID.surroundings == (SHIFT, DEPLOY)
    assert Evaluation(outcome=Outcome.CLEAR, factors=(factor(Verdict.HEALTHY, 0, 9),)).surroundings == ()


def test_an_explanation_names_the_release_its_artifacts_and_the_exposure(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = explained(incident(judged(), stage(10, 40, 10), stage(14, 10, 0)))
    assert found.decision is not None
    assert (found.exposure, found.decision.exposure) == (0, 40)
    explaining.show(found)
    lines = capsys.readouterr().out.splitlines()
    assert "Release r2, baseline r1, 0 % of traffic on it" in lines
    assert f"  model chat-8b {MODEL.digest}" in lines
    assert any(line.startswith("FIRED by rule critical, at ") for line in lines)
    assert any(line.endswith("in step detect, 40 % of traffic on it") for line in lines)
    assert f"Context: {SHIFT}" in lines
    assert f"Context: {DEPLOY}" in lines


@pytest.mark.parametrize(
    ("minutes", "exposure"), [(3, 100), (12, 50), (20, 10)], ids=["before", "between", "after"]
)
def test_the_exposure_is_that_of_the_decision(minutes: float, exposure: int) -> None:
    found = explained(incident(judged(minutes), stage(10, 100, 50), stage(14, 50, 10)))
    assert found.decision is not None
    assert found.decision.exposure == exposure


def test_what_is_not_known_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    alone = SAID.model_copy(update={"factors": (), "context": ()})
    explaining.show(explained(view_of(judged(said=alone))))
    shown = capsys.readouterr().out
    assert "Release r2, baseline none is known, exposure not read yet" in shown
    assert "it is not registered, so its artifacts are not known" in shown
    assert "Context: no marked event goes on, and no answer weighs" in shown


def test_machines_get_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    printing.as_json(explained(incident(judged())))
    told = json.loads(capsys.readouterr().out)
    assert told["artifacts"] == [MODEL.model_dump()]
    assert told["baseline"] == "r1"
    evaluation = told["decision"]["evaluation"]
    assert evaluation["context"] == [DEPLOY]
    assert [one["shift"] for one in evaluation["factors"]] == [None, 0.123]


def shown(said: Evaluation) -> str:
    guard = guard_of(a_world(release="r2"))
    changes = (Transition(at=START, evaluation=said),)
    return page(guard, guard.view(Guarded(since=START)).model_copy(update={"transitions": changes}))


def test_the_page_of_a_watch_shows_the_factors_and_what_stands_beside_them() -> None:
    lines = shown(SAID).splitlines()
    for line in (
        "- **Baseline:** r1",
        f"- model: chat-8b `{MODEL.digest}`",
        "- error-limit is breached",
        "- error-limit is suspect",
        f"- {DEPLOY}",
    ):
        assert line in lines
    assert any("total variation distance 12.30%" in line for line in lines)


def test_a_page_stays_small_however_many_criteria_there_are() -> None:
    many = SAID.model_copy(update={"factors": (SAID.factors[0],) * (MOST_FACTORS + 7)})
    page_ = shown(many)
    assert page_.count("- error-limit is breached") == MOST_FACTORS
    assert "- and 7 more criteria" in page_


def test_a_release_is_shown_with_what_stood_beside_each_change(capsys: pytest.CaptureFixture[str]) -> None:
    guard = guard_of(a_world(release="r2"))
    view = guard.view(Guarded(since=START, transitions=(Transition(at=START, evaluation=SAID),)))
    registration = Registration(
        service="chat", release="r2", playbook="complete", owner="team", artifacts=(MODEL,), baseline="r1"
    )
    record = ReleaseRecord(registration=registration, registered_at=START, by="ann")
    releasing.tell(Shown(record=record, watch=view))
    out = capsys.readouterr().out
    for text in (f"chat-8b {MODEL.digest}", f"beside it: {SHIFT}", f"beside it: {DEPLOY}"):
        assert text in out


def test_the_postmortem_says_how_far_the_inputs_had_moved() -> None:
    assert f"- At that time: {SHIFT}" in document(incident(judged())).splitlines()
