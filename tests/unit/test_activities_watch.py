"""The watch of a release tells of transitions and looks together with others; a cancelled one hands over."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from temporalio.activity import ActivityCancellationDetails
from temporalio.testing import ActivityEnvironment

from activities.signals import SignalActivities
from adapters.memory import START, MemoryWorld
from adapters.stores.memory import MemoryMarks
from backout.counting import MarkedEvent
from backout.evaluation import Outcome
from backout.requests import Observation, Observe
from tests.unit.attempts import Attempts, done
from tests.unit.observing import MINUTE, PLAYBOOK, observed, request, watching

DAY = timedelta(days=1)
GAP = PLAYBOOK.criteria[0].model_dump(mode="json")


def asked(**changes: Any) -> Observe:  # noqa: ANN401  # any field
    return request("watch", window=PLAYBOOK.tick, lasting=DAY, **changes)


async def test_a_healthy_release_is_watched_to_the_end_without_a_word() -> None:
    world = MemoryWorld()
    world.heal()
    seen = await observed(world, request("watch", window=PLAYBOOK.tick, lasting=60 * MINUTE))
    assert seen.ticks == 240
    assert world.clock.now() - START == 60 * MINUTE


async def test_a_rule_that_fires_is_told_at_once_and_again_only_after_it_was_armed() -> None:
    world = MemoryWorld()
    seen = await observed(world, asked())
    assert (seen.evaluation.rule, seen.evaluation.outcome) == ("critical", Outcome.FIRED)
    rest = await observed(
        world, request("watch", window=PLAYBOOK.tick, lasting=30 * MINUTE, resume=seen.watch)
    )
    assert rest.evaluation.outcome is not Outcome.FIRED
    assert rest.watch is not None
    assert seen.watch is not None
    assert rest.ticks == seen.ticks + 120


async def test_blindness_is_told_once_and_so_is_its_end() -> None:
    world = MemoryWorld()
    world.heal()
    await watched_for(world, 5 * MINUTE)
    begun = await watched_for(world, 5 * MINUTE)
    world.source.blind = True
    blind = await observed(world, asked(resume=begun.watch))
    assert blind.evaluation.blind[0].source == "metrics"
    still = await watched_for(world, 10 * MINUTE, blind)
    assert still.ticks == blind.ticks + 40
    world.source.blind = False
    seeing = await observed(world, asked(resume=still.watch))
    assert seeing.evaluation.blind == ()
    assert seeing.ticks < still.ticks + 8


async def watched_for(
    world: MemoryWorld, lasting: timedelta, after: Observation | None = None
) -> Observation:
    """Watch for so long at most."""
    resume = after.watch if after else None
    return await observed(world, request("watch", window=PLAYBOOK.tick, lasting=lasting, resume=resume))


async def test_many_watches_look_at_the_same_moments() -> None:
    world = MemoryWorld()
    world.heal()
    world.clock.advance(timedelta(seconds=7))
    moments: list[datetime] = []
    look = world.source.look

    async def noted(**asked: Any) -> Any:  # noqa: ANN401  # the port's own shape
        moments.append(world.clock.now())
        return await look(**asked)

    world.source.look = noted  # type: ignore[method-assign]  # it still does all
    await watched_for(world, timedelta(seconds=38))
    assert [(moment - START).total_seconds() for moment in moments] == [15, 30, 45]


async def test_a_watch_that_its_workflow_cancels_hands_over_how_far_it_came() -> None:
    world = MemoryWorld()
    handed = await stopped(watching(world), world, request())
    assert (handed.ticks, handed.evaluation.outcome) == (7, Outcome.INCONCLUSIVE)
    world.clock.go_on()
    on = await observed(world, request(resume=handed.watch))
    assert (on.evaluation.outcome, on.ticks) == (Outcome.FIRED, 17)
    assert world.clock.now() - START == 4 * MINUTE


async def test_a_watch_that_goes_on_looks_again_one_tick_after_its_last_look() -> None:
    world = MemoryWorld()
    handed = await stopped(watching(world), world, request())
    world.clock.go_on()
    world.clock.advance(timedelta(seconds=5))
    on = await observed(world, request(resume=handed.watch, lasting=timedelta(seconds=12)))
    # After ten seconds, and where its time ended.
    assert on.ticks == handed.ticks + 2


async def stopped(activities: SignalActivities, world: MemoryWorld, asked: Observe) -> Observation:
    """Let a watch look seven times, then cancel it as its workflow does."""
    world.clock.go_on(times=6)
    environment = ActivityEnvironment()
    running = asyncio.create_task(environment.run(activities.observe, asked))
    await world.clock.reached(7)
    environment.cancel()
    return await running


async def test_a_watch_that_its_workflow_cancels_before_it_saw_anything_says_so() -> None:
    world = MemoryWorld()
    world.source.pause()
    environment = ActivityEnvironment()
    running = asyncio.create_task(environment.run(watching(world).observe, request()))
    await world.source.reached(1)
    environment.cancel()
    seen = await running
    assert seen.evaluation.reasons == ("the signals were not looked at yet",)


async def test_a_worker_that_stops_leaves_the_watch_to_another() -> None:
    world = MemoryWorld()
    world.clock.pause()
    environment = ActivityEnvironment()
    running = asyncio.create_task(environment.run(watching(world).observe, request()))
    await world.clock.reached(1)
    environment.cancel(ActivityCancellationDetails(worker_shutdown=True))
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_every_look_is_told_in_the_heartbeat_also_of_a_watch_that_beats_seldom() -> None:
    world, attempts = MemoryWorld(), Attempts()
    world.heal()
    await attempts.run(watching(world).observe, request("watch", lasting=5 * MINUTE))
    assert {getattr(beat, "ticks", 0) for beat in attempts.heartbeats} >= set(range(2, 20))


PAGED = {"missing": {"do": "page"}}


async def test_blindness_that_calls_people_ends_a_watch_once() -> None:
    world = MemoryWorld()
    world.source.blind = True
    paged = [GAP | PAGED]
    seen = await observed(world, request(criteria=paged))
    assert (seen.ticks, seen.evaluation.blind[0].do) == (4, "page")
    on = await observed(world, request(criteria=paged, resume=seen.watch, answered=["blind:metrics"]))
    assert on.ticks == 44


OUTAGE = MarkedEvent(
    key="o1",
    kind="provider_outage",
    what="the provider is down",
    start=START + MINUTE,
    end=START + 30 * MINUTE,
)
VETOED: dict[str, Any] = {
    "occasions": {"outage": {"kind": "provider_outage"}},
    "vetoes": [
        {
            "id": "elsewhere",
            "when": {"any_of": ["outage"]},
            "blocks": ["critical"],
            "max_hold": "1h",
            "decide_by": ["commander"],
        }
    ],
}


async def test_an_event_that_was_marked_holds_a_rule_back_while_it_goes_on() -> None:
    world, marks = MemoryWorld(), MemoryMarks()
    await marks.mark(event=OUTAGE)
    activities = watching(world, marks)
    seen = await done(activities.observe, request(lasting=DAY, **VETOED))
    assert seen.evaluation.rule == "critical"
    assert world.clock.now() - START == 30 * MINUTE


async def test_events_that_cannot_be_read_hold_nothing_back_and_that_is_said() -> None:
    marks = MemoryMarks()
    await marks.mark(event=OUTAGE)
    marks.unreachable = True
    seen = await done(watching(MemoryWorld(), marks).observe, request(**VETOED))
    assert seen.evaluation.rule == "critical"
    assert "marked events are not known" in seen.evaluation.not_counted[-1]
