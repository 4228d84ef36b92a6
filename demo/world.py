"""The demo's world: a state folder, the service, and the engine that `backout up` runs."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pwd
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import aiohttp
from jinja2 import Environment, StrictUndefined
from pydantic import BaseModel, ConfigDict

from backout.errors import BackoutError
from backout.site import Site
from backout.view import Ask
from backout.yaml_text import load_site
from demo import releases
from demo.channel import CHANNELS, MEMBERS
from demo.people import commands
from demo.processes import ROOT, Part
from demo.releases import Faults
from demo.slack.server import FakeSlack

HERE = ROOT / "demo"
_RUN = "run-"
_PROBE_S = 0.1


class DemoRunning(BackoutError):
    """Another demo runs in {folder}. Stop it first, or give this one another folder with --state."""


class FolderUnusable(BackoutError):
    """The demo cannot keep its folder in {folder}: {why}. Name another place with --state."""


class Engine(BaseModel):
    """Where `backout up` has its parts, as its state file says."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    temporal: str
    namespace: str
    ui: str
    gateway: str

    def history_of(self, incident: str) -> str:
        """Return the address of an incident's history in Temporal's UI."""
        return f"{self.ui}/namespaces/{self.namespace}/workflows/{quote(incident, safe='')}"


@contextmanager
def fresh_folder(parent: Path) -> Iterator[Path]:
    """Make a new state folder in `parent`, instead of those of earlier demos, and hold `parent` meanwhile.

    Raises:
        DemoRunning: another demo holds it.
        FolderUnusable: nothing can be made or removed there.
    """
    with ExitStack() as held:
        try:
            folder = _claim(parent, held)
        except BlockingIOError:
            raise DemoRunning(folder=parent) from None
        except OSError as error:
            raise FolderUnusable(folder=parent, why=error.strerror) from error
        yield folder


def _claim(parent: Path, held: ExitStack) -> Path:
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = held.enter_context((parent / "demo.lock").open("a"))
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    for old in parent.glob(f"{_RUN}*"):
        shutil.rmtree(old)
    folder = parent / f"{_RUN}{datetime.now(UTC):%Y%m%d-%H%M%S}"
    folder.mkdir(mode=0o700)
    return folder


class World:
    """What runs beside the story: it starts part by part, and stops in the reverse order."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.site_file = folder / "site.yaml"
        self.awaited = "the model service"
        """What the demo waits for now; its last words if it does not come."""
        self.alert_token = _new_secret(folder / "alertmanager-token")
        self.signing_secret = _new_secret(folder / "slack-signing-secret")
        self.slack = FakeSlack(
            members=MEMBERS,
            channels=CHANNELS,
            bot_token=_new_secret(folder / "slack-bot-token"),
            team="the demo",
        )
        self._port = folder / "service.port"
        registry_token = folder / "prompt-registry-token"
        _new_secret(registry_token)
        flags = folder / "flags.json"
        shutil.copy(HERE / "flags.json", flags)
        self.service_part = Part(
            "model service",
            [
                *("demo.service", "--flags", str(flags), "--port-file", str(self._port)),
                *("--registry-token", str(registry_token)),
            ],
            log=folder / "service.log",
        )
        engine = ["cli.main", "up", "--site", str(self.site_file), "--state", str(folder)]
        self.engine_part = Part(
            "engine", [*engine, "--port", "0", "--ui-port", "0"], log=folder / "backout-up.log"
        )

    @property
    def parts(self) -> tuple[Part, ...]:
        """The processes, in the order in which they start."""
        return self.service_part, self.engine_part

    @property
    def browse(self) -> str:
        """The command that brings the engine up again, with the demo's incident in its history."""
        return f"{_backout()} up --site {shortest(self.site_file)} --state {shortest(self.folder)}"

    def commands(self, ask: Ask, site: Site) -> list[str]:
        """Return what can be typed in another terminal to answer what is asked."""
        return commands(ask, people=site.people, cli=_backout(), state=shortest(self.folder))

    async def service(self) -> str:
        """Wait for the model service and return its address."""
        return f"http://127.0.0.1:{await self._wait_for('the model service', self._port)}"

    def write_site(self, *, service: str, slack: str, interactive: bool) -> Site:
        """Write the demo's site file for the addresses of the service and of Slack's API; return the site.

        In an interactive demo the account that runs it may act as each of its people.
        """
        act_as = pwd.getpwuid(os.geteuid()).pw_name if interactive else ""
        template = (HERE / "site.yaml").read_text()
        # The output is YAML with every value in quotes, not HTML.
        environment = Environment(undefined=StrictUndefined, autoescape=False, trim_blocks=True)  # noqa: S701
        text = environment.from_string(template).render(
            playbooks=HERE / "playbooks", service=service, slack=slack, act_as=act_as
        )
        self.site_file.write_text(text)
        return load_site(text, file=str(self.site_file))

    async def engine(self) -> Engine:
        """Wait for Temporal, the worker and the gateway, and return where they are."""
        return Engine.model_validate_json(await self._wait_for("the engine", self.folder / "up.json"))

    async def _wait_for(self, what: str, file: Path) -> str:
        """Wait for a file of another process. The demo's deadline bounds it, and then names it."""
        self.awaited = what
        while (text := _text(file)) is None:  # noqa: ASYNC110  # another process has no event to wait for
            await asyncio.sleep(_PROBE_S)
        return text

    async def stop(self) -> None:
        """Stop every process, the last started first."""
        for part in reversed(self.parts):
            await part.stop()
        await self.slack.close()


async def go_bad(service: str) -> datetime:
    """Spoil the candidate and return when."""
    await _put_faults(service, releases.GONE_BAD)
    return datetime.now(UTC)


async def _put_faults(service: str, faults: Faults) -> None:
    address = f"{service}/faults/{releases.CANDIDATE}"
    async with aiohttp.ClientSession() as http, http.put(address, json=faults.model_dump()) as answered:
        answered.raise_for_status()


async def on_candidate(service: str, *, users: int) -> tuple[int, int]:
    """Ask the service how many of its last users get the candidate right now; return that and of how many."""
    asked = {"release": releases.CANDIDATE, "users": str(users)}
    async with aiohttp.ClientSession() as http, http.get(f"{service}/served", params=asked) as answered:
        answered.raise_for_status()
        found = await answered.json()
        return int(found["on_release"]), int(found["users"])


def shortest(path: Path) -> str:
    """Return a path as people would write it here: relative where it is below the current folder."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def _backout() -> str:
    """Return how the `backout` command is called from here: the one beside this Python."""
    return shortest(Path(sys.executable).with_name("backout"))


def _text(file: Path) -> str | None:
    try:
        return file.read_text()
    except FileNotFoundError:
        return None


def _new_secret(file: Path) -> str:
    secret = secrets.token_urlsafe(24)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as written:
        written.write(secret)
    return secret
