"""Served-version proof against a real service: each fault in front of it is caught and named."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from backout.serving_verdicts import Verdict
from tests.adapters.served_world import World, served_world

STICKY: dict[str, Any] = {"path": "session", "cookies": ["SRV"], "sessions": 3}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with served_world() as world:
        yield world


def everywhere(world: World) -> None:
    world.probe("one", "replica-1", path="replica")
    world.probe("two", "replica-2", path="replica", release_header="X-Release")
    world.probe("edge", "cache", path="cache")
    world.probe("web", "balancer", sessions=4)
    world.probe("sticky", "balancer", **STICKY)


async def test_a_service_that_is_back_everywhere_is_clean_on_every_path(world: World) -> None:
    everywhere(world)
    sessions = await world.begun()
    assert [session.release for session in sessions] == ["r2", "r2", "r2"]
    world.revert()
    found = await world.found(*sessions)
    assert {probe: finding.verdict for probe, finding in found.items()} == dict.fromkeys(
        ("one", "two", "edge", "web", "sticky"), Verdict.CLEAN
    )
    assert found["sticky"].seen[0].release == "r2", "what began before is told too"
    assert found["web"].asked == found["web"].seen[0].times == 4 * (12 + 3)


async def test_a_stuck_replica_is_caught_and_named(world: World) -> None:
    everywhere(world)
    sessions = await world.begun()
    world.replicas[1].stuck = True
    world.revert()
    found = await world.found(*sessions)
    assert found["one"].verdict is Verdict.CLEAN
    assert (found["two"].verdict, found["two"].why) == (
        Verdict.STUCK_REPLICA,
        "it was answered by r2 after the lag, 3 of 3 times",
    )
    assert found["web"].verdict is Verdict.STILL_SERVED


async def test_a_stale_cache_is_caught_and_named_with_what_it_says_of_itself(world: World) -> None:
    everywhere(world)
    sessions, world.cached = await world.begun(), True
    await world.probes["edge"].ask(service="chat", session="somebody")
    world.revert()
    found = await world.found(*sessions)
    assert found["edge"].verdict is Verdict.STALE_CACHE
    assert "(Age: 37, x-cache: HIT, via: 1.1 edge)" in found["edge"].why
    assert {found[name].verdict for name in ("one", "two", "web", "sticky")} == {Verdict.CLEAN}


async def test_a_pinned_session_is_caught_and_named_and_new_ones_are_not(world: World) -> None:
    everywhere(world)
    world.sticky = True
    sessions = await world.begun()
    world.revert()
    found = await world.found(*sessions)
    assert found["sticky"].verdict is Verdict.PINNED_SESSION
    assert "session s1 was answered by r2 after the lag, 3 of 3 times" in found["sticky"].why
    assert "session s3" in found["sticky"].why
    assert "new session" not in found["sticky"].why
    assert found["web"].verdict is Verdict.CLEAN


async def test_a_session_that_begins_only_after_the_revert_proves_nothing(world: World) -> None:
    world.probe("sticky", "balancer", **STICKY)
    world.revert()
    found = await world.found()
    assert (found["sticky"].verdict, found["sticky"].why) == (
        Verdict.BLIND,
        "no session of it began before the revert, so nothing shows whether one is pinned",
    )


async def test_a_way_that_gives_no_answer_is_blind_and_hinders_no_other(world: World) -> None:
    everywhere(world)
    sessions = await world.begun()
    world.revert()
    world.replicas[1].down = True
    found = await world.found(*sessions)
    assert found["two"].verdict is Verdict.BLIND
    assert "answered 503" in found["two"].why
    assert found["one"].verdict is Verdict.CLEAN


async def test_a_release_that_is_neither_of_the_two_is_named(world: World) -> None:
    world.probe("one", "replica-1", path="replica")
    world.replicas[0].release = "r0"
    found = await world.found()
    assert (found["one"].verdict, found["one"].why) == (
        Verdict.UNKNOWN,
        "it was answered by r0, which is neither r1 nor r2",
    )


async def test_without_a_known_baseline_any_release_but_the_candidate_will_do(world: World) -> None:
    everywhere(world)
    del world.probes["sticky"], world.probes["edge"]
    world.replicas[0].release, world.replicas[1].release = "r0", "r2"
    found = await world.found(baseline="")
    assert found["one"].verdict is Verdict.CLEAN
    assert found["two"].verdict is Verdict.STUCK_REPLICA


async def test_what_answers_before_the_lag_is_over_is_told_and_no_failure(world: World) -> None:
    world.probe("one", "replica-1", path="replica")
    world.clock.pause()
    world.clock.go_on(times=2)
    asking = asyncio.create_task(world.found())
    await world.clock.reached(3)
    world.revert()
    world.clock.go_on()
    finding = (await asking)["one"]
    assert finding.verdict is Verdict.CLEAN
    assert [(one.release, one.times) for one in finding.seen] == [("r2", 3), ("r1", 12)]


async def test_the_first_of_the_last_rounds_is_right_after_the_lag(world: World) -> None:
    world.probe("one", "replica-1", path="replica")
    world.revert()
    (seen,) = (await world.found(lag_s=7))["one"].seen
    # At 0 s and 5 s, at the end of the lag, and twice after it.
    assert (seen.times, (seen.last - seen.first).total_seconds()) == (5, 17)
