"""Addresses in the site file: what is none, what holds a secret, and what would send one for all to read."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

from backout.placeholders import placeholder_problems
from backout.problems import Path, Problem
from backout.secret import BasicAuth, SecretRef


def address_problems(
    path: Path, url: str, known: tuple[str, ...], *, token: SecretRef | BasicAuth | None = None
) -> Iterator[Problem]:
    """Yield what is wrong with an address; `known` are its placeholders, `token` is what is sent there."""
    if not _is_http(url):
        yield Problem(path=path, message=f"'{url}' is not an address; write http://host:port/path")
    elif "@" in urlsplit(url).netloc:
        yield Problem(path=path, message="a secret is named, never written into an address")
    elif token and urlsplit(url).scheme == "http" and not is_this_machine(urlsplit(url).hostname or ""):
        what = "password" if isinstance(token, BasicAuth) else "token"
        msg = f"the {what} would be sent for all to read; write https://, or name an address of this machine"
        yield Problem(path=path, message=msg)
    yield from placeholder_problems(path, url, known)


def is_this_machine(host: str) -> bool:
    """Say whether a host is this very machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return False
