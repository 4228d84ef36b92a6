"""Every target, in a world of its own in which its contract is tried: a new kind is one entry of KINDS."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pytest

from adapters.memory import MemoryClock, MemoryTarget
from adapters.targets.flagd_file import FlagdFile
from backout.exposure import Exposure
from backout.ports import Target
from tests.adapters.wire import Wire

SERVICE, RELEASE, BASELINE, UNKNOWN = "chat", "r2", "r1", "r9"


@dataclass(frozen=True)
class World:
    """A target that begins with everybody on release r2 of chat; r1 is its baseline, r9 is unknown to it."""

    open: Callable[[], Target]
    """Opens the same target once more, as a second worker does."""
    move: Callable[[int], Awaitable[None]]
    """Lets somebody else set the exposure, past Backout."""
    levels: tuple[int, ...] = (100, 50, 10, 0)
    """Exposures that it can have, downwards."""
    wire: Wire | None = None
    """What lies between the target and its server, where it has one: there it can be disturbed."""
    stranger: Callable[[], Target] | None = None
    """Opens the target with credentials that may not change it."""


Begin: TypeAlias = Callable[[pytest.FixtureRequest, Path], AbstractAsyncContextManager[World]]
"""Begins a world in an empty folder. Fixtures that it takes from the request must not be asynchronous."""


@dataclass(frozen=True)
class Kind:
    """A kind of target, and what its system is able to promise."""

    begin: Begin
    remembers_keys: bool = True
    """A key that was used is known by its system: a late repeat of it does nothing."""
    takes_turns: bool = True
    """Its system compares and sets at once: of two writers with one expected generation, one is refused."""
    percentage: bool = True
    """It holds any percent; else it is a pointer, whose levels are 100 and 0."""
    wired: bool = True
    """It talks to a server, over a wire that can be disturbed."""
    needs: tuple[pytest.MarkDecorator, ...] = ()
    """Skips where its server is not installed, with the line that installs it."""


def params(wanted: Callable[[Kind], bool] = lambda _: True) -> list[object]:
    """Return the kinds that are wanted, as parameters of a test."""
    return [pytest.param(kind, id=name, marks=kind.needs) for name, kind in KINDS.items() if wanted(kind)]


async def look(target: Target) -> Exposure:
    return await target.read(service=SERVICE, release=RELEASE)


async def put(target: Target, percent: int, key: str, *, expected: str = "") -> Exposure:
    return await target.set(service=SERVICE, release=RELEASE, percent=percent, key=key, expected=expected)


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

    yield World(open=lambda: FlagdFile(str(path), "chat-release", BASELINE), move=move)


KINDS: Mapping[str, Kind] = {
    "memory": Kind(_memory, wired=False),
    "flagd file": Kind(_flagd_file, wired=False),
}
