"""The one race: a piece of work against a person's interruption and a deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar
from weakref import WeakSet

from temporalio import workflow
from temporalio.exceptions import FailureError

T = TypeVar("T")


@dataclass(frozen=True)
class Finished(Generic[T]):
    """The work came to its end."""

    value: T


@dataclass(frozen=True)
class Interrupted(Generic[T]):
    """It was stopped."""

    left: T | None = None
    """What the work handed over on its way out, where it did."""


@dataclass(frozen=True)
class Overdue:
    """The deadline came first."""


async def race(
    work: Coroutine[Any, Any, T], *, until: datetime, interrupted: Callable[[], bool], summary: str
) -> Finished[T] | Interrupted[T] | Overdue:
    """Run the work until it ends, a person interrupts, or the deadline comes; what lost is cancelled.

    The work's own failure is raised. `summary` names the timer in Temporal's UI.
    """
    task = asyncio.create_task(work)
    try:
        answered = await answer(lambda: task.done() or interrupted(), until=until, summary=summary)
    except asyncio.CancelledError:
        await _halt(task)
        raise
    if task.done():
        return Finished(task.result())
    await _halt(task)
    return Interrupted(_left(task)) if answered else Overdue()


async def _halt(task: asyncio.Task[Any]) -> None:
    stop(task)
    await ended(task)


def _left(task: asyncio.Task[T]) -> T | None:
    ended_well = not task.cancelled() and task.exception() is None
    return task.result() if ended_well else None


def stop(task: asyncio.Task[Any]) -> None:
    """Cancel a task, and remember it: it stops at its next wait even if the cancellation itself is lost.

    A cancellation that meets an operation which ends in the same moment is lost in the SDK: the result comes,
    the task goes on, and asyncio's own count of cancellations is taken back.
    """
    _stopped.add(task)
    task.cancel()


def heed() -> None:
    """Stop here if this task was told to. Called before anything that waits or does.

    Raises:
        CancelledError: the task was stopped.
    """
    if is_stopped():
        raise asyncio.CancelledError


def is_stopped() -> bool:
    """Say whether this task was told to stop."""
    return asyncio.current_task() in _stopped


_stopped: WeakSet[asyncio.Task[Any]] = WeakSet()


async def answer(given: Callable[[], bool], *, until: datetime, summary: str) -> bool:
    """Wait until the answer is given or the deadline comes; say whether it was given."""
    heed()
    left = until - workflow.now()
    if left <= timedelta(0):
        return given()
    try:
        await workflow.wait_condition(given, timeout=left, timeout_summary=summary)
    except TimeoutError:
        return given()
    return True


async def unless_stopped(task: asyncio.Task[T]) -> T:
    """Wait for a task that goes on when whoever waits for it is cancelled."""
    while True:
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                raise


async def ended(task: asyncio.Task[Any]) -> None:
    """Wait for the end of cancelled work. What it failed with on its way out is logged, no more."""
    try:
        await task
    except asyncio.CancelledError:
        return
    except FailureError as failure:
        workflow.logger.warning("work failed while it was stopped: %s", failure)
