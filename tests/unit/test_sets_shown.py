"""Of a release set people see where each target stands, what was put back, and why."""

from __future__ import annotations

from datetime import timedelta

import pytest

from backout.case import Case
from backout.checklist_stages import stage_lines
from backout.details import page
from backout.evaluation import Outcome
from backout.explaining import explained
from backout.exposure import StagedPlan
from backout.postmortem import facts
from backout.rendering import render
from backout.steps import RevertStep
from backout.timeline import Event
from backout.timeline_exposure import RevertStopped
from backout.view import IncidentOutcome, IncidentView
from tests.unit.linted import GONE, changed
from tests.unit.views import OPENING, TEMPLATES, at, case_of, full_view, judged, stage
from tests.unit.views_sets import capacity, in_the_set, put_back

SET = changed(
    {
        "steps.2.target": GONE,
        "steps.2.targets": [
            {"target": "chat-exposure"},
            {"target": "index"},
            {"target": "alias", "flips_at": 10},
        ],
        "steps.2.mixed_for": "90s",
    }
)
STANDS = {"chat-exposure": 50, "index": 50, "alias": 100}


def view_of(case: Case) -> IncidentView:
    """Return what an incident on the set shows."""
    return case.view(OPENING.model_copy(update={"playbook": SET}))


def half_way() -> IncidentView:
    """Return an incident on the set, whose first stage is set."""
    events = (stage(10, 100, 50), in_the_set(at(10), "index", 100, 50))
    return view_of(case_of(*events, exposure=100, exposures=STANDS))


def test_the_page_of_the_engine_and_the_messages_say_where_each_target_stands() -> None:
    view = half_way()
    told = "chat-exposure 50 %, index 50 %, alias 100 %"
    assert f"{told} on the candidate" in page(view).replace("\\", "")
    text = render("slack/incident.md.j2", templates=TEMPLATES, brief=view, asks=[], link="")
    assert f"the candidate is at {told}" in text


def test_a_set_of_one_is_told_as_one() -> None:
    assert full_view().summary.by_target == ""


def test_what_other_targets_hold_is_no_exposure_of_the_release() -> None:
    case = case_of(exposure=50, exposures={**STANDS, "guardrail": 0})
    assert view_of(case).summary.exposures == STANDS


def test_the_postmortem_says_from_where_to_where_each_target_went() -> None:
    found = facts(half_way())
    assert found.by_target == {"chat-exposure": (100, 50), "index": (100, 50), "alias": (100, 100)}


def test_the_postmortem_tells_what_was_made_ready_and_what_was_put_back() -> None:
    view = full_view()
    told = {
        "incident": view.summary,
        "view": view,
        "facts": facts(view),
        "outcome": IncidentOutcome.RECOVERED,
    }
    text = render("postmortem/standard.md.j2", templates=TEMPLATES, due=at(99), written_at=at(43), **told)
    assert "Capacity of r1 on replicas set from 10 % to 100 % and read back" in text
    assert "put back from 10 % to 50 %: index could not be brought to stage 10 %" in text


def test_a_revert_is_full_once_its_last_target_is_off() -> None:
    events: list[Event] = [stage(10, 100, 0), in_the_set(at(12), "index", 100, 0)]
    assert facts(view_of(case_of(*events))).times.to_full_revert == timedelta(minutes=12, seconds=0.5)
    events.append(in_the_set(at(13), "alias", 100, 50))
    assert facts(view_of(case_of(*events))).times.to_full_revert is None


@pytest.mark.parametrize(("minutes", "exposure"), [(9, 100), (11, 50), (14, 100)])
def test_the_exposure_at_a_decision_is_the_most_of_any_target_then(minutes: float, exposure: int) -> None:
    changes = (
        stage(10, 100, 50),
        in_the_set(at(10), "index", 100, 50),
        put_back(at(13), before=50, after=100),
    )
    fired = judged(minutes, "breach", Outcome.FIRED)
    events: list[Event] = sorted((*changes, fired), key=lambda event: event.at)
    decision = explained(view_of(case_of(*events))).decision
    assert decision is not None
    assert decision.exposure == exposure


def test_a_stage_that_was_put_back_is_watched_no_longer() -> None:
    case = case_of(stage(10, 50, 10), put_back(at(11)), position=2)
    assert view_of(case).stakes.soaks_until is None


def test_the_checklist_names_what_each_stage_sets_and_what_if_one_target_fails() -> None:
    step = SET.steps[2]
    assert isinstance(step, RevertStep)
    lines = list(stage_lines(step))
    assert "`chat-exposure` to 50 %, then `index` to 50 % and read it back" in lines[0]
    assert "`alias`" not in lines[0]
    assert "`alias` to 0 %" in lines[1]
    assert "`alias`" not in lines[2]
    assert "If one target fails: set the others all the same" in lines[3]
    assert "for 90s at most" in lines[3] or "for 1m30s at most" in lines[3]


def test_the_checklist_has_the_capacity_before_the_first_stage() -> None:
    ready = {"target": "replicas", "checks": ["served-version"], "within": "5m"}
    step = changed({"steps.2.capacity": ready}).steps[2]
    assert isinstance(step, RevertStep)
    first, *_ = stage_lines(step)
    assert first.startswith("Before the first stage: bring the baseline's capacity on `replicas` to 100 %")
    assert "go on once `served-version` pass" in first


def test_what_was_made_ready_reads_as_a_sentence() -> None:
    told = capacity(at(1)).model_copy(update={"changed": False})
    assert told.line == "Capacity of r1 on replicas was at 100 % already"


def test_who_approves_a_plan_reads_that_exposure_may_rise_again_and_within_what_time() -> None:
    step = SET.steps[2]
    assert isinstance(step, RevertStep)
    plan = StagedPlan(
        incident="i",
        target="chat-exposure",
        service="chat",
        release="r2",
        stages=step.stages,
        soak=step.soak,
        because="rule critical",
        targets=step.targets,
        mixed_for=step.mixed_for,
    )
    assert plan.terms == (
        "; alias flips at 10 %; where a target fails exposure goes back to the stage before unless it can be "
        "pushed on, within 1m30s"
    )
    back = plan.model_copy(update={"on_target_failure": "put_back"})
    assert back.terms.endswith("goes back to the stage before at once, within 1m30s")
    assert plan.model_copy(update={"targets": (), "mixed_for": None}).terms == ""
    # Such as an alternative of one target, in the place of a set's revert.
    alone = plan.model_copy(update={"targets": plan.targets[:1], "capacity": None})
    assert "where a target fails" not in alone.terms


def test_a_stop_names_each_target_of_a_set_and_is_kept_as_before_for_one() -> None:
    one = RevertStopped(at=at(13), exposure=100, why="stopped on request")
    assert one.line == "Revert stopped, exposure 100 %: stopped on request"
    assert "exposures" not in one.model_dump()
    some = one.model_copy(update={"exposures": {"chat-exposure": 50, "alias": 100}})
    assert some.line == "Revert stopped, exposure chat-exposure 50 %, alias 100 %: stopped on request"
    assert RevertStopped.model_validate_json(some.model_dump_json()) == some
