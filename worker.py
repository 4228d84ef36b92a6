"""The worker process: it takes the steps of incidents from Temporal and does them.

    python worker.py --site site.yaml

The connection comes from the Temporal SDK's own configuration: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE,
TEMPORAL_API_KEY, TEMPORAL_TLS_..., or a profile in its file. `GET /healthz` says whether the worker can work.
Exit codes: 0 stopped when asked to, 1 the site or the code is wrong, 3 Temporal is out of reach.
"""

from __future__ import annotations

import argparse
import ast
import asyncio
import gc
import inspect
import logging
import os
import pkgutil
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

import telemetry
import wiring
import workflows
from backout.errors import ActivityUnregistered, BackoutError, EngineUnreachable
from deployment import load_deployment, read_site
from telemetry import Settings
from workflows.incident import TASK_QUEUE, Incident
from workflows.revert import StagedRevert
from workflows.watch import ReleaseWatch

_log = logging.getLogger("worker")

# Not loaded again for every run: 191 ms a run without these, 25 ms with them.
_PURE = ("activities", "backout")
# 0.4 ms a run with these too. They share nothing between runs, which the tests see to in the strict sandbox.
_PROVEN = ("workflows",)
# What is cut off runs again elsewhere, under the same key.
_GRACE = timedelta(seconds=1)
_PROBE_S = 2.0
# A process that exits right after its last connection closed may crash in the SDK's native threads.
_SETTLE_S = 0.1


def called_activities(modules: Sequence[ModuleType]) -> dict[str, object]:
    """Return the activities that workflow modules name, as `Class.method`."""
    found = {}
    for module in modules:
        for owner, method in _attributes(module):
            candidate = vars(module).get(owner)
            if inspect.isclass(candidate) and candidate.__module__.startswith("activities."):
                found[f"{owner}.{method}"] = getattr(candidate, method)
    return found


def _attributes(module: ModuleType) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield node.value.id, node.attr


def check_registered(activities: Sequence[Callable[..., Any]]) -> None:
    """See that every activity that a workflow calls is there: Temporal would retry an unknown one for ever.

    Raises:
        ActivityUnregistered: some are missing.
    """
    modules = [import_module(f"workflows.{found.name}") for found in pkgutil.iter_modules(workflows.__path__)]
    registered = {getattr(method, "__func__", method) for method in activities}
    missing = [name for name, method in called_activities(modules).items() if method not in registered]
    if missing:
        raise ActivityUnregistered(names=", ".join(sorted(missing)))


def sandbox(*, strict: bool = False) -> SandboxedWorkflowRunner:
    """Return what workflows run in. `strict` loads them anew for every run and watches what they touch."""
    passed = _PURE if strict else (*_PURE, *_PROVEN)
    return SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules(*passed))


def build_worker(client: Client, activities: Sequence[Callable[..., Any]]) -> Worker:
    """Return the worker, checked and tuned, not yet running.

    Raises:
        ActivityUnregistered: an activity that workflows call is missing.
    """
    check_registered(activities)
    return Worker(
        client,
        task_queue=TASK_QUEUE,
        workflows=[Incident, StagedRevert, ReleaseWatch],
        activities=activities,
        workflow_runner=sandbox(),
        # Each watched release holds a slot for as long as it is watched; it costs nothing while it waits.
        max_concurrent_activities=5000,
        # Each open incident stays in memory, 0.5 MB each: an update is then answered in milliseconds.
        max_cached_workflows=2000,
        # When this worker is killed, another takes over after this long.
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=1),
        # "Stop now" reaches an activity with its next heartbeat, also on a server that cannot push it.
        max_heartbeat_throttle_interval=timedelta(seconds=0.5),
        default_heartbeat_throttle_interval=timedelta(seconds=0.5),
        graceful_shutdown_timeout=_GRACE,
    )


async def health(client: Client, worker: Worker) -> dict[str, Any]:
    """Return `status: ok` only while the worker runs and Temporal answers."""
    running = worker.is_running and not worker.is_shutdown
    try:
        async with asyncio.timeout(_PROBE_S):
            reachable = await client.service_client.check_health()
    except (TimeoutError, RPCError):
        reachable = False
    return {
        "status": "ok" if running and reachable else "down",
        "worker": "running" if running else "stopped",
        "temporal": "reachable" if reachable else "unreachable",
        "address": client.service_client.config.target_host,
        "namespace": client.namespace,
        "task_queue": TASK_QUEUE,
    }


async def run(settings: Settings) -> None:
    """Run the worker until a signal asks it to stop; a second signal does not wait for what is in flight."""
    task = asyncio.current_task()
    assert task is not None  # noqa: S101  # a coroutine that runs has a task
    for asked in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(asked, task.cancel)
    try:
        await _work(settings)
    except asyncio.CancelledError:
        _log.info("Stopped")
    finally:
        await asyncio.sleep(_SETTLE_S)


async def _work(settings: Settings) -> None:
    async with AsyncExitStack() as stack:
        # The tracer closes last, when there are no more spans.
        plugins = stack.enter_context(telemetry.tracing("backout-worker", os.environ))
        deployment = load_deployment(read_site(Path(settings.site), os.environ))
        connection = wiring.connection(os.environ)
        namespace = connection.get("namespace", "default")
        opened = wiring.open_activities(deployment, ui=settings.ui, namespace=namespace)
        activities = await stack.enter_async_context(opened)
        runtime = telemetry.metered_runtime(settings)
        client = await wiring.connect(connection, plugins=plugins, runtime=runtime)
        worker = await stack.enter_async_context(build_worker(client, activities))
        page = telemetry.health_page(settings.worker_health, lambda: health(client, worker))
        at = await stack.enter_async_context(page)
        engine = client.service_client.config.target_host
        _log.info("Started", extra={"site": deployment.site.site, "temporal": engine, "health": str(at)})
        # What is loaded by now stays: to look through it for garbage would hold up an answer by 30 ms.
        gc.freeze()
        await asyncio.Event().wait()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the worker from the command line; return the exit code."""
    try:
        settings = _settings(arguments)
        asyncio.run(run(settings))
    except BackoutError as error:
        _log.error("%s", error)  # the message says what to do; a traceback would hide it
        return 3 if isinstance(error, EngineUnreachable) else 1
    except asyncio.CancelledError:
        return 130
    return 0


def _settings(arguments: Sequence[str] | None) -> Settings:
    settings = Settings.read(os.environ)
    parser = argparse.ArgumentParser(
        prog="worker.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--site", default=settings.site, help="the site file (BACKOUT_SITE; default: %(default)s)"
    )
    settings = settings.model_copy(update={"site": parser.parse_args(arguments).site})
    telemetry.set_up_logging(settings)
    return settings


if __name__ == "__main__":
    sys.exit(main())
