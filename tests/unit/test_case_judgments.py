"""What people judge is dated, expires, is replaced by their next answer, and is on the timeline."""

from __future__ import annotations

from datetime import timedelta

from backout import case_acts
from backout.case import Case
from backout.people import Action, Actor
from backout.rules import Judgment, Weight
from backout.view import IncidentOutcome
from tests.unit.views import ANN, BEN, CLEO, OPENING, act, at, case_of

VIEW = Judgment(
    id="safety_view",
    by=("product",),
    ask="Is it new?",
    expires=timedelta(minutes=30),
    answers={"fine": Weight.CARRY_ON, "stop": Weight.REVERT},
)


def judge(case: Case, answer: str, minute: float, *, by: Actor = CLEO) -> str:
    """Let Cleo, or another, judge; return the answer."""
    judged = act(Action.JUDGE, by, judgment="safety_view", answer=answer, reason="seen it")
    return case_acts.take_act(
        case, judged, right="product", now=at(minute), step="detect", judgment=VIEW
    ).text


def test_a_judgment_is_dated_expires_and_is_on_the_timeline_with_its_weight() -> None:
    case = case_of()
    said = judge(case, "stop", 1)
    judged = case.judged["safety_view"]
    assert (judged.answer, judged.by, judged.reason) == ("stop", "cleo", "seen it")
    assert (judged.at, judged.until) == (at(1), at(31))
    (event,) = case.timeline
    assert said == "safety_view is stop (revert now) until 21:31:00 UTC"
    assert event.line == f"Cleo (product, via slack): judge ({said}): seen it"


def test_a_new_answer_to_the_same_question_replaces_the_last_one() -> None:
    case = case_of()
    judge(case, "stop", 1)
    judge(case, "fine", 2)
    assert (case.judged["safety_view"].answer, len(case.timeline)) == ("fine", 2)


def test_everyone_s_last_answer_is_kept() -> None:
    case = case_of()
    for answer, minute, by in (("stop", 1, CLEO), ("stop", 2, ANN), ("fine", 3, ANN), ("fine", 4, BEN)):
        judge(case, answer, minute, by=by)
    kept = (*case.judged_by_others, case.judged["safety_view"])
    assert [(one.by, one.answer) for one in kept] == [("cleo", "stop"), ("ann", "fine"), ("ben", "fine")]


def test_questions_are_open_only_while_the_signals_are_watched() -> None:
    opening = OPENING.model_copy(
        update={"playbook": OPENING.playbook.model_copy(update={"judgments": (VIEW,)})}
    )
    watched = case_of()
    judge(watched, "stop", 1)
    (question,) = watched.brief(opening).questions
    assert question.line == "Is it new? (safety_view: stop, by cleo, until 21:31:00 UTC)"
    assert case_of(position=2).brief(opening).questions == ()
    assert case_of(outcome=IncidentOutcome.ABORTED).brief(opening).questions == ()
