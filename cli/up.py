"""`backout up`: the engine, the worker and the gateway on this machine, as child processes."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table

import wiring
from backout.site import PushSource, Site, SlackDoor
from cli import engine, printing
from cli.places import NAMESPACE, Places, choose_places, environment_of_parts, without_temporal
from cli.processes import Child
from cli.state import UpState, claimed, write_state
from deployment import Deployment, load_deployment, read_site
from telemetry import Address, Settings
from workflows.incident import Incident

_GRACE_S = 15.0


async def bring_up(site: Path, *, state: Path, port: int, ui_port: int) -> None:
    """Run the engine, the worker and the gateway until a signal asks to stop.

    Raises:
        BackoutError: the site or a port is not usable, it runs already, or a part did not start.
    """
    at = read_site(site, os.environ)
    at.check_secrets()
    deployment = load_deployment(at)
    gateway = deployment.site.gateway
    with claimed(state):
        places = choose_places(
            port=port,
            ui_port=ui_port,
            gateway=Address(host=gateway.host, port=gateway.port),
            settings=Settings.read(os.environ),
        )
        await Up(deployment, places, state=state, environ=os.environ, console=printing.console()).run()


class Up:
    """One run of `backout up`."""

    def __init__(
        self,
        deployment: Deployment,
        places: Places,
        *,
        state: Path,
        environ: Mapping[str, str],
        console: Console,
    ) -> None:
        """Describe the processes of this deployment; nothing is started yet."""
        self._deployment = deployment
        self._places = places
        self._state = state
        self._console = console
        self._client_environ = environment_of_parts(environ, places, ui=deployment.site.ui)
        server = engine.server_command(
            port=places.temporal.port, ui_port=places.ui.port, database=state / "temporal.db"
        )
        self._engine = Child("engine", server, env=without_temporal(environ), log=state / "engine.log")
        self._worker = self._part("worker", "worker")
        self._gateway = self._part("gateway", "cli.main", "gateway", "--port", str(places.gateway.port))
        self._parts = (self._engine, self._worker, self._gateway)

    def _part(self, name: str, module: str, *arguments: str) -> Child:
        # -P: a folder of the user's that is named as one of our modules must not take its place.
        command = (sys.executable, "-P", "-m", module, *arguments, "--site", str(self._deployment.at.file))
        return Child(name, command, env=self._client_environ)

    async def run(self) -> None:
        """Start everything, keep it running until a signal asks to stop, and stop it in the reverse order."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  # a coroutine that runs has a task
        for asked in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(asked, task.cancel)
        try:
            await self._start()
            await asyncio.gather(*(part.keep(self._changed) for part in self._parts))
        except asyncio.CancelledError:
            self._say("Stopping; open incidents go on at the next 'backout up'.")
        finally:
            await self._stop()

    async def _start(self) -> None:
        await self._engine.start()
        await self._engine.until(self._engine_answers, hint=f"See {self._state / 'engine.log'}.")
        open_incidents = await self._prepare()
        await self._worker.start()
        await self._gateway.start()
        for part, at in ((self._worker, self._places.worker), (self._gateway, self._places.gateway)):
            await part.until(_page_is_well(at), hint="Its own message is above.")
        self._tell_where(open_incidents)

    async def _engine_answers(self) -> bool:
        # A lazy client: it asks once, where a connection would be tried again for seconds.
        client = await wiring.connect(wiring.connection(self._client_environ), lazy=True)
        return await engine.is_ready(client)

    async def _prepare(self) -> int:
        """Prepare the engine; return how many incidents are open in it."""
        client = await wiring.connect(wiring.connection(self._client_environ))
        await engine.prepare_namespace(client)
        query = f"WorkflowType = '{Incident.__name__}' AND ExecutionStatus = 'Running'"
        return (await client.count_workflows(query)).count

    async def _stop(self) -> None:
        # Hearing first, so that nothing new comes in; the record last.
        for part in reversed(self._parts):
            if not await part.stop(grace_s=_GRACE_S):
                self._say(f"the {part.name} did not stop within {_GRACE_S:g} s and was killed")

    def _where(self) -> UpState:
        at = self._places
        return UpState(
            pid=os.getpid(),
            site=str(self._deployment.at.file),
            temporal=str(at.temporal),
            namespace=NAMESPACE,
            ui=f"http://{at.ui}",
            gateway=f"http://{at.gateway}",
            worker=f"http://{at.worker}",
            metrics=f"http://{at.metrics}/metrics",
            pids={part.name: part.pid for part in self._parts},
        )

    def _changed(self, news: str) -> None:
        write_state(self._state, self._where())
        self._say(news)

    def _say(self, news: str) -> None:
        self._console.print(news, style="yellow")

    def _tell_where(self, open_incidents: int) -> None:
        write_state(self._state, self._where())
        where = self._where()
        site, playbooks = self._deployment.site, self._deployment.playbooks
        table = Table.grid(padding=(0, 2))
        table.add_row(
            "Gateway",
            where.gateway,
            ", ".join(doors_of(site)) or "no door is open: the site file names no secret",
        )
        table.add_row("Temporal UI", where.ui, "every incident and its history")
        table.add_row("Worker", f"{where.worker}/healthz", where.metrics)
        table.add_row("Playbooks", ", ".join(playbooks), _disarmed(self._deployment))
        table.add_row("State", str(self._state), _going_on(open_incidents))
        self._console.print(f"Backout is up for site {site.site}.", style="bold green")
        self._console.print(table)
        self._console.print("Stop with Ctrl-C; open incidents go on at the next 'backout up'.", style="dim")


def _disarmed(deployment: Deployment) -> str:
    rules = [f"{rule} of {name}" for name, why in deployment.disarmed.items() for rule in why]
    return f"not armed, so they ask for approval: {', '.join(rules)}" if rules else ""


def _going_on(count: int) -> str:
    if not count:
        return "no incident is open"
    return "1 open incident goes on" if count == 1 else f"{count} open incidents go on"


def doors_of(site: Site) -> list[str]:
    """Return what the gateway can be reached through, as people are told when it starts."""
    doors = site.gateway
    takes_pushes = any(isinstance(source, PushSource) for source in site.sources.values())
    return [
        *(f"POST /alerts/{sender}" for sender in doors.alerts.open),
        *_slack_doors(doors.slack),
        *(["POST /signals"] if takes_pushes else []),
        *(["POST /releases", "POST /rollouts", "POST /events", "GET /freeze"] if doors.releases else []),
    ]


def _slack_doors(slack: SlackDoor | None) -> list[str]:
    if slack is None:
        return []
    return ["Slack's socket"] if slack.app_token else ["POST /slack/commands", "POST /slack/interactions"]


def _page_is_well(at: Address) -> Callable[[], Awaitable[bool]]:
    async def answers() -> bool:
        try:
            async with httpx.AsyncClient(trust_env=False) as client:
                return (await client.get(f"http://{at}/healthz")).is_success
        except httpx.HTTPError:
            return False

    return answers
