"""The composition root: a site file becomes adapters, activities and a gateway.

This is the only module that knows every concrete part. A new kind of source, target, channel, check or store
is a model in backout/site.py, a file below adapters/ and one case here.

What talks to a vendor is imported where it is built: a command that only asks the engine starts twice as fast
without the others, and a site pays only for what it names.
"""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, assert_never

from pydantic import BaseModel
from temporalio.client import Client, Plugin
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.envconfig import ClientConfig, ClientConnectConfig
from temporalio.runtime import Runtime

from activities.checks import CheckActivities
from activities.exposure import ExposureActivities
from activities.people import PeopleActivities
from activities.records import RecordActivities
from activities.signals import SignalActivities
from adapters.clock import SystemClock
from backout import ports
from backout import site as site_models
from backout.errors import (
    EngineUnreachable,
    FileUnreadable,
    InvalidDocument,
    NoPlaybooks,
    SecretMissing,
    UnknownName,
)
from backout.lint import checked_playbook
from backout.playbook import Playbook
from backout.site import SecretRef, Site
from backout.yaml_text import load_site
from gateway.incidents import Incidents

if TYPE_CHECKING:
    from starlette.applications import Starlette

CONNECT_S = 10.0
DEFAULT_ADDRESS = "localhost:7233"
TEMPLATES = Path(__file__).resolve().parent / "templates"

Activity: TypeAlias = Callable[..., Any]


@dataclass(frozen=True)
class SiteFile:
    """A site file, read and checked, and where its secrets are looked up."""

    file: Path
    site: Site
    environ: Mapping[str, str] = field(repr=False)

    def path(self, text: str) -> Path:
        """Return a path of the site file; a relative one starts at the file's own folder."""
        return self.file.parent / Path(text).expanduser()

    def secret(self, ref: SecretRef) -> str:
        """Return the secret itself.

        Raises:
            SecretMissing: its place is empty or cannot be read.
        """
        if ref.file is None:
            found = self.environ.get(ref.env or "", "")
        else:
            try:
                found = self.path(ref.file).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise SecretMissing(place=ref.place) from error
        if not found:
            raise SecretMissing(place=ref.place)
        return found

    def check_secrets(self) -> None:
        """See that every secret that the file names is there. `SecretMissing`: one is not."""
        for ref in _secrets_of(self.site):
            self.secret(ref)


@dataclass(frozen=True)
class Deployment:
    """A site with everything that its file names."""

    at: SiteFile
    playbooks: Mapping[str, Playbook]
    templates: Mapping[str, str]

    @property
    def site(self) -> Site:
        """The site."""
        return self.at.site


def _secrets_of(value: object) -> Iterator[SecretRef]:
    match value:
        case SecretRef():
            yield value
        case BaseModel():
            yield from _secrets_of([part for _, part in value])
        case dict():
            yield from _secrets_of([*value.values()])
        case list() | tuple():
            for part in value:
                yield from _secrets_of(part)


def read_site(file: Path, environ: Mapping[str, str]) -> SiteFile:
    """Read a site file.

    Raises:
        FileUnreadable: it cannot be read.
        InvalidDocument: it is wrong; every problem is in it.
    """
    file = file.resolve()
    remedy = "Write one with 'backout init', or name yours with --site or BACKOUT_SITE."
    text = _text(file, what="The site file", remedy=remedy)
    return SiteFile(file=file, site=load_site(text, file=str(file)), environ=environ)


def load_deployment(at: SiteFile) -> Deployment:
    """Read the playbooks and templates of a site.

    Raises:
        FileUnreadable: a playbook cannot be read.
        InvalidDocument: a playbook is wrong; every problem of every playbook is in it.
        NoPlaybooks: the folder of the playbooks holds none.
        UnknownName: a route names a playbook that is not there.
    """
    templates = load_templates()
    playbooks = _playbooks(at.path(at.site.playbooks), at.site, templates)
    for route in at.site.routes:
        if route.playbook not in playbooks:
            raise UnknownName(kind="playbook", name=route.playbook, known=playbooks)
    return Deployment(at=at, playbooks=playbooks, templates=templates)


def load_templates(folder: Path = TEMPLATES) -> dict[str, str]:
    """Return the text of every template by its path below the folder, such as `postmortem/standard.md.j2`."""
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in folder.rglob("*.j2")
    }


