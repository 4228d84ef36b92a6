"""Call an activity: the one place where a workflow does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from workflows.options import Options
from workflows.waiting import heed

S = TypeVar("S")
P = TypeVar("P")
R = TypeVar("R")


async def do(
    activity: Callable[[S, P], Awaitable[R]],
    request: P,
    options: Options,
    *,
    summary: str,
    activity_id: str | None = None,
) -> R:
    """Have the activity done with these options; `summary` is what Temporal's UI shows for it.

    Raises:
        ActivityError: it failed, after the retries that the options allow.
        CancelledError: it was cancelled, because whoever waited for it was.
    """
    heed()
    try:
        return await _execute(activity, request, options, summary=summary, activity_id=activity_id)
    except ActivityError as failure:
        if is_cancelled_exception(failure):
            raise asyncio.CancelledError from failure
        raise


async def _execute(
    activity: Callable[[S, P], Awaitable[R]],
    request: P,
    options: Options,
    *,
    summary: str,
    activity_id: str | None,
) -> R:
    return await workflow.execute_activity_method(
        activity,
        request,
        activity_id=activity_id,
        summary=summary[:SUMMARY_LENGTH],
        start_to_close_timeout=options.start_to_close,
        schedule_to_close_timeout=options.schedule_to_close,
        heartbeat_timeout=options.heartbeat,
        retry_policy=options.retry_policy,
        cancellation_type=options.cancellation,
    )


SUMMARY_LENGTH = 200
"""Temporal refuses longer summaries (in bytes, 400)."""
