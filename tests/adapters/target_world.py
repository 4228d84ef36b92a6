"""A world in which the contract of a target is tried."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import pytest

from backout.exposure import Exposure
from backout.ports import Target
from tests.adapters.wire import Wire

SERVICE, RELEASE, BASELINE, UNKNOWN = "chat", "r2", "r1", "r9"
USERS = tuple(f"user-{number}" for number in range(300))


@dataclass(frozen=True)
class World:
    """A target that begins with everybody on release r2 of chat; r1 is its baseline, r9 is unknown to it."""

    open: Callable[[], Target]
    """Opens the same target once more, as a second worker does."""
    move: Callable[[int], Awaitable[None]]
    """Lets somebody else set the exposure, past Backout."""
    levels: tuple[int, ...] = (100, 50, 10, 0)
    """Exposures that it can have, downwards."""
    wire: Wire = field(default_factory=lambda: Wire(("", 0)))
    """What lies between the target and its server, where it has one: there it can be disturbed."""
    write: bytes = b""
    """What every request that changes exposure begins with, on that wire."""
    writes: tuple[bytes, ...] = ()
    """What the requests of one change begin with, in their order, where it takes several."""
    done: bytes = b""
    """What its server answers to a change that worked."""
    stranger: Callable[[], Target] | None = None
    """Opens the target with credentials that may not change it."""
    hasty: Callable[[], Target] | None = None
    """Opens it with a time limit of 0.2 s."""
    on_candidate: Callable[[], Awaitable[set[str]]] | None = None
    """Asks which of USERS are on the candidate now, as its clients do."""


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
    nested: bool = True
    """Users at a lower stage are among those at a higher one, and its clients can be asked here."""
    wired: bool = True
    """It talks to a server, over a wire that can be disturbed."""
    guarded: bool = True
    """Its server asks who comes."""
    needs: tuple[pytest.MarkDecorator, ...] = ()
    """Skips where its server is not installed, with the line that installs it."""


async def look(target: Target) -> Exposure:
    return await target.read(service=SERVICE, release=RELEASE)


async def put(target: Target, percent: int, key: str, *, expected: str = "") -> Exposure:
    return await target.set(service=SERVICE, release=RELEASE, percent=percent, key=key, expected=expected)
