"""Activities run as the engine runs them: attempt after attempt, with the heartbeat of the last one."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

import pytest
from pydantic import BaseModel
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

START_TO_CLOSE = timedelta(minutes=1)
"""The time of an attempt, where a test does not say it: the second that it is by default can pass
on a busy machine."""
P = TypeVar("P")
R = TypeVar("R")


class Attempts:
    """One activity task: what an attempt tells in its heartbeat, the next one finds."""

    def __init__(self) -> None:
        self.heartbeats: list[BaseModel] = []

    async def run(self, activity: Callable[[P], Awaitable[R]], request: P) -> R:
        """Run one attempt."""
        return await self.environment().run(activity, request)

    async def failure(self, activity: Callable[[P], Awaitable[R]], request: P) -> ApplicationError:
        """Run one attempt that fails, and return with what."""
        with pytest.raises(ApplicationError) as caught:
            await self.run(activity, request)
        return caught.value

    def environment(self) -> ActivityEnvironment:
        """Return the surroundings of the next attempt."""
        environment = ActivityEnvironment()
        # As the engine hands them over: JSON, without its type.
        told = [json.loads(beat.model_dump_json()) for beat in self.heartbeats[-1:]]
        environment.info = replace(
            environment.info,
            heartbeat_details=told,
            attempt=len(told) + 1,
            start_to_close_timeout=START_TO_CLOSE,
        )
        environment.on_heartbeat = self.heartbeats.append
        return environment


async def done(activity: Callable[[P], Awaitable[R]], request: P) -> R:
    """Run an activity whose first attempt is enough."""
    return await Attempts().run(activity, request)


async def failed(activity: Callable[[P], Awaitable[R]], request: P) -> ApplicationError:
    """Return with what an activity's first attempt fails."""
    return await Attempts().failure(activity, request)
