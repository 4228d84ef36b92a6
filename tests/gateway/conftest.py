"""The real engine for the gateway's tests: one dev server for each test process, empty before each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

import pytest
import pytest_asyncio
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from adapters.memory import MemoryWorld
from gateway.freezing import Freeze
from gateway.incidents import Incidents
from gateway.pace import Pace
from gateway.registering import Releases
from gateway.rollouts import Rollouts
from gateway.watches import Watches
from tests.gateway.running import PATIENCE_S, Gateway, connect, emptied, gateway_over, start_engine
from tests.workflows.engine import Engine
from workflows.incident import TASK_QUEUE

PATIENCE = (
    "demo.slack.methods.WITHIN_S",
    "demo.slack.signed.WITHIN_S",
    "demo.slack.socket.WITHIN_S",
    "gateway.registering.WITHIN_S",
    "gateway.slack_commands.ACT_S",
    "gateway.slack_commands.LIST_S",
    "gateway.slack_interactions.ACT_S",
    "gateway.slack_interactions.FORM_S",
    "gateway.slack_people.ASK_S",
    "gateway.slack_socket.FINISH_S",
)
"""How long Slack waits, and whoever answers it; that they fit is `test_every_answer_is_in_time`'s."""
ASKING = (Freeze, Incidents, Releases, Rollouts, Watches)
"""Whose calls have deadlines of their own, where a test gives none."""


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a busy machine take its time; Slack does not."""
    for place in PATIENCE:
        monkeypatch.setattr(place, float(PATIENCE_S))
    for call in (call for kind in ASKING for call in vars(kind).values()):
        if "within_s" in (unless_given := getattr(call, "__kwdefaults__", None) or {}):
            monkeypatch.setitem(unless_given, "within_s", float(PATIENCE_S))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def engine() -> AsyncIterator[WorkflowEnvironment]:
    """Return the engine itself."""
    async with await start_engine() as environment:
        yield environment


@pytest.fixture
async def client(engine: WorkflowEnvironment) -> AsyncIterator[Client]:
    """Return a client of an engine without open incidents."""
    client = await connect(engine.client.service_client.config.target_host)
    # Also before: not every test that opens something has this client.
    await emptied(client)
    yield client
    await emptied(client)


@pytest.fixture
async def worker(client: Client) -> AsyncIterator[None]:
    """Run a worker over a fake world."""
    engine = Engine(client, MemoryWorld())
    engine.queue = TASK_QUEUE
    async with engine.worker():
        yield


@pytest.fixture
async def gateway(client: Client) -> AsyncIterator[Gateway]:
    """Run the gateway over the engine and a fake outbox."""
    async with gateway_over(client) as gateway:
        yield gateway


@pytest.fixture
async def alone() -> AsyncIterator[Gateway]:
    """Run the gateway without an engine."""
    async with gateway_over(await connect("127.0.0.1:9", lazy=True)) as gateway:
        yield gateway


@pytest.fixture
def _no_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing be earned while a test uses up what a sender may bring in: it takes as long as it takes."""
    for place in ("app", "signals"):
        monkeypatch.setattr(f"gateway.{place}.Pace", partial(Pace, clock=lambda: 0.0))