def _playbooks(folder: Path, site: Site, templates: Mapping[str, str]) -> dict[str, Playbook]:
    found: dict[str, Playbook] = {}
    problems: list[str] = []
    for path in sorted(folder.glob("*.yaml")):
        text = _text(path, what="The playbook", remedy="See who may read it.")
        try:
            playbook = checked_playbook(text, file=str(path), templates=templates, site=site)
        except InvalidDocument as error:
            problems.extend(error.problems)
        else:
            found[playbook.playbook] = playbook
    if problems:
        raise InvalidDocument(problems)
    if not found:
        raise NoPlaybooks(folder=folder)
    return found


def _text(path: Path, *, what: str, remedy: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise FileUnreadable(what=what, path=path, why=error.strerror, remedy=remedy) from error
    except UnicodeDecodeError as error:
        raise FileUnreadable(
            what=what, path=path, why="it is not UTF-8", remedy="Save it as UTF-8."
        ) from error


class Adapters:
    """Builds the adapters that a site names; the stack closes them."""

    def __init__(self, at: SiteFile, stack: AsyncExitStack) -> None:
        """Build for this site."""
        self._at = at
        self._stack = stack

    def sources(self) -> dict[str, ports.Source]:
        """Return every source by name."""
        return {name: self.source(config) for name, config in self._at.site.sources.items()}

    def source(self, config: site_models.Source) -> ports.Source:
        """Return one source. `SecretMissing`: its token is not there."""
        match config:
            case site_models.ExpositionSource():
                from adapters.sources.exposition import ExpositionMetrics  # noqa: PLC0415  # see the module's docstring

                token = self._at.secret(config.token) if config.token else None
                source = ExpositionMetrics(config.url, config.timeout, token)
                self._stack.push_async_callback(source.aclose)
                return source
            case _:
                assert_never(config)

    def targets(self) -> dict[str, ports.Target]:
        """Return every target by name."""
        return {name: self.target(config) for name, config in self._at.site.targets.items()}

    def target(self, config: site_models.Target) -> ports.Target:
        """Return one target."""
        match config:
            case site_models.FlagdFileTarget():
                from adapters.targets.flagd_file import FlagdFile  # noqa: PLC0415  # see the module's docstring

                return FlagdFile(str(self._at.path(config.path)), config.flag, config.baseline, config.by)
            case _:
                assert_never(config)

    def channels(self) -> dict[str, ports.Channel]:
        """Return every channel by name."""
        return {name: self.channel(config) for name, config in self._at.site.channels.items()}

    def channel(self, config: site_models.Channel) -> ports.Channel:
        """Return one channel. `SecretMissing`: its token is not there."""
        match config:
            case site_models.SlackChannel():
                from adapters.channels.slack import SlackWeb  # noqa: PLC0415  # see the module's docstring

                slack = SlackWeb(token=self._at.secret(config.token), channel=config.channel, api=config.api)
                self._stack.push_async_callback(slack.aclose)
                return slack
            case site_models.TerminalChannel():
                from adapters.channels.terminal import Terminal  # noqa: PLC0415  # see the module's docstring

                return Terminal(sys.stdout)
            case _:
                assert_never(config)

    def checks(self) -> dict[str, ports.Check]:
        """Return every integrity check by name."""
        return {name: self.check(name, config) for name, config in self._at.site.checks.items()}

    def check(self, name: str, config: site_models.Check) -> ports.Check:
        """Return one integrity check."""
        match config:
            case site_models.HttpCheck():
                from adapters.checks.http import HttpChecker  # noqa: PLC0415  # see the module's docstring

                check = HttpChecker(
                    name=name,
                    url=config.url,
                    timeout=config.timeout,
                    status=config.status,
                    expect=config.expect,
                )
                self._stack.push_async_callback(check.aclose)
                return check
            case _:
                assert_never(config)

    def store(self) -> ports.Store:
        """Return the store."""
        from adapters.stores.sqlite import SqliteStore  # noqa: PLC0415  # see the module's docstring

        config = self._at.site.store
        store = SqliteStore(
            path=str(self._at.path(config.path)), documents=str(self._at.path(config.documents))
        )
        self._stack.push_async_callback(store.aclose)
        return store

    def outbox(self) -> ports.Outbox:
        """Return the outbox."""
        from adapters.stores.outbox import SqliteOutbox  # noqa: PLC0415  # see the module's docstring

        outbox = SqliteOutbox(path=str(self._at.path(self._at.site.gateway.outbox)))
        self._stack.push_async_callback(outbox.aclose)
        return outbox


@asynccontextmanager
async def open_adapters(at: SiteFile) -> AsyncIterator[Adapters]:
    """Yield the builder of a site's adapters; close what it built."""
    async with AsyncExitStack() as stack:
        yield Adapters(at, stack)


@asynccontextmanager
async def open_activities(
    deployment: Deployment, *, ui: str, namespace: str = "default"
) -> AsyncIterator[tuple[Activity, ...]]:
    """Yield every activity of the worker, over the site's adapters; close these after use.

    `ui` is the address of Temporal's UI where the site file names none, `namespace` that of the incidents.
    """
    async with open_adapters(deployment.at) as adapters:
        channels, templates = adapters.channels(), deployment.templates
        ui = deployment.site.ui or ui
        history = f"{ui.rstrip('/')}/namespaces/{namespace}/workflows" if ui else ""
        yield activities_of(
            SignalActivities(sources=adapters.sources(), clock=SystemClock()),
            ExposureActivities(targets=adapters.targets()),
            PeopleActivities(
                channels=channels, directory=deployment.site.people, templates=templates, history=history
            ),
            CheckActivities(checks=adapters.checks()),
            RecordActivities(store=adapters.store(), channels=channels, templates=templates, history=history),
        )


@asynccontextmanager
async def open_gateway(deployment: Deployment, client: Client) -> AsyncIterator[Starlette]:
    """Yield the gateway's web application; close its outbox after use.

    Raises:
        SecretMissing: a door's secret is not there.
    """
    from prometheus_client import CollectorRegistry, ProcessCollector  # noqa: PLC0415  # see the module's docstring

    from gateway.app import build_app  # noqa: PLC0415  # see the module's docstring

    at, registry = deployment.at, CollectorRegistry()
    alertmanager, slack = at.site.gateway.alerts.alertmanager, at.site.gateway.slack
    ProcessCollector(registry=registry)
    async with open_adapters(at) as adapters:
        yield build_app(
            incidents=Incidents(client=client),
            outbox=adapters.outbox(),
            playbooks=deployment.playbooks,
            site=at.site,
            alertmanager_token=at.secret(alertmanager.token) if alertmanager else None,
            slack_signing_secret=at.secret(slack.signing_secret) if slack else None,
            registry=registry,
        )


def activities_of(*owners: object) -> tuple[Activity, ...]:
    """Return the activities of these objects: every public method of an activity class is one."""
    return tuple(
        method
        for owner in owners
        for name, method in inspect.getmembers(owner, inspect.ismethod)
        if not name.startswith("_")
    )


def connection(environ: Mapping[str, str]) -> ClientConnectConfig:
    """Return the connection that the environment and its configuration file name, the SDK's own way.

    Raises:
        EngineUnreachable: the configuration cannot be read.
    """
    try:
        return ClientConfig.load_client_connect_config(override_env_vars=dict(environ))
    except (RuntimeError, ValueError, OSError) as error:
        raise EngineUnreachable(
            address=environ.get("TEMPORAL_ADDRESS", DEFAULT_ADDRESS), why=error
        ) from error


async def connect(
    config: ClientConnectConfig,
    *,
    plugins: Sequence[Plugin] = (),
    runtime: Runtime | None = None,
    lazy: bool = False,
) -> Client:
    """Connect to Temporal; a lazy client connects with its first call.

    Raises:
        EngineUnreachable: it does not answer, or refuses.
    """
    address = config.get("target_host", DEFAULT_ADDRESS)
    options = ClientConnectConfig(**{**config, "target_host": address})
    try:
        async with asyncio.timeout(CONNECT_S):
            return await Client.connect(
                **options, data_converter=pydantic_data_converter, plugins=plugins, runtime=runtime, lazy=lazy
            )
    except (RuntimeError, TimeoutError, ValueError) as error:
        why = str(error) or f"no answer within {CONNECT_S:g} s"
        raise EngineUnreachable(address=address, why=why) from error
