"""What was answered 202 is in its incident afterwards: the engine is down, and the gateway dies meanwhile.

The engine is down here only until a delivery has failed; `python -m bench` keeps it down for a whole minute.
"""

from __future__ import annotations

import signal
from collections.abc import Sequence
from pathlib import Path

from tests.acceptance.killing import until
from tests.acceptance.outages import kill, killed, outage

RELEASES = [f"r{number}" for number in range(8)]
BEFORE, MEANWHILE = range(3), range(3, 10)
MANY = range(50)


async def test_every_alert_answered_202_while_the_engine_hangs_is_in_its_incident_afterwards(
    tmp_path: Path,
) -> None:
    async with outage(tmp_path) as here:
        kill(here.engine, signal.SIGSTOP)
        assert set(await here.post(RELEASES, MEANWHILE)) == {202}
        await until(here.has_failed, "a delivery has failed")
        assert set(await here.post(RELEASES, MEANWHILE)) == {202}  # each of them again
        assert await here.depth() == len(RELEASES) * len(MEANWHILE)
        kill(here.engine, signal.SIGCONT)
        await until(here.is_delivered, "everything is delivered")
        arrived = await here.arrived(RELEASES)
        assert {release: once(numbers) for release, numbers in arrived.items()} == each(MEANWHILE)


async def test_a_gateway_that_is_killed_between_202_and_delivery_loses_nothing(tmp_path: Path) -> None:
    async with outage(tmp_path) as here:
        first, *others = RELEASES
        assert await here.post([first], BEFORE) == [202]
        await until(here.is_delivered, "everything is delivered")
        await killed(here.engine)
        assert set(await here.post(RELEASES, MEANWHILE)) == {202}
        await killed(here.gateway)
        await here.start_engine()
        assert await here.arrived(RELEASES) == {first: [*BEFORE]}
        await here.start_gateway()
        await until(here.is_delivered, "everything is delivered")
        arrived = await here.arrived(RELEASES)
        assert arrived == {first: [*BEFORE, *MEANWHILE], **each(MEANWHILE, others)}


async def test_a_gateway_that_is_killed_in_the_middle_of_delivery_loses_nothing_and_keeps_the_order(
    tmp_path: Path,
) -> None:
    async with outage(tmp_path) as here:
        await killed(here.engine)
        assert set(await here.post(RELEASES, MANY)) == {202}
        everything = len(RELEASES) * len(MANY)
        assert await here.depth() == everything
        await here.start_engine()

        async def has_begun() -> bool:
            return await here.depth() < everything

        await until(has_begun, "delivery has begun")
        await killed(here.gateway)
        assert 0 < await here.depth() < everything
        await here.start_gateway()
        await until(here.is_delivered, "everything is delivered")
        arrived = await here.arrived(RELEASES)
        # What was under way at the kill comes twice at most, and nothing else does.
        assert {release: once(numbers) for release, numbers in arrived.items()} == each(MANY)
        assert all(len(numbers) <= len(MANY) + 1 for numbers in arrived.values())


def each(numbers: range, releases: Sequence[str] = RELEASES) -> dict[str, list[int]]:
    """Return these alerts for each release."""
    return {release: [*numbers] for release in releases}


def once(numbers: list[int]) -> list[int]:
    """Return the numbers without immediate repeats."""
    return [number for place, number in enumerate(numbers) if place == 0 or number != numbers[place - 1]]
