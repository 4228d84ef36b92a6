"""One real dev server with time skipping for all workflow tests of a process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import TimeSkippingConfig, WorkflowEnvironment

from cli.engine import DYNAMIC_CONFIG, find_binary
from workflows.search_attributes import ALL


@asynccontextmanager
async def started(more: dict[str, str] | None = None) -> AsyncIterator[WorkflowEnvironment]:
    """Run a dev server with these settings on top of the usual ones."""
    flags = DYNAMIC_CONFIG | (more or {})
    words = [word for name, value in flags.items() for word in ("--dynamic-config-value", f"{name}={value}")]
    environment = await WorkflowEnvironment.start_time_skipping_v2(
        ts_config=TimeSkippingConfig(max_session_skip_count=100_000),
        dev_server_existing_path=str(find_binary()),
        dev_server_extra_args=words,
        dev_server_log_level="error",
        data_converter=pydantic_data_converter,
        search_attributes=list(ALL),
    )
    async with environment:
        yield environment


@pytest.fixture(scope="session")
async def server() -> AsyncIterator[WorkflowEnvironment]:
    """Return the server; time is skipped unless a test says otherwise."""
    async with started() as environment:
        yield environment


@pytest.fixture
def skipping(server: WorkflowEnvironment) -> Client:
    """Return a client whose incidents skip over every wait: for silence."""
    return server.client


@pytest.fixture
def waiting(server: WorkflowEnvironment) -> Iterator[Client]:
    """Return a client whose incidents wait in real time: for people who act."""
    with server.with_time_skipping_disabled():
        yield server.client
