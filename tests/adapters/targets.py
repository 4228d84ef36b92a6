"""Every target that the contract is held against: a new kind is one entry of KINDS."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from openfeature import api
from openfeature.contrib.provider.flagd import FlagdProvider
from openfeature.contrib.provider.flagd.config import ResolverType
from openfeature.evaluation_context import EvaluationContext

from adapters.memory import MemoryClock, MemoryTarget
from adapters.targets.flagd_file import FlagdFile
from tests.adapters import (
    haproxy_target,
    http_target,
    httproute_target,
    mlflow_target,
    unleash_target,
)
from tests.adapters.target_world import BASELINE, RELEASE, SERVICE, USERS, Kind, World


def params(wanted: Callable[[Kind], bool] = lambda _: True) -> list[object]:
    """Return the kinds that are wanted, as parameters of a test."""
    return [pytest.param(kind, id=name, marks=kind.needs) for name, kind in KINDS.items() if wanted(kind)]


@asynccontextmanager
async def _memory(request: pytest.FixtureRequest, folder: Path) -> AsyncIterator[World]:  # noqa: ARG001  # as every kind
    target = MemoryTarget(MemoryClock(), {(SERVICE, RELEASE): 100})

    async def move(percent: int) -> None:
        target.put(service=SERVICE, release=RELEASE, percent=percent)

    yield World(open=lambda: target, move=move)


@asynccontextmanager
async def _flagd_file(request: pytest.FixtureRequest, folder: Path) -> AsyncIterator[World]:  # noqa: ARG001  # as every kind
    path = folder / "flags.json"
    flag = {"state": "ENABLED", "variants": {"r1": "r1", "r2": "r2"}, "defaultVariant": "r2"}
    path.write_text(json.dumps({"flags": {"chat-release": flag}}))

    async def move(percent: int) -> None:
        document = json.loads(path.read_text())
        split = [["r2", percent], ["r1", 100 - percent]]
        document["flags"]["chat-release"]["targeting"] = {"fractional": split}
        path.write_text(json.dumps(document))

    async def on_candidate() -> set[str]:
        return await asyncio.to_thread(_given, path)

    yield World(
        open=lambda: FlagdFile(str(path), "chat-release", BASELINE), move=move, on_candidate=on_candidate
    )


def _given(path: Path) -> set[str]:
    """Return whom the flag gives the candidate, by the OpenFeature SDK with flagd's own file provider."""
    provider = FlagdProvider(resolver_type=ResolverType.FILE, offline_flag_source_path=str(path))
    api.set_provider_and_wait(provider, "contract")
    try:
        client = api.get_client("contract")
        given = {user: client.get_string_value("chat-release", "", EvaluationContext(user)) for user in USERS}
    finally:
        provider.shutdown()
    return {user for user, release in given.items() if release == RELEASE}


KINDS: Mapping[str, Kind] = {
    "memory": Kind(_memory, wired=False, guarded=False, nested=False),
    "flagd file": Kind(_flagd_file, wired=False, guarded=False),
    "HAProxy": haproxy_target.KIND,
    "HTTP": http_target.KIND,
    "HTTP pointer": http_target.POINTER,
    "MLflow model": mlflow_target.MODEL,
    "MLflow prompt": mlflow_target.PROMPT,
    "Unleash": unleash_target.KIND,
    "HTTPRoute": httproute_target.KIND,
}
