"""The real engine for the gateway's tests: one dev server for each test process."""

from __future__ import annotations

import asyncio
import sysconfig
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from prometheus_client import CollectorRegistry
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from adapters.stores.memory import MemoryOutbox
from backout.ports import Outbox
from gateway.app import build_app
from gateway.incidents import Incidents
from tests.gateway.tiny_incident import TinyIncident
from tests.gateway.world import PLAYBOOKS, SIGNING_SECRET, SITE, TOKEN
from workflows.incident import TASK_QUEUE
from workflows.search_attributes import ALL
