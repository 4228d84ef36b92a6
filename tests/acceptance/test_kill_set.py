"""A worker that is killed anywhere in the revert of three targets: the set ends as an undisturbed one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backout.view import IncidentOutcome
from tests.acceptance.killing import killed, until
from tests.acceptance.sets import MIXED_FOR, SERVICES, STILLS, UNDISTURBED, SetWorld, set_world


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[SetWorld]:
    async with set_world(tmp_path) as world:
        yield world


async def ended(here: SetWorld, service: str) -> None:
    """Wait until an incident is over."""

    async def is_over() -> bool:
        return (await here.view(service)).summary.outcome is not IncidentOutcome.OPEN

    await until(is_over, f"the incident of {service} is over")


async def all_stand_still(here: SetWorld) -> None:
    """Wait until each incident has come to its moment."""

    async def there() -> bool:
        return all(here.stands_still(still) for still in STILLS)

    await until(there, "all stand still")


async def test_killed_at_every_change_and_soak_the_set_ends_as_an_undisturbed_one(here: SetWorld) -> None:
    first = await here.start_worker(pausing=True)
    for service in SERVICES:
        await here.open(service)
    await all_stand_still(here)
    await ended(here, UNDISTURBED)
    await killed(first)
    assert {still: here.effects(still.service) for still in STILLS} == {
        still: still.effects for still in STILLS
    }
    here.server.go_on()
    goes_on = datetime.now(UTC)
    await here.start_worker(pausing=False)
    for service in SERVICES:
        await ended(here, service)
    outcomes = {service: await here.outcome(service) for service in SERVICES}
    assert max([await here.mixed_for(service, since=goes_on) for service in SERVICES]) < MIXED_FOR
    undisturbed = outcomes.pop(UNDISTURBED)
    assert undisturbed.ended == IncidentOutcome.RECOVERED
    assert undisturbed.effects == {"traffic": (50, 10, 0), "config": (50, 10, 0), "prompt": (0,)}
    assert {service: found for service, found in outcomes.items() if found != undisturbed} == {}
