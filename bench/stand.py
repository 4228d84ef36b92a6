"""The test stand: one engine, Backout's real processes and the bare pair beside them."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from temporalio.client import Client

import wiring
from bench.files import SERVICES, expose, metrics_page, write_site
from bench.pager import Pager, pager
from cli.engine import is_ready, prepare_namespace, server_command
from cli.places import Places, choose_places, environment_of_parts, without_temporal
from cli.processes import Child
from telemetry import Address, Settings

GRACE_S = 10.0
ANYWHERE = Address(host="127.0.0.1", port=0)


@dataclass
class Stand:
    """What runs, and where."""

    folder: Path
    places: Places
    client: Client
    stack: AsyncExitStack
    engine: Child
    pager: Pager
    bare: str = ""
    """The address of the bare app."""
    workers: int = 0
    """So many workers were started."""

    @property
    def gateway(self) -> str:
        """The address of the gateway."""
        return f"http://{self.places.gateway}"

    async def run(self, name: str, *command: str, well: str = "") -> Child:
        """Start a Python process and wait until its page at `well` answers; it is stopped at the end."""
        child = Child(
            name,
            [sys.executable, *command],
            env=environment_of_parts(os.environ, self.places, ui=""),
            log=self.folder / f"{name}.log",
        )
        await child.start()
        self.stack.push_async_callback(child.stop, grace_s=GRACE_S)
        if well:
            await child.until(lambda: answers(well), hint=f"See {self.folder / f'{name}.log'}.")
        return child

    async def start_engine(self) -> None:
        """Start the engine again on its file, and wait until it answers."""
        await self.engine.start()
        await self.engine.until(lambda: is_ready(self.client), hint=f"See {self.folder / 'engine.log'}.")

    async def run_worker(self, *, wait: bool = True) -> Child:
        """Start a worker of Backout with ports of its own, and wait until it is well."""
        self.workers += 1
        free = free_places()
        self.places = self.places.model_copy(update={"worker": free.worker, "metrics": free.metrics})
        site = str(self.folder / "site.yaml")
        well = f"http://{free.worker}/healthz" if wait else ""
        return await self.run(f"worker-{self.workers}", "-m", "worker", "--site", site, well=well)


@asynccontextmanager
async def set_up(folder: Path) -> AsyncIterator[Stand]:
    """Run the engine, as `backout up` sets it up, and every process but Backout's workers."""
    places = free_places()
    async with AsyncExitStack() as stack:
        metrics = await stack.enter_async_context(metrics_page())
        paging = await stack.enter_async_context(pager())
        site = write_site(folder, metrics=metrics, pager=paging.url)
        for name in (*SERVICES, "bare"):
            expose(folder / f"{name}.json", "none")
        engine, client = await _engine(folder, places, stack)
        stand = Stand(folder, places, client, stack, engine, paging)
        port = str(places.gateway.port)
        health = f"{stand.gateway}/healthz"
        await stand.run("gateway", "-m", "bench.gateway", str(site), port, well=health)
        await _bare_pair(stand)
        yield stand


async def _engine(folder: Path, places: Places, stack: AsyncExitStack) -> tuple[Child, Client]:
    command = server_command(port=places.temporal.port, ui_port=places.ui.port, database=folder / "engine.db")
    child = Child("engine", command, env=without_temporal(os.environ), log=folder / "engine.log")
    client = await wiring.connect({"target_host": str(places.temporal)}, lazy=True)
    await child.start()
    stack.push_async_callback(child.stop, grace_s=GRACE_S)
    await child.until(lambda: is_ready(client), hint=f"See {folder / 'engine.log'}.")
    await prepare_namespace(client)
    return child, client


async def _bare_pair(stand: Stand) -> None:
    free = free_places().gateway
    address = str(stand.places.temporal)
    stand.bare = f"http://{free}"
    await stand.run("bare-worker", "-m", "bench.bare", "worker", address, str(stand.folder / "bare.json"))
    await stand.run(
        "bare-app", "-m", "bench.bare", "app", address, str(free.port), well=f"{stand.bare}/alerts"
    )


def free_places() -> Places:
    """Return ports that nobody listens on."""
    settings = Settings(worker_health=ANYWHERE, metrics=ANYWHERE)
    return choose_places(port=0, ui_port=0, gateway=ANYWHERE, settings=settings)


async def answers(url: str) -> bool:
    """Say whether anything answers there."""
    try:
        async with httpx.AsyncClient(trust_env=False) as http:
            return not (await http.get(url)).is_server_error
    except httpx.HTTPError:
        return False


def memory_mb(child: Child) -> float:
    """Return the memory that a process holds now."""
    pages = int(Path(f"/proc/{child.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def cpu_s(child: Child) -> float:
    """Return the seconds of processor time that a process has taken so far."""
    fields = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
