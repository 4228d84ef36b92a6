"""Today's runs of the scenarios are those that are kept: what is replayed is not of yesterday."""

from __future__ import annotations

import pytest
from temporalio.testing import WorkflowEnvironment

from tests.replay import watch_scenarios
from tests.replay.commands import replayed
from tests.replay.digest import kinds
from tests.replay.every_scenario import SCENARIOS
from tests.replay.golden import AGAIN, Golden, every_golden
from tests.replay.recording import recorded


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


def test_every_kept_history_is_of_a_scenario() -> None:
    wanted = {f"{name}/{workflow}" for name, scenario in SCENARIOS.items() for workflow in scenario.workflows}
    wanted |= {
        f"{name}/{workflow}"
        for name, scenario in watch_scenarios.SCENARIOS.items()
        for workflow in scenario.workflows
    }
    assert {str(golden) for golden in every_golden()} == wanted
