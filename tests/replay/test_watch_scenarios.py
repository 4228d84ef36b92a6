"""Today's runs of the watches' scenarios are those that are kept."""

from __future__ import annotations

import pytest
from temporalio.testing import WorkflowEnvironment

from tests.replay.commands import replayed
from tests.replay.digest import kinds
from tests.replay.golden import AGAIN, Golden
from tests.replay.watch_scenarios import SCENARIOS, recorded


@pytest.mark.parametrize("name", SCENARIOS)
async def test_a_run_of_today_gives_the_kinds_of_commands_that_are_kept(
    server: WorkflowEnvironment, name: str, pytestconfig: pytest.Config
) -> None:
    for workflow, history in (await recorded(server, name, SCENARIOS[name])).items():
        golden = Golden(name, workflow)
        today = await replayed(history)
        if pytestconfig.getoption("--golden", default=False):
            golden.write(history, today)
        kept = golden.history()
        before = kinds(kept, await replayed(kept))
        assert kinds(history, today) == before, f"{golden} runs otherwise than what is kept. {AGAIN}"
