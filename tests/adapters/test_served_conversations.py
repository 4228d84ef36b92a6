"""Conversations in flight against a real service: what finish, migrate and restart each hold it to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from datetime import timedelta
from typing import Any

import pytest

from backout.release_sets import Conversations
from backout.serving import AskServed, Session
from backout.serving_verdicts import Finding, Served, Verdict
from tests.adapters.served_world import World, served_world
from tests.unit.attempts import Attempts

FINISH, MIGRATE, RESTART = Conversations.FINISH, Conversations.MIGRATE, Conversations.RESTART
STICKY: dict[str, Any] = {"path": "session", "cookies": ["SRV"], "sessions": 2}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with served_world() as world:
        world.sticky = True
        yield world


async def after(rounds: int, world: World, asking: Awaitable[dict[str, Finding]]) -> asyncio.Task[Finding]:
    """Let so many rounds be asked, and stop before the next."""
    world.clock.pause()
    world.clock.go_on(times=rounds - 1)

    async def finding() -> Finding:
        return (await asking)["sticky"]

    task = asyncio.create_task(finding())
    await world.clock.reached(world.clock.arrivals + rounds)
    return task


async def begun(world: World, **config: object) -> tuple[Session, ...]:
    world.probe("sticky", "balancer", **{**STICKY, **config})
    sessions = await world.begun()
    world.revert()
    return sessions


def let_go(world: World) -> None:
    """End the stickiness: whoever comes goes where all go."""
    world.pinned.clear()


async def test_a_conversation_that_finishes_where_it_began_is_listed_and_no_failure(world: World) -> None:
    asking = await after(12, world, world.found(*await begun(world), conversations=FINISH))
    let_go(world)
    world.clock.go_on()
    finding = await asking
    assert finding.verdict is Verdict.CLEAN
    assert finding.kept == "s1 until 09:00:55 UTC, s2 until 09:00:55 UTC"


async def test_a_conversation_that_is_switched_is_named_with_the_releases_that_answered_it(
    world: World,
) -> None:
    asking = await after(4, world, world.found(*await begun(world), conversations=FINISH))
    let_go(world)
    world.clock.go_on()
    finding = await asking
    assert finding.verdict is Verdict.MIXED
    assert finding.why == (
        "conversation s1 was answered by r2, then by r1; conversation s2 was answered by r2, then by r1"
    )


@pytest.mark.parametrize("policy", [MIGRATE, None], ids=["migrate", "no policy"])
async def test_a_switch_is_what_migrate_is_for(world: World, policy: Conversations | None) -> None:
    asking = await after(4, world, world.found(*await begun(world), conversations=policy))
    let_go(world)
    world.clock.go_on()
    assert (await asking).verdict is Verdict.CLEAN


@pytest.mark.parametrize("policy", [FINISH, MIGRATE])
async def test_a_conversation_that_outlives_the_lag_on_the_candidate_is_pinned(
    world: World, policy: Conversations
) -> None:
    found = await world.found(*await begun(world), conversations=policy)
    assert found["sticky"].verdict is Verdict.PINNED_SESSION


async def test_a_conversation_that_was_to_be_ended_and_goes_on_is_named(world: World) -> None:
    asking = await after(2, world, world.found(*await begun(world), conversations=RESTART))
    let_go(world)
    world.clock.go_on()
    finding = await asking
    assert finding.verdict is Verdict.CONTINUED
    assert "conversation s1 was to be ended, and r2 went on with it" in finding.why


@pytest.mark.parametrize("policy", Conversations)
async def test_a_conversation_that_the_service_ends_is_over_and_the_next_one_is_another(
    world: World, policy: Conversations
) -> None:
    sessions = await begun(world)
    world.over = True
    finding = (await world.found(*sessions, conversations=policy))["sticky"]
    assert (finding.verdict, finding.why) == (Verdict.CLEAN, "")


async def test_the_next_conversation_of_the_same_user_may_be_with_another_release(world: World) -> None:
    sessions = await begun(world, lasts="20s")
    asking = await after(4, world, world.found(*sessions, conversations=FINISH))
    let_go(world)
    world.clock.go_on()
    finding = await asking
    assert (finding.verdict, finding.why) == (Verdict.CLEAN, "")


async def test_only_the_cookies_that_are_named_are_kept_and_sent(world: World) -> None:
    sessions = await begun(world)
    assert {cookie.name for session in sessions for cookie in session.cookies} == {"SRV"}
    assert len({session.cookies for session in sessions}) == 2, "each user has its own"


async def test_a_killed_worker_goes_on_with_the_same_users_and_the_same_end(world: World) -> None:
    request: AskServed = world.request(*await begun(world), conversations=FINISH)
    attempts = Attempts()
    world.clock.pause()
    world.clock.go_on(times=3)
    first = asyncio.create_task(attempts.run(world.activities.ask_served, request))
    await world.clock.reached(world.clock.arrivals + 4)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    world.clock.go_on()
    # Nobody asked while no worker ran.
    world.clock.advance(timedelta(seconds=20))
    asking = asyncio.create_task(attempts.run(world.activities.ask_served, request))
    await asking
    served: Served = asking.result()
    (finding,) = served.findings
    assert "session s1 was answered by r2 after the lag, 3 of 3 times" in finding.why
    # Two users and a new one: 4 rounds before the kill, 5 up to the end that was set then, and 3 after it.
    assert finding.asked == 2 + 3 * (4 + 5 + 3)
