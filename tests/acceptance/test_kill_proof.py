"""A worker that is killed while it proves what a revert has done: another one proves it as if undisturbed."""

from __future__ import annotations

from pathlib import Path

from backout.view import IncidentOutcome
from tests.acceptance.killing import killed, until
from tests.acceptance.proofs import CHECKED, SERVED, SERVICES, UNDISTURBED, Proofs, proofs


async def ended(here: Proofs, service: str) -> None:
    """Wait until an incident is over."""

    async def is_over() -> bool:
        return (await here.view(service)).summary.outcome is not IncidentOutcome.OPEN

    await until(is_over, f"the incident of {service} is over")


async def both_are_under_way(here: Proofs) -> None:
    """Wait until one incident is in the midst of its served step, and the other of its check."""

    async def there() -> bool:
        return here.service.still == {SERVED, CHECKED}

    await until(there, "both stand still")
    assert "ask_served" in await here.under_way(SERVED)
    assert "run_check" in await here.under_way(CHECKED)


async def test_killed_in_a_served_step_and_in_a_check_both_end_as_an_undisturbed_one(tmp_path: Path) -> None:
    async with proofs(tmp_path) as here:
        first = await here.world.start_worker()
        for service in (SERVED, CHECKED):
            await here.open(service)
        await both_are_under_way(here)
        await killed(first)
        assert len(here.service.purges[CHECKED]) == 1, "it had its effect, and no answer"
        here.service.go_on()
        await here.world.start_worker()
        await here.open(UNDISTURBED)
        for service in SERVICES:
            await ended(here, service)
        outcomes = {service: await here.outcome(service) for service in SERVICES}
    undisturbed = outcomes.pop(UNDISTURBED)
    assert undisturbed.ended == IncidentOutcome.RECOVERED
    assert undisturbed.exposures == (50, 10, 0)
    assert (undisturbed.purges, undisturbed.sessions) == (1, (True, True))
    assert ("forgotten", True) in undisturbed.told
    assert ("users", "clean", "") in undisturbed.told
    assert {service: found for service, found in outcomes.items() if found != undisturbed} == {}
