"""The composition root: a site file becomes adapters, activities and a gateway.

This is the only module that knows every concrete part. A new kind of source, target, channel, check or store
is a model in backout/site.py, backout/targets.py or backout/checks.py, a file below adapters/ and one case
here, or in the `opening.py` beside that file.

What talks to a vendor is imported where it is built: a command that only asks the engine starts twice as fast
without the others, and a site pays only for what it names.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar, runtime_checkable

from temporalio.client import Client, Plugin
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.envconfig import ClientConfig, ClientConnectConfig
from temporalio.runtime import Runtime

from activities.baselines import BaselineActivities
from activities.checks import CheckActivities
from activities.exposure import ExposureActivities
from activities.leasing import LeaseActivities
from activities.people import PeopleActivities
from activities.quarantining import QuarantineActivities
from activities.records import RecordActivities
from activities.serving import ServingActivities
from activities.signals import SignalActivities
from activities.witnesses import Witnesses
from adapters.clock import SystemClock
from backout import checks as check_models
from backout import ports
from backout import site as site_models
from backout import targets as target_models
from backout.errors import EngineUnreachable
from backout.probes import Probe
from backout.rotas import Rota
from deployment import Deployment, SiteFile
from gateway.incidents import Incidents

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from adapters.fetch import Access
    from backout.secret import BasicAuth, SecretRef
    from gateway.app import Secrets

CONNECT_S = 10.0
DEFAULT_ADDRESS = "localhost:7233"

Activity: TypeAlias = Callable[..., Any]


@runtime_checkable
class _Closes(Protocol):
    async def aclose(self) -> None:
        """Close what is open."""


Closable = TypeVar("Closable", bound=_Closes)


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
        """Return one source. `SecretMissing`, `FileUnreadable`: what it needs to be let in is not there."""
        from adapters.sources.opening import open_source  # noqa: PLC0415  # see the module's docstring
        from adapters.sources.shared import SharedLooks  # noqa: PLC0415  # see the module's docstring

        opened = open_source(config, access=self._access, secret=self._at.secret, path=self._at.path)
        return SharedLooks(self._closed_at_the_end(opened) if isinstance(opened, _Closes) else opened)

    def targets(self) -> dict[str, ports.Target]:
        """Return every target by name."""
        return {name: self.target(config) for name, config in self._at.site.targets.items()}

    def target(self, config: target_models.Target) -> ports.Target:
        """Return one target. `SecretMissing`, `FileUnreadable`: what it needs to be let in is not there."""
        from adapters.targets.opening import open_target  # noqa: PLC0415  # see the module's docstring

        target = open_target(config, access=self._access, path=self._at.path)
        return self._closed_at_the_end(target) if isinstance(target, _Closes) else target

    def _access(
        self,
        token: SecretRef | None,
        basic: BasicAuth | None = None,
        ca: str | None = None,
        client_cert: str | None = None,
        client_key: str | None = None,
    ) -> Access:
        """Return what lets us into a system."""
        from adapters.fetch import Access  # noqa: PLC0415  # see the module's docstring
        from adapters.tls import tls_context  # noqa: PLC0415  # see the module's docstring

        secret, files = self._at.secret, (ca, client_cert, client_key)
        authority, certificate, key = (self._at.path(file) if file else None for file in files)
        return Access(
            token=secret(token) if token else None,
            basic=(basic.user, secret(basic.password)) if basic else None,
            tls=tls_context(ca=authority, certificate=certificate, key=key) if any(files) else None,
        )

    def channels(self) -> dict[str, ports.Channel]:
        """Return every channel by name, each at its pace."""
        from adapters.channels.pace import paced  # noqa: PLC0415  # see the module's docstring

        configs = self._at.site.channels
        return {name: paced(self.channel(config), name, config.kind) for name, config in configs.items()}

    def channel(self, config: site_models.Channel) -> ports.Channel:
        """Return one channel. `SecretMissing`, `FileUnreadable`: what it needs to be let in is not there."""
        from adapters.channels.opening import open_channel  # noqa: PLC0415  # see the module's docstring

        channel = open_channel(config, secret=self._at.secret, path=self._at.path)
        return self._closed_at_the_end(channel) if isinstance(channel, _Closes) else channel

    def slack_calls(self) -> ports.SlackCalls:
        """Return what the Slack door calls Slack through. `SecretMissing`: its token is not there."""
        from adapters.channels.slack_calls import SlackCallsWeb  # noqa: PLC0415  # see the module's docstring

        door = self._at.site.gateway.slack
        token = self._at.secret(door.token) if door and door.token else None
        return self._closed_at_the_end(SlackCallsWeb(token, door.api if door else ""))

    def rotas(self) -> dict[str, ports.OnCall]:
        """Return every rota by name."""
        return {name: self.rota(config) for name, config in self._at.site.rotas.items()}

    def rota(self, config: Rota) -> ports.OnCall:
        """Return one rota. `SecretMissing`, `FileUnreadable`: its token is not there."""
        from adapters.rotas.opening import open_rota  # noqa: PLC0415  # see the module's docstring

        rota = open_rota(config, secret=self._at.secret)
        return self._closed_at_the_end(rota) if isinstance(rota, _Closes) else rota

    def checks(self) -> dict[str, ports.Check]:
        """Return every integrity check by name."""
        return {name: self.check(name, config) for name, config in self._at.site.checks.items()}

    def check(self, name: str, config: check_models.Check) -> ports.Check:
        """Return one integrity check."""
        from adapters.checks.opening import Reach, open_check  # noqa: PLC0415  # see the module's docstring

        at = self._at
        reach = Reach(at.secret, at.path, lambda source: self.source(at.site.sources[source]), self.registry)
        check = open_check(name, config, reach)
        if isinstance(check.behind, _Closes):
            self._closed_at_the_end(check.behind)
        return check

    def probes(self) -> dict[str, ports.Probe]:
        """Return every probe by name."""
        return {name: self.probe(name, config) for name, config in self._at.site.probes.items()}

    def probe(self, name: str, config: Probe) -> ports.Probe:
        """Return one probe. `SecretMissing`, `FileUnreadable`: what it needs to be let in is not there."""
        from adapters.probes.http import HttpProbe  # noqa: PLC0415  # see the module's docstring

        return self._closed_at_the_end(HttpProbe(name, config, self._access(config.token, ca=config.ca)))

    def store(self) -> ports.Store:
        """Return the store."""
        from adapters.stores.sqlite import SqliteStore  # noqa: PLC0415  # see the module's docstring

        documents = self._at.path(self._at.site.store.documents)
        return self._closed_at_the_end(SqliteStore(path=self._kept, documents=str(documents)))

    def outbox(self) -> ports.Outbox:
        """Return the outbox."""
        from adapters.stores.outbox import SqliteOutbox  # noqa: PLC0415  # see the module's docstring

        path = str(self._at.path(self._at.site.gateway.outbox))
        return self._closed_at_the_end(SqliteOutbox(path=path))

    def registry(self) -> ports.Registry:
        """Return the registry of releases."""
        from adapters.stores.registry import SqliteRegistry  # noqa: PLC0415  # see the module's docstring

        return self._closed_at_the_end(SqliteRegistry(path=self._kept))

    def witnesses(self, sources: Mapping[str, ports.Source], store: ports.Store) -> Witnesses:
        """Return what can say whether a baseline is proven, over sources and a store that are open."""
        kept, bad, clock = self.registry(), self.quarantines(), SystemClock()
        return Witnesses(registry=kept, quarantines=bad, store=store, sources=sources, clock=clock)

    def leases(self) -> ports.Leases:
        """Return the leases of targets."""
        from adapters.stores.leases import SqliteLeases  # noqa: PLC0415  # see the module's docstring

        return self._closed_at_the_end(SqliteLeases(path=self._kept))

    def quarantines(self) -> ports.Quarantines:
        """Return what must not be released again."""
        from adapters.stores.quarantines import SqliteQuarantines  # noqa: PLC0415  # see the module's docstring

        return self._closed_at_the_end(SqliteQuarantines(path=self._kept))

    def marks(self) -> ports.Marks:
        """Return the marked events."""
        from adapters.stores.marks import SqliteMarks  # noqa: PLC0415  # see the module's docstring

        return self._closed_at_the_end(SqliteMarks(path=self._kept))

    def pushes(self) -> dict[str, ports.PushStore]:
        """Return the store of every push source, by the source's name."""
        return {
            name: self._pushes(config)
            for name, config in self._at.site.sources.items()
            if isinstance(config, site_models.PushSource)
        }

    def _pushes(self, config: site_models.PushSource) -> ports.PushStore:
        from adapters.stores.pushes import SqlitePushes  # noqa: PLC0415  # see the module's docstring

        return self._closed_at_the_end(SqlitePushes(str(self._at.path(config.path)), config.keep))

    @property
    def _kept(self) -> str:
        return str(self._at.path(self._at.site.store.path))

    def _closed_at_the_end(self, adapter: Closable) -> Closable:
        self._stack.push_async_callback(adapter.aclose)
        return adapter


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
        sources, store, targets = adapters.sources(), adapters.store(), adapters.targets()
        ui = deployment.site.ui or ui
        history = f"{ui.rstrip('/')}/namespaces/{namespace}/workflows" if ui else ""
        yield activities_of(
            SignalActivities(sources=sources, clock=SystemClock(), marks=adapters.marks()),
            BaselineActivities(witnesses=adapters.witnesses(sources, store)),
            ExposureActivities(targets=targets),
            ServingActivities(probes=adapters.probes(), targets=targets, clock=SystemClock()),
            LeaseActivities(leases=adapters.leases()),
            QuarantineActivities(quarantines=adapters.quarantines(), registry=adapters.registry()),
            PeopleActivities(
                channels=channels,
                directory=deployment.site.people,
                templates=templates,
                history=history,
                rotas=adapters.rotas(),
                calendars=deployment.site.calendars,
            ),
            CheckActivities(checks=adapters.checks(), store=adapters.store()),
            RecordActivities(
                store=store,
                channels=channels,
                directory=deployment.site.people,
                templates=templates,
                history=history,
            ),
        )


