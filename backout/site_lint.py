"""What is wrong in a site file although every field fits: shared identities, addresses that are none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import PurePosixPath

from backout.addresses import address_problems
from backout.model import format_duration, mail_address
from backout.placeholders import IN_ADDRESSES, IN_QUESTIONS, placeholder_problems, unfilled_problems
from backout.problems import Path, Problem, unknown
from backout.rotas import Rota, WeeklyRota
from backout.secret import SecretRef
from backout.site import (
    Channel,
    ExpositionSource,
    MailChannel,
    PagerDutyChannel,
    PrometheusSource,
    PushSource,
    Site,
    Source,
    TerminalChannel,
    WebhookChannel,
)
from backout.site_lint_checks import check_problems
from backout.site_lint_rotas import rota_problems
from backout.targets import HaproxyTarget, HttpRouteTarget, HttpTarget, MlflowTarget, Target, UnleashTarget

LONGEST_TRY = timedelta(seconds=8)
"""A page is tried for ten seconds at a time; a channel must have given up before that."""

_ADDRESSES = frozenset({"url", "api"})
_NAMES_RELEASE: Mapping[type, str] = {
    HaproxyTarget: "candidate",
    HttpRouteTarget: "candidate",
    UnleashTarget: "feature",
}
"""The field of a target in which `$release` is filled in; an address of one's own has more."""


def site_problems(site: Site) -> Iterator[Problem]:
    """Yield what makes the site unfit for use."""
    yield from _shared_identities(site)
    yield from _deputies(site)
    yield from _addresses(site)
    yield from _ways_to_people(site)
    yield from _shared_files(site)
    yield from _mail_addresses(site)
    yield from _patience(site)
    yield from rota_problems(site)
    yield from check_problems(site)
    yield from _texts(site)
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
    for name, source in site.sources.items():
        if isinstance(source, ExpositionSource | PrometheusSource):
            secret = source.token or (source.basic if isinstance(source, PrometheusSource) else None)
            yield from address_problems(("sources", name, "url"), source.url, (), token=secret)
    for name, target in site.targets.items():
        if isinstance(target, HttpRouteTarget | HttpTarget | MlflowTarget | UnleashTarget):
            secret = target.token or (target.basic if isinstance(target, MlflowTarget) else None)
            known = IN_ADDRESSES if isinstance(target, HttpTarget) else ()
            yield from address_problems(("targets", name, "url"), target.url, known, token=secret)


def _ways_to_people(site: Site) -> Iterator[Problem]:
    for name, channel in site.channels.items():
        for place, url, token in _channel_addresses(channel):
            yield from address_problems(("channels", name, *place), url, (), token=token)
    for name, rota in site.rotas.items():
        if not isinstance(rota, WeeklyRota):
            yield from address_problems(("rotas", name, "url"), rota.url, (), token=rota.token)
    if site.ui:
        yield from address_problems(("ui",), site.ui, ())
    if door := site.gateway.slack:
        yield from address_problems(("gateway", "slack", "api"), door.api, (), token=door.token)


def _texts(site: Site) -> Iterator[Problem]:
    """Yield placeholders in the texts that are no addresses; a few of them name the release."""
    sections: Mapping[str, Mapping[str, Source | Target | Channel | Rota]] = {
        "sources": site.sources,
        "targets": site.targets,
        "channels": site.channels,
        "rotas": site.rotas,
    }
    for section, parts in sections.items():
        for name, part in parts.items():
            for field, text in part:
                path = (section, name, field)
                if not isinstance(text, str) or field in _ADDRESSES:
                    continue
                if field == _NAMES_RELEASE.get(type(part)):
                    yield from placeholder_problems(path, text, ("release",))
                else:
                    yield from unfilled_problems(path, text)


def _probes(site: Site) -> Iterator[Problem]:
    for name, probe in site.probes.items():
        yield from address_problems(("probes", name, "url"), probe.url, IN_QUESTIONS, token=probe.token)
        for header, value in probe.headers.items():
            path: Path = ("probes", name, "headers", header)
            yield from placeholder_problems(path, value, IN_QUESTIONS)
            if header.lower() == "authorization":
                yield Problem(path=path, message="a secret is named, never written here; use 'token'")


def _channel_addresses(channel: Channel) -> Iterator[tuple[Path, str, SecretRef | None]]:
    match channel:
        case TerminalChannel() | MailChannel():
            return
        case PagerDutyChannel() | WebhookChannel():
            yield ("url",), channel.url, None
        case _:
            yield ("api",), channel.api, channel.token


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
