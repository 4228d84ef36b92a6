"""Targets that are taken over from another incident are told of, whatever becomes of an answer."""

from __future__ import annotations

from datetime import UTC, datetime

from activities.leasing import LeaseActivities
from adapters.memory_leases import MemoryLeases
from backout.leasing import Leased, TakeLeases
from tests.unit.attempts import Attempts, done

REQUEST = TakeLeases(
    targets=("alias", "cache", "router"),
    service="chat",
    incident="incident/chat/r3",
    at=datetime(2026, 1, 5, 12, 0, tzinfo=UTC),
    instead_of="incident/chat/r2",
)


def held(**targets: str) -> MemoryLeases:
    """Return leases of the chat service that these releases' incidents have."""
    leases = MemoryLeases()
    leases.held = {(target, "chat"): f"incident/chat/{release}" for target, release in targets.items()}
    return leases


async def test_a_take_over_whose_answer_was_lost_is_told_of_by_the_next_attempt() -> None:
    leases, attempts = held(cache="r2", router="r2"), Attempts()
    take = LeaseActivities(leases=leases).take_leases
    leases.loses_answers = 1
    assert (await attempts.failure(take, REQUEST)).type == "Unreachable"
    assert leases.held["cache", "chat"] == REQUEST.incident
    assert await attempts.run(take, REQUEST) == Leased(taken_over=("cache", "router"))


async def test_what_another_one_has_by_then_was_not_taken_over() -> None:
    leases, attempts = held(cache="r2", router="r2"), Attempts()
    take = LeaseActivities(leases=leases).take_leases
    leases.loses_answers = 1
    await attempts.failure(take, REQUEST)
    leases.held["cache", "chat"] = "incident/chat/r4"
    expected = Leased(target="cache", holder="incident/chat/r4")
    assert await attempts.run(take, REQUEST) == expected


async def test_only_what_the_other_one_had_is_taken_over() -> None:
    leases = held(router="r2")
    assert await done(LeaseActivities(leases=leases).take_leases, REQUEST) == Leased(taken_over=("router",))
    assert await done(LeaseActivities(leases=leases).take_leases, REQUEST) == Leased()
