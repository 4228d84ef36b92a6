"""What is wrong in a site file although every field fits: shared identities, addresses that are none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import PurePosixPath

from backout.addresses import address_problems
from backout.model import format_duration, mail_address
from backout.placeholders import IN_ADDRESSES, IN_QUESTIONS, placeholder_problems
from backout.problems import Path, Problem, unknown
from backout.rotas import WeeklyRota
from backout.site import (
    Channel,
    ExpositionSource,
    MailChannel,
    PagerDutyChannel,
    PrometheusSource,
    PushSource,
    Site,
    TerminalChannel,
    WebhookChannel,
)
from backout.site_lint_checks import check_problems
from backout.site_lint_rotas import rota_problems
from backout.targets import HaproxyTarget, HttpRouteTarget, HttpTarget, MlflowTarget, UnleashTarget

LONGEST_TRY = timedelta(seconds=8)
"""A page is tried for ten seconds at a time; a channel must have given up before that."""


def site_problems(site: Site) -> Iterator[Problem]:
    """Yield what makes the site unfit for use."""
    yield from _shared_identities(site)
    yield from _deputies(site)
    yield from _addresses(site)
    yield from _shared_files(site)
    yield from _mail_addresses(site)
    yield from _patience(site)
    yield from rota_problems(site)
    yield from check_problems(site)
    for name, target in site.targets.items():
        if isinstance(target, HaproxyTarget | HttpRouteTarget):
            yield from placeholder_problems(("targets", name, "candidate"), target.candidate, ("release",))
        elif isinstance(target, UnleashTarget):
            yield from placeholder_problems(("targets", name, "feature"), target.feature, ("release",))
    yield from _probes(site)


def _shared_identities(site: Site) -> Iterator[Problem]:
    """One identity is one person: decision rights and quorums are counted by it."""
    for field in ("slack", "login", "email", "pagerduty"):
        owners: dict[str, str] = {}
        for key, person in site.people.items():
            told = getattr(person, field)
            # Mail systems do not tell cases apart, and neither does who looks a person up by their address.
            identity = told.lower() if told and field == "email" else told
            first = owners.setdefault(identity, key) if identity else key
            if first != key:
                msg = f"'{identity}' belongs to '{first}' already; one identity is one person"
                yield Problem(path=("people", key, field), message=msg)


def _deputies(site: Site) -> Iterator[Problem]:
    """A deputy who is nobody, or stands in for nobody, would silently be missing when it counts."""
    for i, deputy in enumerate(site.deputies):
        for field in ("person", "of"):
            name = getattr(deputy, field)
            if name not in site.people:
                yield Problem(path=("deputies", i, field), message=unknown("person", name, site.people))
        if deputy.of not in site.people:
            continue
        own = site.people[deputy.of].roles
        for j, role in enumerate(deputy.roles):
            if role not in own:
                msg = unknown(f"role of {deputy.of}", role, own)
                yield Problem(path=("deputies", i, "roles", j), message=msg)


def _shared_files(site: Site) -> Iterator[Problem]:
    """Pushed counts are added up by file: two sources in one would count each other's pushes."""
    owners: dict[str, str] = {}
    for name, source in site.sources.items():
        if isinstance(source, PushSource):
            path = str(PurePosixPath(source.path))
            first = owners.setdefault(path, name)
            if first != name:
                msg = f"'{source.path}' is the file of '{first}' already; each source has its own"
                yield Problem(path=("sources", name, "path"), message=msg)


def _addresses(site: Site) -> Iterator[Problem]:
    urls: Mapping[Path, str] = {
        **{
            ("sources", name, "url"): source.url
            for name, source in site.sources.items()
            if isinstance(source, ExpositionSource | PrometheusSource)
        },
        **{
            ("targets", name, "url"): target.url
            for name, target in site.targets.items()
            if isinstance(target, HttpRouteTarget | HttpTarget | MlflowTarget | UnleashTarget)
        },
        **{
            ("channels", name, *place): url
            for name, channel in site.channels.items()
            for place, url in _channel_addresses(channel)
        },
        **{
            ("rotas", name, "url"): rota.url
            for name, rota in site.rotas.items()
            if not isinstance(rota, WeeklyRota)
        },
        **({("ui",): site.ui} if site.ui else {}),
        **({("gateway", "slack", "api"): site.gateway.slack.api} if site.gateway.slack else {}),
    }
    for path, url in urls.items():
        yield from address_problems(path, url, IN_ADDRESSES)


def _probes(site: Site) -> Iterator[Problem]:
    for name, probe in site.probes.items():
        yield from address_problems(("probes", name, "url"), probe.url, IN_QUESTIONS)
        for header, value in probe.headers.items():
            path: Path = ("probes", name, "headers", header)
            yield from placeholder_problems(path, value, IN_QUESTIONS)
            if header.lower() == "authorization":
                yield Problem(path=path, message="a secret is named, never written here; use 'token'")


def _channel_addresses(channel: Channel) -> Iterator[tuple[Path, str]]:
    match channel:
        case TerminalChannel() | MailChannel():
            return
        case PagerDutyChannel() | WebhookChannel():
            yield ("url",), channel.url
        case _:
            yield ("api",), channel.api


def _mail_addresses(site: Site) -> Iterator[Problem]:
    for key, person in site.people.items():
        try:
            mail_address(person.email or "nobody@localhost")
        except ValueError as error:
            yield Problem(path=("people", key, "email"), message=str(error))


def _patience(site: Site) -> Iterator[Problem]:
    """Yield the channels that would still be trying when the page is given up."""
    for name, channel in site.channels.items():
        if (
            isinstance(channel, PagerDutyChannel | MailChannel | WebhookChannel)
            and channel.timeout > LONGEST_TRY
        ):
            msg = f"a page is tried for 10 s at a time; let this be {format_duration(LONGEST_TRY)} at most"
            yield Problem(path=("channels", name, "timeout"), message=msg)
