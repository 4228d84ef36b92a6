"""One target of a set fails: it is pushed on, or put back, and never mixed for longer than its bound."""

from __future__ import annotations

from collections.abc import Sequence

from temporalio.client import Client

from backout.event import BaseEvent
from backout.people import Action
from backout.timeline import StepFailed
from backout.timeline_exposure import ExposureSet, RevertStopped, StagePutBack
from tests.workflows.engine import Incidents
from tests.workflows.release_sets import BOUND, set_running, story


async def failure(incident: Incidents) -> str:
    """Wait until the step failed, and return with what; then the incident is no longer needed."""
    await incident.asked(Action.RESUME)
    (failed,) = await incident.events(StepFailed)
    return failed.error


async def test_push_on_brings_the_others_there_first_and_then_tries_again(skipping: Client) -> None:
    async with set_running(skipping) as engine:
        engine.index.fails_writes = 4
        incident = await engine.revert(targets=({"target": "index"}, {"target": "exposure"}))
        await incident.result()
        told = await story(incident)
    assert [place for place in told if place[1] == 50] == [
        ("ExposureSet", 50, "exposure", 50),
        ("ExposureSet", 50, "index", 50),
    ]
    assert engine.percents["index"] == [50, 10, 0]


async def test_what_cannot_be_pushed_on_is_put_back_in_reverse_within_the_bound(skipping: Client) -> None:
    async with set_running(skipping) as engine:
        engine.index.refuses_below = 50
        incident = await engine.revert(
            targets=({"target": "exposure"}, {"target": "alias", "flips_at": 10}, {"target": "index"})
        )
        error = await failure(incident)
        told = await story(incident)
        changed = [*await incident.events(ExposureSet), *await incident.events(StagePutBack)]
        await incident.end()
    assert told[2:] == [
        ("ExposureSet", 10, "exposure", 10),
        ("ExposureSet", 10, "alias", 0),
        ("StagePutBack", 10, "alias", 100),
        ("StagePutBack", 10, "exposure", 50),
    ]
    assert engine.places[-1] == "revert/1/10/alias/back"
    assert "index could not be brought to stage 10 %: index: " in error
    assert "10 % is not to be had" in error
    assert error.endswith("put back: exposure at 50 %, alias at 100 %, index at 50 %")
    assert mixed_for(changed, stage=10) <= BOUND.total_seconds()


def mixed_for(changed: Sequence[BaseEvent], *, stage: int) -> float:
    """Return the seconds from the first to the last change of a stage."""
    times = [
        event.at
        for event in changed
        if isinstance(event, ExposureSet | StagePutBack) and event.stage == stage
    ]
    return (max(times) - min(times)).total_seconds()


async def test_push_on_tries_for_two_thirds_of_the_bound_and_not_longer(skipping: Client) -> None:
    async with set_running(skipping) as engine:
        engine.index.refuses_below = 50
        incident = await engine.revert(
            targets=({"target": "exposure"}, {"target": "index"}), stages=[10, 0], mixed_for="3m", soak="5m"
        )
        await failure(incident)
        (went,), (came,) = await incident.events(ExposureSet), await incident.events(StagePutBack)
        await incident.end()
    assert 120 <= (came.at - went.at).total_seconds() < 180


async def test_put_back_does_so_at_once_and_leaves_alone_what_was_not_tried(skipping: Client) -> None:
    async with set_running(skipping) as engine:
        engine.index.refuses_below = 60
        incident = await engine.revert(on_target_failure="put_back")
        error = await failure(incident)
        told = await story(incident)
        changed = [*await incident.events(ExposureSet), *await incident.events(StagePutBack)]
        await incident.end()
    assert told == [("ExposureSet", 50, "exposure", 50), ("StagePutBack", 50, "exposure", 100)]
    assert engine.percents == {"exposure": [50, 100]}
    assert error.endswith("put back: exposure at 100 %, index at 100 %, alias at 100 %")
    assert mixed_for(changed, stage=50) < 20


async def test_a_change_whose_answer_was_lost_is_found_and_put_back(skipping: Client) -> None:
    async with set_running(skipping) as engine:
        engine.index.silent_after_write = 5
        incident = await engine.revert(on_target_failure="put_back")
        error = await failure(incident)
        told = await story(incident)
        await incident.end()
    assert engine.percents == {"exposure": [50, 100], "index": [50, 100]}
    assert [place[2] for place in told] == ["exposure", "index", "exposure"]
    assert error.endswith("put back: exposure at 100 %, index at 100 %, alias at 100 %")


async def test_where_putting_back_fails_too_people_are_told_who_stands_where_and_since_when(
    skipping: Client,
) -> None:
    async with set_running(skipping) as engine:
        engine.index.refuses_from, engine.config.refuses_below = 60, 60
        three = ({"target": "index"}, {"target": "exposure"}, {"target": "config"})
        incident = await engine.revert(targets=three)
        error = await failure(incident)
        (stopped,) = await incident.events(RevertStopped)
        first, *_ = await incident.events(ExposureSet)
        await incident.end()
    assert f"MIXED since {first.at:%H:%M}" in error
    assert "index at 50 %, when last read, exposure at 100 %, config at 100 %" in error
    assert "index could not be put back: target memory refused: 100 % is not to be had" in error
    assert (stopped.exposure, stopped.why) == (100, error)
    assert stopped.line.startswith("Revert stopped, exposure index 50 %, exposure 100 %, config 100 %: ")


async def test_what_somebody_else_changed_is_not_put_back(waiting: Client) -> None:
    async with set_running(waiting) as engine:
        index = engine.index
        incident = await engine.about_to_revert(on_target_failure="put_back")
        index.silent_after_write = 3
        index.go_on(times=4)  # the look, then the first attempt, and the reads of the next two
        before = index.arrivals
        engine.world.leases.go_on()
        await index.reached(before + 5)
        index.put(service="chat", release="r2", percent=70)
        index.fail_times = 0
        index.go_on()
        error = await failure(incident)
        await incident.end()
    assert engine.percents == {"exposure": [50, 100], "index": [50]}
    assert "MIXED" in error


async def test_what_somebody_moved_since_we_changed_it_is_not_put_back(waiting: Client) -> None:
    async with set_running(waiting) as engine:
        engine.index.refuses_below = 60
        incident = await engine.about_to_revert(on_target_failure="put_back")
        engine.index.go_on(times=1)  # where it stands
        engine.world.leases.go_on()
        await incident.until(lambda view: any(event.event == "ExposureSet" for event in view.timeline))
        engine.world.target.put(service="chat", release="r2", percent=80)
        engine.index.go_on()
        error = await failure(incident)
        await incident.end()
    assert engine.percents == {"exposure": [50]}
    assert "MIXED since" in error
    assert "exposure could not be put back: The exposure on exposure was moved by somebody else" in error
