"""Today's runs of the scenarios are those that are kept: what is replayed is not of yesterday."""

from __future__ import annotations

import pytest
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import WorkflowRunner

from tests.replay.commands import replayed
from tests.replay.digest import kinds
from tests.replay.golden import AGAIN, Golden, every_golden
from tests.replay.recording import recorded
from tests.replay.scenarios import SCENARIOS


@pytest.mark.parametrize("name", SCENARIOS)
async def test_a_run_of_today_gives_the_kinds_of_commands_that_are_kept(
    server: WorkflowEnvironment, runner: WorkflowRunner, name: str, pytestconfig: pytest.Config
) -> None:
    for workflow, history in (await recorded(server, name, SCENARIOS[name])).items():
        golden = Golden(name, workflow)
        today = await replayed(history, runner)
        if pytestconfig.getoption("--golden", default=False):
            golden.write(history, today)
        kept = golden.history()
        before = kinds(kept, await replayed(kept, runner))
        assert kinds(history, today) == before, f"{golden} runs otherwise than what is kept. {AGAIN}"


def test_every_kept_history_is_of_a_scenario() -> None:
    kept = {str(golden) for golden in every_golden()}
    reverts = {f"{name}/revert-{n + 1}" for name, played in SCENARIOS.items() for n in range(played.reverts)}
    assert kept == {f"{name}/incident" for name in SCENARIOS} | reverts
