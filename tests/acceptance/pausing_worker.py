"""A worker that stands still at chosen moments: before a file is written, after it, and in a soak."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from temporalio import activity
from temporalio.plugin import SimplePlugin
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

import wiring
from backout.exposure import SetExposure
from backout.requests import Observe
from deployment import load_deployment, read_site
from worker import build_worker

PAUSES = "pauses.json"
"""The file beside the site file that says where: the moment of each service."""
PAUSED = "paused"
"""The folder beside it in which each service that stands still has a file."""


class Pauses(Interceptor):
    """Keeps every attempt at its moment for ever."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.moments: dict[str, str] = json.loads((folder / PAUSES).read_text())

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002
        return _Pauses(next, self)


class _Pauses(ActivityInboundInterceptor):
    def __init__(self, inner: ActivityInboundInterceptor, pauses: Pauses) -> None:
        super().__init__(inner)
        self._pauses = pauses

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002, ANN401  # the SDK's
        request = input.args[0]
        await self._pause_at(request, "before")
        answer = await super().execute_activity(input)
        await self._pause_at(request, "after")
        return answer

    async def _pause_at(self, request: BaseModel, when: str) -> None:
        if not isinstance(request, SetExposure | Observe):
            return
        what = activity.info().activity_id
        if isinstance(request, SetExposure):
            what = f"{request.target} {request.percent}"
        if self._pauses.moments.get(request.service) != f"{when} {what}":
            return
        (self._pauses.folder / PAUSED / request.service).touch()
        while True:
            # A watch that is silent is taken for dead; what a change has told must stay its last word.
            if isinstance(request, Observe):
                activity.heartbeat()
            await asyncio.sleep(0.5)


async def work(site: Path) -> None:
    """Work until killed."""
    deployment = load_deployment(read_site(site, os.environ))
    plugin = SimplePlugin("pauses", interceptors=[Pauses(site.parent)])
    async with wiring.open_activities(deployment, ui="") as activities:
        client = await wiring.connect(wiring.connection(os.environ), plugins=[plugin])
        await build_worker(client, activities).run()


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1])))
