"""The engine on which scenarios are recorded, and the sandbox in which the worker runs workflows."""

from __future__ import annotations

import pytest
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import WorkflowRunner

from adapters.memory import MemoryWorld
from tests.workflows.conftest import server
from tests.workflows.engine import Engine
from worker import build_worker

__all__ = ["server"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--golden", action="store_true", help="keep what the scenarios do today")


@pytest.fixture(scope="session")
async def runner(server: WorkflowEnvironment) -> WorkflowRunner:
    """Return the very sandbox of the worker process."""
    activities = Engine(server.client, MemoryWorld()).worker().config()["activities"]
    async with build_worker(server.client, activities) as worker:
        return worker.config()["workflow_runner"]
