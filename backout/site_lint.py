"""What is wrong in a site file although every field fits: shared identities, addresses that are none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from backout.placeholders import IN_ADDRESSES, placeholder_problems
from backout.problems import Path, Problem
from backout.site import ExpositionSource, PrometheusSource, PushSource, Site, SlackChannel
from backout.targets import HaproxyTarget, HttpRouteTarget, HttpTarget, MlflowTarget, UnleashTarget


def site_problems(site: Site) -> Iterator[Problem]:
    """Yield what makes the site unfit for use."""
    yield from _shared_identities(site)
    yield from _addresses(site)
    yield from _shared_files(site)
    for name, target in site.targets.items():
        if isinstance(target, HaproxyTarget | HttpRouteTarget):
            yield from placeholder_problems(("targets", name, "candidate"), target.candidate, ("release",))
        elif isinstance(target, UnleashTarget):
            yield from placeholder_problems(("targets", name, "feature"), target.feature, ("release",))


def _shared_identities(site: Site) -> Iterator[Problem]:
    """One identity is one person: decision rights and quorums are counted by it."""
    for field in ("slack", "login"):
        owners: dict[str, str] = {}
        for key, person in site.people.items():
            identity = getattr(person, field)
            first = owners.setdefault(identity, key) if identity else key
            if first != key:
                msg = f"'{identity}' belongs to '{first}' already; one identity is one person"
                yield Problem(path=("people", key, field), message=msg)


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
        **{("checks", name, "url"): check.url for name, check in site.checks.items()},
        **{
            ("channels", name, "api"): channel.api
            for name, channel in site.channels.items()
            if isinstance(channel, SlackChannel)
        },
        **({("ui",): site.ui} if site.ui else {}),
    }
    for path, url in urls.items():
        if not _is_http(url):
            yield Problem(path=path, message=f"'{url}' is not an address; write http://host:port/path")
        elif "@" in urlsplit(url).netloc:
            yield Problem(path=path, message="a secret is named, never written into an address")
        yield from placeholder_problems(path, url, IN_ADDRESSES)


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return False
