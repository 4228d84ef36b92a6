"""A worker that writes one stage and then never says so: what a kill between the two looks like."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from temporalio.plugin import SimplePlugin
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

import wiring
from backout.exposure import SetExposure
from deployment import load_deployment, read_site
from worker import build_worker


class Stalls(Interceptor):
    """Keeps the answer to one stage for ever."""

    def __init__(self, stage: int) -> None:
        self.stage = stage

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002
        return _Stalls(next, self.stage)


class _Stalls(ActivityInboundInterceptor):
    def __init__(self, inner: ActivityInboundInterceptor, stage: int) -> None:
        super().__init__(inner)
        self._stage = stage

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002, ANN401  # the SDK's
        answer = await super().execute_activity(input)
        request = input.args[0]
        if isinstance(request, SetExposure) and request.percent == self._stage:
            await asyncio.Event().wait()
        return answer


async def work(stage: int, site: Path) -> None:
    """Work until killed."""
    deployment = load_deployment(read_site(site, os.environ))
    plugin = SimplePlugin("stalls", interceptors=[Stalls(stage)])
    async with wiring.open_activities(deployment, ui="") as activities:
        client = await wiring.connect(wiring.connection(os.environ), plugins=[plugin])
        await build_worker(client, activities).run()


if __name__ == "__main__":
    asyncio.run(work(int(sys.argv[1]), Path(sys.argv[2])))