@asynccontextmanager
async def open_gateway(deployment: Deployment, client: Client) -> AsyncIterator[Starlette]:
    """Yield the gateway's web application; close its outbox after use.

    Raises:
        SecretMissing: a door's secret is not there.
    """
    from prometheus_client import CollectorRegistry, ProcessCollector  # noqa: PLC0415  # see the module's docstring

    from gateway.app import Stores, build_app  # noqa: PLC0415  # see the module's docstring
    from gateway.watches import Watches  # noqa: PLC0415  # see the module's docstring

    at, registry = deployment.at, CollectorRegistry()
    ProcessCollector(registry=registry)
    async with open_adapters(at) as adapters:
        yield build_app(
            incidents=Incidents(client=client),
            watches=Watches(client=client),
            stores=Stores(
                outbox=adapters.outbox(),
                registry=adapters.registry(),
                quarantines=adapters.quarantines(),
                marks=adapters.marks(),
                pushes=adapters.pushes(),
            ),
            slack=adapters.slack_calls(),
            playbooks=deployment.playbooks,
            site=at.site,
            secrets=_secrets(at),
            registry=registry,
        )


def _secrets(at: SiteFile) -> Secrets:
    """Return what opens the gateway's doors. `SecretMissing`: it is named, but not there."""
    from gateway.admission import way_in  # noqa: PLC0415  # see the module's docstring
    from gateway.app import Secrets  # noqa: PLC0415  # see the module's docstring

    gateway, sources = at.site.gateway, at.site.sources
    slack, releases = gateway.slack, gateway.releases
    return Secrets(
        alerts={sender: way_in(sender, door, at.secret) for sender, door in gateway.alerts.open.items()},
        slack=at.secret(slack.signing_secret) if slack and slack.signing_secret else None,
        slack_app=at.secret(slack.app_token) if slack and slack.app_token else None,
        releases=at.secret(releases.token) if releases else None,
        pushes={
            name: at.secret(source.token)
            for name, source in sources.items()
            if isinstance(source, site_models.PushSource)
        },
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
