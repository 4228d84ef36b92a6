"""A release that several targets hold goes over the stages as one, in order, each effect with its own key."""

from __future__ import annotations

import pytest
from temporalio.client import Client

from backout.people import Action
from backout.timeline import StepFailed
from backout.timeline_exposure import ExposureSet
from tests.workflows.engine import alert
from tests.workflows.playbooks import DETECT, POSTMORTEM, playbook, rules
from tests.workflows.release_sets import SET, set_running, story


async def test_at_each_stage_every_target_is_brought_there_in_order(skipping: Client) -> None:
    async with set_running(skipping) as engine:
        incident = await engine.revert()
        summary = await incident.result()
        told = await story(incident)
    assert told == [
        ("ExposureSet", 50, "exposure", 50),
        ("ExposureSet", 50, "index", 50),
        ("ExposureSet", 10, "exposure", 10),
        ("ExposureSet", 10, "index", 10),
        ("ExposureSet", 10, "alias", 0),
        ("ExposureSet", 0, "exposure", 0),
        ("ExposureSet", 0, "index", 0),
    ]
    assert summary.exposure == 0


async def test_a_pointer_is_touched_at_the_stage_where_it_flips_and_at_no_other(skipping: Client) -> None:
    async with set_running(skipping) as engine:
        await (await engine.revert()).result()
    assert engine.percents == {"exposure": [50, 10, 0], "index": [50, 10, 0], "alias": [0]}


async def test_each_effect_has_a_key_of_its_stage_and_its_target(skipping: Client) -> None:
    async with set_running(skipping) as engine:
        incident = await engine.revert()
        await incident.result()
        keys = [event.key for event in await incident.events(ExposureSet)]
    assert sorted(engine.places) == sorted(
        f"revert/1/{place}"
        for place in (
            "50/exposure",
            "50/index",
            "10/exposure",
            "10/index",
            "10/alias",
            "0/exposure",
            "0/index",
        )
    )
    assert sorted(key.partition("@")[2].partition("/")[2] for key in keys) == sorted(engine.places)


async def test_a_set_of_one_keeps_the_keys_of_a_single_target(skipping: Client) -> None:
    async with set_running(skipping) as engine:
        incident = await engine.revert(targets=({"target": "exposure"},), mixed_for=None)
        await incident.result()
        activities = {
            event.activity_task_scheduled_event_attributes.activity_id
            async for event in incident.handle.fetch_history_events()
        }
    assert engine.places == [f"revert/1/{stage}" for stage in (50, 10, 0)]
    assert "set-exposure-1-50" in activities


@pytest.mark.parametrize(
    ("targets", "said"),
    [
        (({"target": "exposure"}, {"target": "alias"}), "Target 'alias' is a pointer"),
        (({"target": "exposure"}, {"target": "index", "flips_at": 10}), "Target 'index' holds any percent"),
    ],
    ids=["a pointer without flips_at", "flips_at on a percentage"],
)
async def test_a_misfit_of_target_and_flip_is_told_before_anything_is_changed(
    waiting: Client, targets: tuple[dict[str, object], ...], said: str
) -> None:
    async with set_running(waiting) as engine:
        incident = await engine.revert(targets=targets)
        await incident.asked(Action.RESUME)
        (failed,) = await incident.events(StepFailed)
        await incident.end()
    assert "no exposure was changed" in failed.error
    assert said in failed.error
    assert engine.places == []


async def test_the_exposure_of_a_release_is_the_most_of_any_of_its_targets(waiting: Client) -> None:
    async with set_running(waiting) as engine:
        engine.world.clock.pause()
        incident = await engine.revert()
        await engine.world.clock.reached(1)
        view = await incident.view()
        await incident.end()
    assert engine.percents["exposure"] == [50]
    assert view.summary.exposure == 100  # the alias has not flipped yet


async def test_before_anything_is_changed_people_see_where_every_target_stands(waiting: Client) -> None:
    async with set_running(waiting) as engine:
        engine.index.put(service="chat", release="r2", percent=40)
        book = playbook(DETECT, SET, POSTMORTEM, rules=rules("approve", approve_by=["commander"]))
        incident = await engine.engine.open(book, alert("ProviderDown"))
        view = await incident.until(lambda view: len(view.summary.exposures) == 3)
        await incident.end()
    assert view.summary.by_target == "exposure 100 %, index 40 %, alias 100 %"
    assert engine.percents == {}
