"""A worker that is killed loses nothing and doubles nothing: another one goes on where it stood."""

from __future__ import annotations

from pathlib import Path

from backout.view import IncidentOutcome
from tests.acceptance.killing import World, killed, stages, until, world


async def is_as_if_undisturbed(here: World) -> None:
    """See that the incident ended well, and that file and timeline know each stage exactly once."""
    view = await here.ended()
    place = f"{view.summary.incident}@{view.summary.run}/revert/1"
    ledger = here.ledger()
    assert view.summary.outcome is IncidentOutcome.RECOVERED
    assert stages(view) == [(100, 50), (50, 10), (10, 0)]
    assert ledger.done == {f"{place}/50": 50, f"{place}/10": 10, f"{place}/0": 0}
    assert ledger.generation == 3


async def test_killed_in_a_soak_the_revert_goes_on_with_the_next_stage(tmp_path: Path) -> None:
    # The soak is long enough for a test on a busy machine to find the incident in it.
    async with world(tmp_path, authority="auto", soak="4s") as here:
        first = await here.start_worker()
        await here.open()
        await until(lambda: here.is_exposed(10), "exposure is 10 %")
        await until(lambda: here.is_beating("soak-10"), "the stage soaks")
        await killed(first)
        await here.start_worker()
        await is_as_if_undisturbed(here)


async def test_killed_between_a_write_and_its_answer_the_stage_is_written_once(tmp_path: Path) -> None:
    async with world(tmp_path, authority="auto") as here:
        first = await here.start_worker(stalls_after=10)
        await here.open()
        await until(lambda: here.is_exposed(10), "exposure is 10 %")
        await until(lambda: here.is_beating("set-exposure-1-10"), "its answer is kept")
        await killed(first)
        await here.start_worker()
        await is_as_if_undisturbed(here)


async def test_killed_while_an_approval_is_awaited_the_next_worker_acts_on_it(tmp_path: Path) -> None:
    async with world(tmp_path, authority="approve") as here:
        first = await here.start_worker()
        await here.open()
        await until(here.is_asked, "people are asked")
        await killed(first)
        assert not here.was_changed
        await here.start_worker()
        await here.approve()
        await is_as_if_undisturbed(here)
