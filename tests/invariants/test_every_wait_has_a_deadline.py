"""Every wait has a deadline, and silence is a named outcome. No step waits for ever."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import get_args, get_type_hints

import pytest
from pydantic import BaseModel, ValidationError

from backout.criteria import Evidence
from backout.model import Duration
from backout.playbook import Playbook
from backout.requests import Observe
from backout.rules import Rearm, Veto
from backout.steps import BaseStep, Move, Step
from tests.invariants.sources import calls, keywords
from tests.unit.linted import GONE, changed, errors, step
from workflows import options
from workflows.options import Options

(KINDS, _) = get_args(Step)
STEPS: list[type[BaseStep]] = list(get_args(KINDS))
NO_WAITS = {Evidence, Rearm, Veto}
"""Models whose durations are how sure to be, or for how long a rule is held back: nothing waits for that, and
where nothing is written it ends all the same."""


def durations(model: type[BaseModel], seen: set[type[BaseModel]]) -> Iterator[tuple[type[BaseModel], str]]:
    """Yield every field of a model, and of the models in it, that is a length of time."""
    if model in seen:
        return
    seen.add(model)
    for field, hint in get_type_hints(model, include_extras=True).items():
        if field in model.model_fields and hint == Duration:
            yield model, field
        for part in _parts(hint):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from durations(part, seen)


def _parts(hint: object) -> Iterator[object]:
    yield hint
    for part in get_args(hint):
        yield from _parts(part)


WAITS = [
    (model, field)
    for root in (Playbook, Observe)
    for model, field in durations(root, set())
    if model not in NO_WAITS
]


def test_the_walk_finds_the_waits_of_every_part_of_a_playbook() -> None:
    found = {f"{model.__name__}.{field}" for model, field in WAITS}
    assert {"Playbook.tick", "Playbook.remind", "Level.wait", "RevertStep.soak", "VerifyStep.window"} <= found
    assert {"Observe.lasting", "PostmortemStep.due"} <= found
    assert {f"{kind.__name__}.within" for kind in STEPS} <= found


@pytest.mark.parametrize(("model", "field"), WAITS, ids=[f"{m.__name__}.{f}" for m, f in WAITS])
def test_a_wait_is_always_written_down(model: type[BaseModel], field: str) -> None:
    assert model.model_fields[field].is_required()


@pytest.mark.parametrize("kind", STEPS)
def test_every_step_names_what_follows_on_silence_and_on_failure(kind: type[BaseStep]) -> None:
    assert kind.model_fields["on_timeout"].is_required()
    assert kind.model_fields["on_timeout"].annotation is Move
    assert kind.model_fields["on_failure"].default is Move.HOLD


@pytest.mark.parametrize("number", range(8))
@pytest.mark.parametrize("field", ["within", "on_timeout"])
def test_a_step_without_a_deadline_or_without_its_outcome_is_no_playbook(number: int, field: str) -> None:
    with pytest.raises(ValidationError, match="Field required"):
        changed({f"steps.{number}.{field}": GONE})


@pytest.mark.parametrize("never", ["0s", "never", "", None])
def test_a_deadline_is_a_time_above_zero(never: object) -> None:
    with pytest.raises(ValidationError, match="is not a duration"):
        changed({"steps.0.within": never})


@pytest.mark.parametrize("number", [0, 2, 7])
def test_silence_never_passes_over_what_the_rest_stands_on(number: int) -> None:
    assert errors({f"steps.{number}": step(number, on_timeout="proceed")})


OPTIONS = {name: value for name, value in vars(options).items() if isinstance(value, Options)}
OPTIONS |= {"observe": options.observe(timedelta(minutes=10))}


@pytest.mark.parametrize("name", OPTIONS)
def test_every_activity_ends_and_is_not_tried_for_ever(name: str) -> None:
    option = OPTIONS[name]
    assert option.start_to_close or option.schedule_to_close
    assert option.retry_policy.maximum_attempts > 0 or option.schedule_to_close


def test_a_watch_outlasts_its_own_end_by_a_grace_only() -> None:
    assert OPTIONS["observe"].schedule_to_close == timedelta(minutes=10) + options.WATCH_GRACE


ENDLESS = {
    (
        "workflows/publishing.py",
        "_news",
    ): "the news end with the incident: `last_word` sets the end, or cancels",
    ("workflows/communicating.py", "tell"): "the incident ends what runs beside its steps",
    ("workflows/communicating.py", "mind"): "the incident ends what runs beside its steps",
    ("workflows/incident.py", "_close"): "a handler never waits, so all of them are finished at once",
}
"""Conditions that are awaited without a deadline, and why each of them ends."""


def test_every_condition_that_a_workflow_awaits_has_a_deadline() -> None:
    endless = {
        (place.file, place.function)
        for place, called, call in calls("workflows")
        if called == "workflow.wait_condition" and "timeout" not in keywords(call)
    }
    assert endless == set(ENDLESS)


def test_workflows_wait_for_people_and_work_in_no_other_way() -> None:
    waits = {called for _, called, _ in calls("workflows")}
    others = {"asyncio.wait", "asyncio.wait_for", "asyncio.sleep", "asyncio.Event", "asyncio.Future"}
    others |= {"asyncio.Queue", "asyncio.Condition", "workflow.wait", "workflow.as_completed"}
    assert not waits & others


def test_every_timer_and_every_wait_says_what_it_is_for() -> None:
    unnamed = [
        (place.file, called)
        for place, called, call in calls("workflows")
        if (called == "workflow.sleep" and "summary" not in keywords(call))
        or ("timeout" in keywords(call) and "timeout_summary" not in keywords(call))
    ]
    assert unnamed == []


def test_every_activity_is_called_at_one_place_with_its_timeouts() -> None:
    found = [
        (place, call)
        for place, called, call in calls("workflows")
        if called.startswith("workflow.") and "activity" in called and called != "workflow.activity"
    ]
    assert [(place.file, place.function) for place, _ in found] == [("workflows/doing.py", "_execute")]
    assert {"start_to_close_timeout", "schedule_to_close_timeout", "retry_policy", "summary"} <= keywords(
        found[0][1]
    )
