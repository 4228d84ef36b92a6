"""A worker that is killed anywhere in the revert of three targets: the set ends as an undisturbed one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backout.view import IncidentOutcome
from tests.acceptance.killing import killed, until
from tests.acceptance.sets import MIXED_FOR, STAGES, STILLS, UNDISTURBED, SetWorld, Still, set_world


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[SetWorld]:
    async with set_world(tmp_path) as world:
        yield world


async def ended(here: SetWorld, service: str) -> None:
    """Wait until an incident is over."""

    async def is_over() -> bool:
        return (await here.view(service)).summary.outcome is not IncidentOutcome.OPEN

    await until(is_over, f"the incident of {service} is over")


async def all_stand_still(here: SetWorld, stills: Sequence[Still]) -> None:
    """Wait until each incident has come to its moment."""

    async def there() -> bool:
        return all(here.stands_still(still) for still in stills)

    await until(there, f"these stand still: {[still.service for still in stills]}")


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: f"at {stage} %")
async def test_killed_at_every_change_and_soak_the_set_ends_as_an_undisturbed_one(
    here: SetWorld, stage: int
) -> None:
    # A change without an answer is given up after 13 s: those that stand still do so at the same time.
    stills = [still for still in STILLS if still.percent == stage]
    first = await here.start_worker(pausing=True)
    for still in stills:
        await here.open(still.service)
    await all_stand_still(here, stills)
    await killed(first)
    assert {still: here.effects(still.service) for still in stills} == {
        still: still.effects for still in stills
    }
    here.server.go_on()
    goes_on = datetime.now(UTC)
    await here.start_worker(pausing=False)
    await here.open(UNDISTURBED)
    services = [*(still.service for still in stills), UNDISTURBED]
    for service in services:
        await ended(here, service)
    outcomes = {service: await here.outcome(service) for service in services}
    assert max([await here.mixed_for(service, since=goes_on) for service in services]) < MIXED_FOR
    undisturbed = outcomes.pop(UNDISTURBED)
    assert undisturbed.ended == IncidentOutcome.RECOVERED
    assert undisturbed.effects == {"traffic": (50, 10, 0), "config": (50, 10, 0), "prompt": (0,)}
    assert {service: found for service, found in outcomes.items() if found != undisturbed} == {}
