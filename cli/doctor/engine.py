"""The doctor at the engine: can it be reached, does it keep histories long enough, does a worker poll?"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError

import wiring
from cli.doctor.report import Report, patience
from cli.engine import RETENTION
from cli.session import connection
from workflows import search_attributes
from workflows.incident import TASK_QUEUE


async def look_at_engine(report: Report, state: Path) -> None:
    """Connect as the commands do, and look at the namespace and at the task queue."""
    with report.examining("engine"):
        config = connection(state)
        client = await wiring.connect(config)
        report.ok("engine", f"Temporal answers at {config.get('target_host')}, namespace {client.namespace}")
        for look in (_retention, _attributes, _worker):
            try:
                async with patience():
                    await look(report, client)
            except RPCError as error:
                report.fail("engine", f"{error.message}. See that the namespace {client.namespace} is there.")


async def _retention(report: Report, client: Client) -> None:
    asked = DescribeNamespaceRequest(namespace=client.namespace)
    described = await client.workflow_service.describe_namespace(asked)
    kept: timedelta = described.config.workflow_execution_retention_ttl.ToTimedelta()
    if kept >= RETENTION:
        report.ok("retention", f"histories are kept for {kept.days} days")
        return
    gone = f"An incident's history is gone {kept.total_seconds() / 3600:g} h after its end."
    command = f"temporal operator namespace update -n {client.namespace} --retention {RETENTION.days}d"
    report.warn("retention", f"{gone} Keep it longer: {command}")


async def _attributes(report: Report, client: Client) -> None:
    asked = ListSearchAttributesRequest(namespace=client.namespace)
    known = (await client.operator_service.list_search_attributes(asked)).custom_attributes
    missing = [key.name for key in search_attributes.ALL if key.name not in known]
    if not missing:
        report.ok("search attributes", f"all {len(search_attributes.ALL)} are registered")
        return
    names = " ".join(f"--name {name}" for name in missing)
    report.fail(
        "search attributes",
        f"Without {', '.join(missing)} no incident can start. Run: temporal operator search-attribute create"
        f" -n {client.namespace} --type Keyword {names}",
    )


async def _worker(report: Report, client: Client) -> None:
    asked = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=TASK_QUEUE),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )
    workers = {
        poller.identity for poller in (await client.workflow_service.describe_task_queue(asked)).pollers
    }
    if workers:
        report.ok("worker", f"{len(workers)} polled task queue {TASK_QUEUE} lately")
    else:
        report.warn("worker", f"None polls task queue {TASK_QUEUE}: incidents wait until one runs.")
