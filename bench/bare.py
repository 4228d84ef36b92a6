"""The bare pair: an app that starts a workflow for each POST or answers one, and its worker.

python -m bench.bare app ADDRESS PORT | python -m bench.bare worker ADDRESS FLAG_FILE
"""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from temporalio import activity
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Worker

from adapters.targets.flagd_file import FlagdFile
from bench.bare_workflow import OneAnswer, OneChange
from bench.files import BASELINE, FLAG

TASK_QUEUE = "bare"


async def app(address: str, port: int) -> None:
    """Serve until killed."""
    client = await Client.connect(address, data_converter=pydantic_data_converter)

    async def alert(request: Request) -> JSONResponse:
        release = (await request.json())["release"]
        await client.start_workflow(OneChange.run, release, id=f"bare/{release}", task_queue=TASK_QUEUE)
        return JSONResponse({"accepted": release}, 202)

    async def ask(request: Request) -> JSONResponse:
        release = (await request.json())["release"]
        await client.start_workflow(OneAnswer.run, id=f"asked/{release}", task_queue=TASK_QUEUE)
        return JSONResponse({"accepted": release}, 202)

    async def answer(request: Request) -> JSONResponse:
        release = (await request.json())["release"]
        handle = client.get_workflow_handle(f"asked/{release}")
        return JSONResponse({"answer": await handle.execute_update(OneAnswer.answer, release)})

    paths = {"/alerts": alert, "/asks": ask, "/answers": answer}
    routes = [Route(path, does, methods=["POST"]) for path, does in paths.items()]
    config = uvicorn.Config(Starlette(routes=routes), port=port, log_config=None, access_log=False)
    await uvicorn.Server(config).serve()


async def work(address: str, file: str) -> None:
    """Work until killed."""
    target = FlagdFile(file, FLAG, BASELINE)

    @activity.defn
    async def set_exposure(release: str) -> int:
        key = activity.info().workflow_id or release
        return (await target.set(service="bare", release=release, percent=50, key=key)).percent

    worker = Worker(
        await Client.connect(address, data_converter=pydantic_data_converter),
        task_queue=TASK_QUEUE,
        workflows=[OneChange, OneAnswer],
        activities=[set_exposure],
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=1),
    )
    await worker.run()


if __name__ == "__main__":
    part, engine, place = sys.argv[1:]
    asyncio.run(app(engine, int(place)) if part == "app" else work(engine, place))
